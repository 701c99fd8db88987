/**
 * Who does what in a round: dropout rates and paces, by the run's method. Methods that need nothing measured decide
 * at once; the others solve the allocation problem that the measurements pose.
 */
import { type Allocation, allocate, type DeviceAllocation } from "@fedlodrop/allocation";
import { createRandom, type RoundRecord, type RunConfig } from "@fedlodrop/protocol";
import { allocationRecord } from "./allocation-record.ts";
import { type Caution, poseProblem } from "./live-problem.ts";
import type { PlanRequest } from "./plan-request.ts";
import { downlinkRate, evenPowerRate, fadedGains, meanGain, sendsAtFullPower } from "./radio-cell.ts";
import type { Assignment, ReadyParticipant, RoundPlan } from "./run-state.ts";

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
  const assignments = participants.map(
    ({ id }, k): Assignment => ({
      participantId: id,
      dropoutRate: directDropoutRate(method, config, round, id),
      ...(config.links === "measured"
        ? { uploadBytesPerSecond: null, downloadBytesPerSecond: null, rateSource: "measured" }
        : {
            uploadBytesPerSecond:
              evenPowerRate(inTurn(fadedGains(config.seed, round, id), k, participants.length)) / 8,
            downloadBytesPerSecond: downlinkRate(meanGain(config.seed, id), participants.length) / 8,
            rateSource: "emulated",
          }),
    }),
  );
  return { assignments, allocation: null };
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
  const rates = uploadRates(request, allocation);
  const emulated = request.config.links === "emulated";
  const assignments = request.participants.flatMap(({ id }, k): Assignment[] => {
    const device = allocation.devices[k] as DeviceAllocation;
    if (device.kind === "excluded") return [];
    return [
      {
        participantId: id,
        dropoutRate: device.dropoutRate,
        uploadBytesPerSecond: posed.paced[k] ? (rates[k] as number) / 8 : null,
        downloadBytesPerSecond: emulated ? (posed.downloadBytesPerSecond[k] as number) : null,
        rateSource: emulated ? "emulated" : "measured",
      },
    ];
  });
  return { assignments, allocation: allocationRecord(request, posed, allocation, rates) };
}

const isOutOfTime = (device: DeviceAllocation): boolean =>
  device.kind === "excluded" && device.infeasibility !== null && device.infeasibility.cause !== "energy";

/** Rounds that a device sits out before it is tried again; a newcomer is tried at once. */
const ROUNDS_BETWEEN_TRIALS = 3;

const isDueForTrial = (id: string, records: readonly RoundRecord[]): boolean =>
  !records
    .slice(-ROUNDS_BETWEEN_TRIALS)
    .some(({ participants }) => participants.some((participant) => participant.id === id));

/** Bit/s that each upload is paced to, null for the excluded. */
function uploadRates(
  { config, round, participants }: PlanRequest,
  { devices, owner }: Allocation,
): (number | null)[] {
  return devices.map((device, k) => {
    if (device.kind === "excluded") return null;
    const { id } = participants[k] as ReadyParticipant;
    if (!sendsAtFullPower(config, id)) return device.uploadBitsPerSecond;
    const gains = fadedGains(config.seed, round, id);
    return Math.max(
      device.uploadBitsPerSecond,
      evenPowerRate(gains.filter((_, channel) => owner[channel] === k)),
    );
  });
}

export function planRound(request: PlanRequest, options: PlanOptions = {}): RoundPlan {
  const { method } = request.config;
  return isDirect(method) ? planDirectly(method, request) : planBySolving(method, request, options);
}
