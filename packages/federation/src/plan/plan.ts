/**
 * Who does what in a round: dropout rates and paces, by the run's method. Methods that need nothing measured decide
 * at once; the others solve the allocation problem that the measurements pose.
 */
import {
  allocate,
  type DeviceAllocation,
  type LinearInKeepRate,
  type MeasuredLink,
} from "@fedlodrop/allocation";
import {
  type AllocationRecord,
  createRandom,
  DIRECT_METHODS,
  energyLimitOf,
  type RoundRecord,
  type RunConfig,
  type SOLVED_METHODS,
} from "@fedlodrop/run";
import type { ReadyParticipant } from "../round/participant.ts";
import type { Assignment, RoundPlan } from "../round/run-state.ts";
import { allocationRecord, type Decision, excluded, type Grant } from "./allocation-record.ts";
import type { estimateConstants } from "./bound-constants.ts";
import { dithered, ditherShare, whoseTurn } from "./dither.ts";
import { type Caution, capped, type ExpectedLoad, type PosedProblem, poseProblem } from "./live-problem.ts";
import { patienceSeconds } from "./patience.ts";
import type { PlanRequest } from "./plan-request.ts";
import { evenPowerRate, FULL_POWER_WATTS, fadedGains } from "./radio-cell.ts";
import { type Standing, standingOf } from "./resting.ts";

export interface PlanOptions {
  /** Milliseconds of a monotone clock; time stands still when not given. */
  readonly now?: () => number;
  readonly timeBudgetMilliseconds?: number;
  /** What methods that solve take the bound's constants from; `estimateConstants` when not given. */
  readonly estimate?: typeof estimateConstants;
}

export type DirectMethod = (typeof DIRECT_METHODS)[number];
type SolvedMethod = (typeof SOLVED_METHODS)[number];

export const isDirect = (method: RunConfig["method"]): method is DirectMethod =>
  (DIRECT_METHODS as readonly string[]).includes(method);

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
  const { config, round } = request;
  return planFreely(request, (id) => directDropoutRate(method, config, round, id), false);
}

/** Rates that nobody solves for: everybody has the link to itself, or its turns of the cell. */
function planFreely(request: PlanRequest, rateOf: (id: string) => number, probe: boolean): RoundPlan {
  const { participants } = request;
  const posed = poseProblem(request, new Map());
  const grants = participants.map(({ id }, k) => freeGrant(request, posed, k, rateOf(id)));
  const paced = posed.problem.link.kind === "radio";
  return {
    assignments: grants.map((grant, k) => ({ ...assign(request, posed, k, grant, paced), probe })),
    allocation: allocationRecord(request, posed, grants, null),
  };
}

function freeGrant(
  { config, round, participants }: PlanRequest,
  { problem: { link } }: PosedProblem,
  k: number,
  dropoutRate: number,
): Grant {
  if (link.kind === "measured") {
    const bitsPerSecond = link.bitsPerSecond[k] as number;
    const uploadJoulesPerBit = ownJoulesPerBit(link, k);
    return { kind: "admitted", ...plain(dropoutRate), share: null, bitsPerSecond, uploadJoulesPerBit };
  }
  const { id } = participants[k] as ReadyParticipant;
  const own = inTurn(fadedGains(config, round, id), k, participants.length);
  const bitsPerSecond = evenPowerRate(own);
  return {
    kind: "admitted",
    ...plain(dropoutRate),
    share: own.length / config.subChannels,
    bitsPerSecond,
    uploadJoulesPerBit: FULL_POWER_WATTS / bitsPerSecond,
  };
}

const plain = (dropoutRate: number): Pick<Grant, "dropoutRate" | "dither"> => ({
  dropoutRate,
  dither: 0,
});

/** A radio is on for as long as the bits take at the device's own rate, however its upload is paced. */
const ownJoulesPerBit = ({ radioWatts, bitsPerSecond }: MeasuredLink, k: number): number =>
  (radioWatts[k] as number) / (bitsPerSecond[k] as number);

