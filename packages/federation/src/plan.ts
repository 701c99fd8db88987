/**
 * Who does what in a round: dropout rates and paces, by the run's method. Methods that need nothing measured decide
 * at once; the others solve the allocation problem that the measurements pose.
 */
import { type Allocation, allocate, type DeviceAllocation } from "@fedlodrop/allocation";
import { createRandom, type RunConfig } from "@fedlodrop/protocol";
import { allocationRecord } from "./allocation-record.ts";
import { poseProblem } from "./live-problem.ts";
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
 * Solves for rates and shares. Devices that cannot take part are left out and the record says why; if nobody can,
 * everyone tries at the highest rate, since a run that stands still measures nothing.
 */
export function planBySolving(
  method: SolvedMethod,
  request: PlanRequest,
  options: PlanOptions = {},
): RoundPlan {
  let posed = poseProblem(request);
  let allocation = allocate(posed.problem, method, options);
  // Whoever only its ups and downs keep out is tried at its mean: a device left out is not measured again.
  const outOfTime = request.participants.filter((_, k) =>
    isOutOfTime(allocation.devices[k] as DeviceAllocation),
  );
  if (outOfTime.length > 0) {
    posed = poseProblem(request, new Set(outOfTime.map(({ id }) => id)));
    allocation = allocate(posed.problem, method, options);
  }
  const rates = uploadRates(request, allocation);
  const someone = allocation.devices.some(({ kind }) => kind === "admitted");
  const assignments = request.participants.flatMap(({ id }, k): Assignment[] => {
    const device = allocation.devices[k] as Allocation["devices"][number];
    if (device.kind === "excluded" && someone) return [];
    const emulated = request.config.links === "emulated";
    const rate = rates[k];
    return [
      {
        participantId: id,
        dropoutRate: device.kind === "admitted" ? device.dropoutRate : request.config.maxDropoutRate,
        uploadBytesPerSecond: rate != null && posed.paced[k] ? rate / 8 : null,
        downloadBytesPerSecond: emulated ? (posed.downloadBytesPerSecond[k] as number) : null,
        rateSource: emulated ? "emulated" : "measured",
      },
    ];
  });
  return { assignments, allocation: allocationRecord(request, posed, allocation, rates) };
}

const isOutOfTime = (device: DeviceAllocation): boolean =>
  device.kind === "excluded" && device.infeasibility !== null && device.infeasibility.cause !== "energy";

/** Bit/s that each upload is paced to, null for the excluded. */
function uploadRates(
  { config, round, participants }: PlanRequest,
  { devices, owner }: Allocation,
): (number | null)[] {
  return devices.map((device, k) => {
    if (device.kind === "excluded") return null;
    if (!sendsAtFullPower(config)) return device.uploadBitsPerSecond;
    const gains = fadedGains(config.seed, round, (participants[k] as ReadyParticipant).id);
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
