/** From decisions (owners or shares, and keep rates) to the full allocation: over radio the fastest upload and operating
 *  point that the energy pays for, on a measured link the cheapest operating point; times and energies. */
import { radioJoules } from "./energy.ts";
import { infeasibility, keepRateAtShare, sharePerBitRate } from "./link-model.ts";
import { objectiveAt } from "./objective.ts";
import type {
  Allocation,
  AllocationProblem,
  DeviceAllocation,
  DeviceLoad,
  MeasuredLink,
  Method,
  Preparation,
  RadioLink,
  TracePoint,
} from "./problem.ts";
import { fillCurve, rankChannels } from "./radio-instance.ts";
import { type RadioTask, radioTasks } from "./radio-task.ts";
import { rateNeeded, taskBits, uploadTask, windowSeconds } from "./upload-task.ts";
import { CapacityCurve } from "./water-filling.ts";

/** What a solver decided. */
export interface Decision {
  readonly method: Method;
  /** Owner of each unit, −1 for nobody; or a share for each device. */
  readonly assignment:
    | { readonly kind: "units"; readonly owner: Int32Array }
    | { readonly kind: "shares"; readonly shares: ArrayLike<number> };
  /** [K], 0 for excluded. */
  readonly keepRates: ArrayLike<number>;
  readonly lowerBound: number;
  readonly relativeTolerance: number;
  readonly nodes: number;
  readonly milliseconds: number;
  readonly trace: readonly TracePoint[];
}

/** Relative slack for comparing a keep rate with limits that were computed along another path. */
const slack = 1e-9;

export function settle(problem: AllocationProblem, decision: Decision): Allocation {
  const objective = objectiveAt(problem, decision.keepRates);
  // Rounding may put the bound of an optimum a hair above it.
  const lowerBound = Math.min(decision.lowerBound, objective);
  const gap = objective === 0 ? 0 : (objective - lowerBound) / Math.abs(objective);
  const owner = ownersOf(problem, decision);
  const subChannelWatts = new Array<number>(problem.link.kind === "radio" ? owner.length : 0).fill(0);
  const devices = problem.devices.map((_, k): DeviceAllocation => {
    const s = decision.keepRates[k] as number;
    if (s === 0) return { kind: "excluded", infeasibility: infeasibility(problem, k) };
    if (problem.link.kind === "radio")
      return settleRadio(problem, problem.link, k, s, owner, subChannelWatts);
    return settleMeasured(problem, problem.link, k, s, decision, owner);
  });
  return {
    method: decision.method,
    objective,
    lowerBound,
    gap,
    certified: gap <= decision.relativeTolerance,
    devices: problem.link.kind === "measured" ? spreadSpareShare(problem.link, devices) : devices,
    owner,
    subChannelWatts,
    nodes: decision.nodes,
    milliseconds: decision.milliseconds,
    trace: decision.trace,
  };
}

function ownersOf(problem: AllocationProblem, decision: Decision): (number | null)[] {
  if (decision.assignment.kind === "shares") return [];
  if (problem.link.kind === "measured" && problem.link.slots === null) return [];
  return Array.from(decision.assignment.owner, (k) => (k < 0 || decision.keepRates[k] === 0 ? null : k));
}

function settleRadio(
  problem: AllocationProblem,
  link: RadioLink,
  device: number,
  s: number,
  owner: readonly (number | null)[],
  subChannelWatts: number[],
): DeviceAllocation {
  const ranked = rankChannels(link.gainPerWatt[device] as readonly number[]);
  const curve = new CapacityCurve(owner.length);
  fillCurve(curve, ranked, (channel) => owner[channel] === device);
  const preparations = (problem.devices[device] as DeviceLoad).preparations;
  let best: (DeviceAllocation & { kind: "admitted" }) | undefined;
  radioTasks(problem, link, device).forEach((task, operatingPoint) => {
    if (!(windowSeconds(task, s) > 0)) return;
    const { seconds, joules } = preparations[operatingPoint] as Preparation;
    const energyLimit = (problem.devices[device] as DeviceLoad).energyLimitJoules;
    const spent = (watts: number, rate: number): number =>
      joules.fixed + joules.perKeepRate * s + radioJoules(watts, taskBits(task, s) / rate, task.efficiency);
    const needed = rateNeeded(task, s);
    const least = curve.wattsFor(needed / task.hertz);
    if (least > task.maxWatts * (1 + slack) || spent(least, needed) > energyLimit * (1 + slack)) return;
    const uploadBitsPerSecond = fastestRate(
      curve,
      task,
      needed,
      (watts, rate) => spent(watts, rate) <= energyLimit,
    );
    const watts = curve.wattsFor(uploadBitsPerSecond / task.hertz);
    const uploadSeconds = taskBits(task, s) / uploadBitsPerSecond;
    const latencySeconds = seconds.fixed + seconds.perKeepRate * s + uploadSeconds;
    if (best !== undefined && best.latencySeconds <= latencySeconds) return;
    best = {
      kind: "admitted",
      dropoutRate: 1 - s,
      operatingPoint,
      linkShare: curve.count / owner.length,
      uploadBitsPerSecond,
      uploadSeconds,
      latencySeconds,
      transmitPowerWatts: watts,
      energyJoules: spent(watts, uploadBitsPerSecond),
    };
  });
  if (best === undefined) {
    throw new Error(
      `allocation: expected an operating point that carries keep rate ${s}, got none (device ${device})`,
    );
  }
  curve.wattsFor(best.uploadBitsPerSecond / link.subChannelHertz);
  ranked.order.forEach((channel, i) => {
    const watts = curve.waterLevel - (ranked.inverseGain[i] as number);
    if (owner[channel] === device) subChannelWatts[channel] = Math.max(0, watts);
  });
  return best;
}

