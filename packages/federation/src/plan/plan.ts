/**
 * Who does what in a round: dropout rates and paces, by the run's method. Methods that need nothing measured decide
 * at once; the others solve the allocation problem that the measurements pose.
 */
import { allocate, type DeviceAllocation, type MeasuredLink } from "@fedlodrop/allocation";
import { createRandom, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import type { Assignment, ReadyParticipant, RoundPlan } from "../round/run-state.ts";
import { allocationRecord, type Decision, type Grant } from "./allocation-record.ts";
import { type Caution, type PosedProblem, poseProblem } from "./live-problem.ts";
import type { PlanRequest } from "./plan-request.ts";
import { evenPowerRate, FULL_POWER_WATTS, fadedGains, RADIO_CELL } from "./radio-cell.ts";

export interface PlanOptions {
  /** Milliseconds of a monotone clock; time stands still when not given. */
  readonly now?: () => number;
  readonly timeBudgetMilliseconds?: number;
}

export type DirectMethod = "fedlora" | "fixed" | "random";
type SolvedMethod = Exclude<RunConfig["method"], DirectMethod>;

export const isDirect = (method: RunConfig["method"]): method is DirectMethod =>
  method === "fedlora" || method === "fixed" || method === "random";

/** γ of one participant. `random` draws from the seed, the round and the name, so that a run repeats. */
export function directDropoutRate(
  method: DirectMethod,
  config: RunConfig,
  round: number,
  participantId: string,
): number {
  switch (method) {
    case "fedlora":
      return 0;
    case "fixed":
      return config.dropoutRate;
    case "random":
      return (
        createRandom(config.seed, round, participantId, "dropout-rate").uniform() * config.maxDropoutRate
      );
    default:
      return method satisfies never;
  }
}

/** On measured links nobody is paced; in an emulated cell sub-channels go round in turn. */
export function planDirectly(method: DirectMethod, request: PlanRequest): RoundPlan {
  const { config, round, participants } = request;
  const posed = poseProblem(request, new Map());
  const { link } = posed.problem;
  const grants = participants.map(({ id }, k): Grant => {
    const dropoutRate = directDropoutRate(method, config, round, id);
    if (link.kind === "measured") {
      const bitsPerSecond = link.bitsPerSecond[k] as number;
      const uploadJoulesPerBit = ownJoulesPerBit(link, k);
      return { kind: "admitted", dropoutRate, share: null, bitsPerSecond, uploadJoulesPerBit };
    }
    const own = inTurn(fadedGains(config.seed, round, id), k, participants.length);
    const bitsPerSecond = evenPowerRate(own);
    return {
      kind: "admitted",
      dropoutRate,
      share: own.length / RADIO_CELL.subChannels,
      bitsPerSecond,
      uploadJoulesPerBit: FULL_POWER_WATTS / bitsPerSecond,
    };
  });
  return {
    assignments: grants.map((grant, k) => assign(request, posed, k, grant, link.kind === "radio")),
    allocation: allocationRecord(request, posed, grants, null),
  };
}

/** A radio is on for as long as the bits take at the device's own rate, however its upload is paced. */
const ownJoulesPerBit = ({ radioWatts, bitsPerSecond }: MeasuredLink, k: number): number =>
  (radioWatts[k] as number) / (bitsPerSecond[k] as number);

function assign(
  { config, participants }: PlanRequest,
  posed: PosedProblem,
  k: number,
  { dropoutRate, bitsPerSecond, uploadJoulesPerBit }: Grant,
  paced: boolean,
): Assignment {
  const emulated = config.links === "emulated";
  return {
    participantId: (participants[k] as ReadyParticipant).id,
    dropoutRate,
    uploadBytesPerSecond: paced ? bitsPerSecond / 8 : null,
    downloadBytesPerSecond: emulated ? (posed.downloadBytesPerSecond[k] as number) : null,
    uploadWatts: emulated ? uploadJoulesPerBit * bitsPerSecond : null,
    rateSource: emulated ? "emulated" : "measured",
  };
}

/** Every K-th item from the k-th; with more devices than items at least one, shared. */
function inTurn(items: readonly number[], k: number, count: number): readonly number[] {
  const own = items.filter((_, i) => i % count === k % items.length);
  return own.length > 0 ? own : [items[k % items.length] as number];
}

/**
 * Solves for rates and shares. A device that time keeps out is tried at its mean, and failing that now and then all the
 * same, because a device that is left out is not measured again. Who stays out is in the record with the reason.
 */
export function planBySolving(
  method: SolvedMethod,
  request: PlanRequest,
  options: PlanOptions = {},
): RoundPlan {
  const caution = new Map<string, Caution>();
  let posed = poseProblem(request, caution);
  let allocation = allocate(posed.problem, method, options);
  for (const step of ["mean", "trial"] as const) {
    const nobody = allocation.devices.every(({ kind }) => kind === "excluded");
    const eased = request.participants.filter(
      ({ id }, k) =>
        isOutOfTime(allocation.devices[k] as DeviceAllocation) &&
        (step === "mean" || nobody || isDueForTrial(id, request.records)),
    );
    if (eased.length === 0) continue;
    for (const { id } of eased) caution.set(id, step);
    posed = poseProblem(request, caution);
    allocation = allocate(posed.problem, method, options);
  }
  const decisions = allocation.devices.map((device, k) => decide(posed, device, k));
  return {
    assignments: decisions.flatMap((decision, k) =>
      decision.kind === "admitted" ? assign(request, posed, k, decision, posed.paced[k] as boolean) : [],
    ),
    allocation: allocationRecord(request, posed, decisions, allocation),
  };
}

const isOutOfTime = (device: DeviceAllocation): boolean =>
  device.kind === "excluded" && device.infeasibility !== null && device.infeasibility.cause !== "energy";

/** Rounds that a device sits out before it is tried again; a newcomer is tried at once. */
const ROUNDS_BETWEEN_TRIALS = 3;

const isDueForTrial = (id: string, records: readonly RoundRecord[]): boolean =>
  !records
    .slice(-ROUNDS_BETWEEN_TRIALS)
    .some(({ participants }) => participants.some((participant) => participant.id === id));

function decide({ problem: { link } }: PosedProblem, device: DeviceAllocation, k: number): Decision {
  if (device.kind === "excluded") return device;
  const { dropoutRate, linkShare: share, uploadBitsPerSecond } = device;
  const grant = (bitsPerSecond: number, uploadJoulesPerBit: number): Grant => ({
    kind: "admitted",
    dropoutRate,
    share,
    bitsPerSecond,
    uploadJoulesPerBit,
  });
  if (link.kind === "measured") return grant(uploadBitsPerSecond, ownJoulesPerBit(link, k));
  const watts = device.transmitPowerWatts / (link.amplifierEfficiency[k] as number);
  return grant(uploadBitsPerSecond, watts / uploadBitsPerSecond);
}

export function planRound(request: PlanRequest, options: PlanOptions = {}): RoundPlan {
  const { method } = request.config;
  return isDirect(method) ? planDirectly(method, request) : planBySolving(method, request, options);
}