function assign(
  { config, participants, records }: PlanRequest,
  posed: PosedProblem,
  k: number,
  grant: Grant,
  paced: boolean,
): Assignment {
  const { dropoutRate, bitsPerSecond, uploadJoulesPerBit } = grant;
  const emulated = config.links === "emulated";
  const participant = participants[k] as ReadyParticipant;
  return {
    participantId: participant.id,
    dropoutRate,
    uploadBytesPerSecond: paced ? bitsPerSecond / 8 : null,
    downloadBytesPerSecond: emulated ? (posed.downloadBytesPerSecond[k] as number) : null,
    uploadWatts: emulated ? uploadJoulesPerBit * bitsPerSecond : null,
    rateSource: emulated ? "emulated" : "measured",
    probe: false,
    patienceSeconds: Math.min(
      config.deadlineSeconds,
      patienceSeconds(participant.id, expectedSeconds(posed, k, grant), records),
    ),
    localSteps: null,
  };
}

/** Preparation and upload at the granted rates. */
function expectedSeconds({ expected }: PosedProblem, k: number, grant: Grant): number {
  const { preparationSeconds, uploadBits } = expected[k] as ExpectedLoad;
  const keepRate = 1 - grant.dropoutRate;
  const at = ({ fixed, perKeepRate }: LinearInKeepRate): number => fixed + perKeepRate * keepRate;
  return at(preparationSeconds) + at(uploadBits) / grant.bitsPerSecond;
}

/** Every K-th item from the k-th; with more devices than items at least one, shared. */
function inTurn(items: readonly number[], k: number, count: number): readonly number[] {
  const own = items.filter((_, i) => i % count === k % items.length);
  return own.length > 0 ? own : [items[k % items.length] as number];
}

/**
 * Solves for rates and shares. A device that time keeps out is tried at its mean, and failing that now and then all the
 * same, as a probe, because a device that is left out is not measured again; one that energy keeps out, with as many
 * steps as it may spend. Who stays out is in the record with the reason.
 */
export function planBySolving(
  method: SolvedMethod,
  request: PlanRequest,
  options: PlanOptions = {},
): RoundPlan {
  const caution = new Map<string, Caution>();
  let posed = poseProblem(request, caution, options.estimate);
  let allocation = allocate(posed.problem, method, options);
  const probes = new Set<string>();
  for (const step of ["mean", "trial"] as const) {
    const nobody = allocation.devices.every(({ kind }) => kind === "excluded");
    const eased = request.participants.filter(
      ({ id }, k) =>
        isOutOfTime(allocation.devices[k] as DeviceAllocation) &&
        (step === "mean" || nobody || isDueForTrial(id, request.records)),
    );
    if (eased.length === 0) continue;
    for (const { id } of eased) {
      caution.set(id, step);
      if (step === "trial" && !nobody) probes.add(id);
    }
    posed = poseProblem(request, caution, options.estimate);
    allocation = allocate(posed.problem, method, options);
  }
  const savings = allocation.devices.map((device, k) => energyProbe(request, posed, device, k));
  const solved = allocation.devices.map((device, k) => savings[k]?.grant ?? decide(posed, device, k));
  const decisions = teach(
    request,
    posed,
    solved,
    savings.map((saving) => saving !== null),
  );
  return {
    assignments: decisions.flatMap((decision, k): Assignment[] => {
      if (decision.kind !== "admitted") return [];
      const saving = savings[k] ?? null;
      const paced = request.config.links === "emulated" || (saving === null && (posed.paced[k] as boolean));
      const assignment = assign(request, posed, k, decision, paced);
      const probe = saving !== null || probes.has(assignment.participantId);
      return [{ ...assignment, probe, localSteps: saving?.localSteps ?? null }];
    }),
    allocation: allocationRecord(request, posed, decisions, allocation),
  };
}

/** With the rates of those whose turn it is raised, where the round is to be learned from; not of those who are probed. */
function teach(
  { config, round, roundsLeft, participants }: PlanRequest,
  { constants }: PosedProblem,
  decisions: readonly Decision[],
  isProbed: readonly boolean[],
): readonly Decision[] {
  const admitted = participants.flatMap(({ id }, k) =>
    decisions[k]?.kind === "admitted" && !isProbed[k] ? [id] : [],
  );
  const share = ditherShare(roundsLeft, constants);
  if (share === null) return decisions;
  const raised = whoseTurn(admitted, round, config);
  return decisions.map((decision, k) => {
    if (decision.kind === "excluded" || !raised.has(participants[k]?.id ?? "")) return decision;
    const dropoutRate = dithered(decision.dropoutRate, share, capped(config.maxDropoutRate, constants));
    return { ...decision, dropoutRate, dither: dropoutRate - decision.dropoutRate };
  });
}