/** Largest rate, from `needed` up to full power, that is affordable: an upload ends as early as its energy allows, so
 *  that a transfer slower than predicted still has time. A bit costs more the faster it is sent, since the power is
 *  convex in the rate and none at rest, so what is affordable is an interval. */
function fastestRate(
  curve: CapacityCurve,
  task: RadioTask,
  needed: number,
  affordable: (watts: number, rate: number) => boolean,
): number {
  const full = task.hertz * curve.pour(task.maxWatts);
  if (full <= needed) return needed;
  if (affordable(task.maxWatts, full)) return full;
  let [low, high] = [needed, full];
  while (high - low > 1e-9 * high) {
    const middle = 0.5 * (low + high);
    if (affordable(curve.wattsFor(middle / task.hertz), middle)) low = middle;
    else high = middle;
  }
  return low;
}

function settleMeasured(
  problem: AllocationProblem,
  link: MeasuredLink,
  device: number,
  s: number,
  decision: Decision,
  owner: readonly (number | null)[],
): DeviceAllocation {
  const load = problem.devices[device] as DeviceLoad;
  const radioWatts = link.radioWatts[device] as number;
  const ownRate = link.bitsPerSecond[device] as number;
  const held = heldShare(decision, device) * (1 + slack);
  let best: (DeviceAllocation & { kind: "admitted" }) | undefined;
  load.preparations.forEach(({ seconds, joules }, operatingPoint) => {
    const task = uploadTask(load, { seconds, joules }, problem.deadlineSeconds);
    if (keepRateAtShare(link, device, task, held, s * (1 - slack), 1) < s * (1 - slack)) return;
    const uploadBitsPerSecond = rateNeeded(task, s);
    const energyJoules = joules.fixed + joules.perKeepRate * s + (radioWatts * taskBits(task, s)) / ownRate;
    if (best !== undefined && best.energyJoules <= energyJoules) return;
    best = {
      kind: "admitted",
      dropoutRate: 1 - s,
      operatingPoint,
      linkShare:
        owner.length > 0
          ? owner.filter((k) => k === device).length / owner.length
          : sharePerBitRate(link, device) * uploadBitsPerSecond,
      uploadBitsPerSecond,
      uploadSeconds: windowSeconds(task, s),
      latencySeconds: seconds.fixed + seconds.perKeepRate * s + windowSeconds(task, s),
      transmitPowerWatts: radioWatts,
      energyJoules,
    };
  });
  if (best === undefined) {
    throw new Error(
      `allocation: expected an operating point that carries keep rate ${s}, got none (device ${device})`,
    );
  }
  return best;
}

function heldShare({ assignment }: Decision, device: number): number {
  if (assignment.kind === "shares") return assignment.shares[device] as number;
  return assignment.owner.reduce((count, k) => count + (k === device ? 1 : 0), 0) / assignment.owner.length;
}

/** What no constraint needs is not left idle: every upload is sped up by one factor, up to its own path's rate, and
 *  ends before the deadline. Energy stays, for a radio is on as long as the bits take at its own rate. */
function spreadSpareShare(link: MeasuredLink, devices: readonly DeviceAllocation[]): DeviceAllocation[] {
  const slotted = link.slots !== null;
  const total = devices.reduce((sum, each) => sum + (each.kind === "admitted" ? each.linkShare : 0), 0);
  return devices.map((each, k) => {
    if (each.kind === "excluded") return each;
    const share = slotted ? each.linkShare : each.linkShare / Math.max(total, 1e-12);
    const rate = Math.min(link.bitsPerSecond[k] as number, share / sharePerBitRate(link, k));
    const uploadSeconds = (each.uploadSeconds * each.uploadBitsPerSecond) / rate;
    return {
      ...each,
      linkShare: share,
      uploadBitsPerSecond: rate,
      uploadSeconds,
      latencySeconds: each.latencySeconds - each.uploadSeconds + uploadSeconds,
    };
  });
}
