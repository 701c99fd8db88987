/**
 * What solvers ask of a link that is dealt out in units (sub-channels or slots): how far a device's units carry it.
 * An assignment is an owner for each unit, −1 for nobody.
 */
import type { AllocationProblem, Infeasibility, MeasuredLink, RadioLink } from "./problem.ts";
import { bestLimit, fillCurve, type RankedChannels, radioInstance, rankChannels } from "./radio-instance.ts";
import { largestKeepRate, radioTasks } from "./radio-task.ts";
import {
  keepRateRange,
  reach,
  reachAtBitCost,
  reachAtRate,
  type UploadTask,
  uploadTask,
} from "./upload-task.ts";
import { CapacityCurve } from "./water-filling.ts";

export interface LinkModel {
  readonly units: number;
  /** Largest keep rate device k reaches with the units it owns, at its best operating point; 0 when even the
   *  highest dropout rate is out of reach. More units never lower it. */
  keepRateLimit(device: number, owner: Int32Array): number;
  /** The same with every unit. */
  wholeLinkLimit(device: number): number;
  /** How good unit m is for device k; only the order matters. */
  quality(device: number, unit: number): number;
}

/** Slots that stand for a link of continuous shares where a method deals out units. */
const defaultSlots = 64;

export function linkModel(problem: AllocationProblem): LinkModel {
  const { link } = problem;
  return link.kind === "radio" ? radioModel(problem, link) : slotModel(problem, link);
}

function radioModel(problem: AllocationProblem, link: RadioLink): LinkModel {
  const instance = radioInstance(problem, link);
  const { curve, channels, low, high } = instance;
  return {
    units: channels,
    keepRateLimit(device, owner) {
      fillCurve(curve, instance.ranked[device] as RankedChannels, (channel) => owner[channel] === device);
      return bestLimit(instance, device, low, high);
    },
    wholeLinkLimit(device) {
      fillCurve(curve, instance.ranked[device] as RankedChannels, () => true);
      return bestLimit(instance, device, low, high);
    },
    quality: (device, unit) => link.gainPerWatt[device]?.[unit] as number,
  };
}

/** ρ of a device on a measured link: the share of it that one bit/s takes. */
export function sharePerBitRate(link: MeasuredLink, device: number): number {
  return (
    1 / (link.shared.kind === "ingress" ? link.shared.bitsPerSecond : (link.bitsPerSecond[device] as number))
  );
}

/** Largest keep rate within [low, high] that a share of a measured link carries, at one operating point; else 0. */
export function keepRateAtShare(
  link: MeasuredLink,
  device: number,
  task: UploadTask,
  share: number,
  low: number,
  high: number,
): number {
  const own = link.bitsPerSecond[device] as number;
  const rate = Math.min(own, share / sharePerBitRate(link, device));
  if (!(rate > 0)) return 0;
  const joulesPerBit = (link.radioWatts[device] as number) / own;
  const limit = Math.min(reach(task, high), reachAtRate(task, rate), reachAtBitCost(task, joulesPerBit));
  return limit >= low ? limit : 0;
}

function slotModel(problem: AllocationProblem, link: MeasuredLink): LinkModel {
  const [low, high] = keepRateRange(problem);
  const units = link.slots ?? defaultSlots;
  // Slots are alike, so a device's limit depends on their number only: [K][units + 1].
  const limits = problem.devices.map((load, k) => {
    const tasks = load.preparations.map((preparation) =>
      uploadTask(load, preparation, problem.deadlineSeconds),
    );
    return Float64Array.from({ length: units + 1 }, (_, count) =>
      Math.max(...tasks.map((task) => keepRateAtShare(link, k, task, count / units, low, high))),
    );
  });
  return {
    units,
    keepRateLimit(device, owner) {
      let count = 0;
      for (const k of owner) if (k === device) count++;
      return limits[device]?.[count] as number;
    },
    wholeLinkLimit: (device) => limits[device]?.[units] as number,
    quality: (device) => link.bitsPerSecond[device] as number,
  };
}

/** Why a device cannot take part even with the whole link, or null when it can. */
export function infeasibility(problem: AllocationProblem, device: number): Infeasibility | null {
  const load = problem.devices[device] as AllocationProblem["devices"][number];
  const [low, high] = keepRateRange(problem);
  const admits = (deadline: number, energy: number): boolean => {
    const { link } = problem;
    if (link.kind === "measured") {
      return load.preparations.some(
        (preparation) =>
          keepRateAtShare(link, device, uploadTask(load, preparation, deadline, energy), 1, low, high) > 0,
      );
    }
    const gains = link.gainPerWatt[device] as readonly number[];
    const curve = new CapacityCurve(gains.length);
    fillCurve(curve, rankChannels(gains), () => true);
    return radioTasks(problem, link, device, deadline, energy).some(
      (task) => largestKeepRate(curve, task, low, high) > 0,
    );
  };
  const { deadlineSeconds } = problem;
  if (admits(deadlineSeconds, load.energyLimitJoules)) return null;
  const tasks = load.preparations.map((preparation) => uploadTask(load, preparation, deadlineSeconds));
  const timely = tasks.filter((task) => task.fixedSeconds > task.secondsPerKeepRate * low);
  const frugal = timely.filter((task) => task.fixedJoules > task.joulesPerKeepRate * low);
  return {
    cause: timely.length === 0 ? "compute" : frugal.length === 0 ? "energy" : "link",
    leastDeadlineSeconds: leastAdmitting(deadlineSeconds, (deadline) =>
      admits(deadline, load.energyLimitJoules),
    ),
    leastEnergyJoules: leastAdmitting(load.energyLimitJoules, (energy) => admits(deadlineSeconds, energy)),
  };
}

/** Least x ≥ start that a monotone condition admits, to 1e-9 of itself and on the admitting side; null beyond 1e9. */
function leastAdmitting(start: number, admits: (x: number) => boolean): number | null {
  let [low, high] = [start, Math.max(1e-6, 2 * start)];
  while (!admits(high)) {
    if (high > 1e9) return null;
    [low, high] = [high, 2 * high];
  }
  while (high - low > 1e-9 * high) {
    const middle = 0.5 * (low + high);
    if (admits(middle)) high = middle;
    else low = middle;
  }
  return high;
}