/** At the greatest rate and with the steps that its limit allows, by what is known of it; null for who is not due, and
 *  where not even one step is allowed. */
function energyProbe(
  request: PlanRequest,
  posed: PosedProblem,
  device: DeviceAllocation,
  k: number,
): { readonly grant: Grant; readonly localSteps: number } | null {
  const { config, participants, records } = request;
  const { id } = participants[k] as ReadyParticipant;
  const isOutOfEnergy = device.kind === "excluded" && device.infeasibility?.cause === "energy";
  if (!isOutOfEnergy || !isDueForTrial(id, records)) return null;
  const grant = freeGrant(request, posed, k, config.maxDropoutRate);
  const { preparationJoules, computeJoules, uploadBits } = posed.expected[k] as ExpectedLoad;
  const at = ({ fixed, perKeepRate }: LinearInKeepRate): number =>
    fixed + perKeepRate * (1 - config.maxDropoutRate);
  const transfers = at(preparationJoules) - at(computeJoules) + grant.uploadJoulesPerBit * at(uploadBits);
  const share = ((energyLimitOf(config, id) ?? 0) - transfers) / at(computeJoules);
  const localSteps = Math.floor(share * config.training.localSteps);
  return localSteps >= 1 ? { grant, localSteps: Math.min(localSteps, config.training.localSteps) } : null;
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
    ...plain(dropoutRate),
    share,
    bitsPerSecond,
    uploadJoulesPerBit,
  });
  if (link.kind === "measured") return grant(uploadBitsPerSecond, ownJoulesPerBit(link, k));
  const watts = device.transmitPowerWatts / (link.amplifierEfficiency[k] as number);
  return grant(uploadBitsPerSecond, watts / uploadBitsPerSecond);
}

/** Devices that have stalled rest, or are probed; where nobody else is there, they take part as anybody. */
export function planRound(request: PlanRequest, options: PlanOptions = {}): RoundPlan {
  const { config, round, participants, records } = request;
  const standings = new Map(participants.map(({ id }) => [id, standingOf(id, round, records)]));
  const those = (kind: Standing["kind"]): PlanRequest => ({
    ...request,
    participants: participants.filter(({ id }) => standings.get(id)?.kind === kind),
  });
  const taking = those("takes-part");
  if (taking.participants.length === 0 || taking.participants.length === participants.length)
    return planAll(request, options);
  const plan = planAll(taking, options);
  const rateOf = (id: string): number =>
    isDirect(config.method) ? directDropoutRate(config.method, config, round, id) : config.maxDropoutRate;
  const [probing, resting] = [those("probe"), those("rests")];
  const probed = probing.participants.length === 0 ? null : planFreely(probing, rateOf, true);
  return {
    assignments: [...plan.assignments, ...(probed?.assignments ?? [])],
    allocation: plan.allocation && {
      ...plan.allocation,
      devices: [
        ...plan.allocation.devices,
        ...(probed?.allocation?.devices ?? []),
        ...(resting.participants.length === 0 ? [] : restingDevices(resting, standings)),
      ],
    },
  };
}

function planAll(request: PlanRequest, options: PlanOptions): RoundPlan {
  const { method } = request.config;
  return isDirect(method) ? planDirectly(method, request) : planBySolving(method, request, options);
}

function restingDevices(
  resting: PlanRequest,
  standings: ReadonlyMap<string, Standing>,
): AllocationRecord["devices"] {
  const out = resting.participants.map((): Decision => ({ kind: "excluded", infeasibility: null }));
  const { devices } = allocationRecord(resting, poseProblem(resting, new Map()), out, null);
  return devices.map((device) => {
    const standing = standings.get(device.id);
    return standing?.kind === "rests" ? { ...device, ...excluded(standing.exclusion) } : device;
  });
}
