/**
 * One federation without sockets: the product's planner, masks, trainer and aggregation in the order a run has them,
 * everyone that a plan admits in every round, left out where the deadline or the energy does not last. Of the wire only the rounding to f16 is there, and no clock:
 * seconds and joules are what each device's profile says that its steps and bytes take.
 */
import {
  type Admission,
  type Assignment,
  amendRecord,
  asksPSca,
  beginFold,
  boundsOf,
  createStandings,
  type FoldedRound,
  orQuick,
  type PlanOptions,
  type PlanRequest,
  planRound,
  type ReadyParticipant,
  type RoundPlan,
  type RoundTerms,
  recordsInSight,
} from "@fedlodrop/federation";
import type { RoundRequest, RoundOutcome as TrainingOutcome } from "@fedlodrop/lm";
import { decodeSparseValues, encodeSparseValues, payloadBytes } from "@fedlodrop/protocol";
import {
  type AdapterShape,
  atOnce,
  energyLimitOf,
  gatherValues,
  initialAdapter,
  type MaskKey,
  type ParticipantRound,
  quantile,
  type RoundEvaluation,
  type RoundRecord,
  type RunConfig,
  type SubAdapter,
  subAdapter,
} from "@fedlodrop/run";
import type { SimulatedDevice } from "./device-model.ts";
import type { SentUpdate, ToEvaluate } from "./steering.ts";

/** @template Texts what a device trains on: a language model's dataset, or another model's. */
export interface Federation<Texts> {
  readonly trainer: {
    trainRound(request: RoundRequest, dataset: Texts): Promise<Pick<TrainingOutcome, "delta" | "steps">>;
  };
  readonly shape: AdapterShape;
  readonly config: RunConfig;
  /** Those who are there; a function of the round where not everybody always is. */
  readonly devices:
    | readonly SimulatedDevice<Texts>[]
    | ((round: number) => readonly SimulatedDevice<Texts>[]);
  /** A clock and a budget for solvers, as a run's planner has them; without, proofs take as long as they take, by no clock. */
  readonly planning?: PlanOptions;
  /** Rounds that plans can look back on; all of them when absent. */
  readonly remembers?: number;
  /** What the coordinator's evaluator would measure of a round's adapter; absent where nobody evaluates. */
  readonly evaluate?: (round: ToEvaluate) => Promise<RoundEvaluation>;
  /** Clips updates and adds noise to their sum. */
  readonly privacy?: RoundTerms["privacy"];
  /** What a participant sends in place of its change; `indices` are the values' places in the full vector. */
  readonly tamper?: (
    participantId: string,
    round: number,
    changes: Float32Array,
    indices: Uint32Array,
  ) => Float32Array;
  /** Draws sub-adapters in place of the product's rule. */
  readonly draw?: (shape: AdapterShape, key: MaskKey) => SubAdapter;
  /** What an update and its download weigh, where the product's encoding does not say it. */
  readonly bytesOf?: (own: SubAdapter) => { readonly up: number; readonly down: number };
  /** Makes the new adapter, in place of the one that the run's rule made. */
  readonly combine?: (round: {
    readonly before: Float32Array;
    readonly mean: Float32Array;
    readonly updates: readonly SentUpdate[];
  }) => Promise<Float32Array>;
}

export interface RoundOutcome {
  readonly round: number;
  /** The full adapter after the round. */
  readonly adapter: Float32Array;
  readonly admissions: readonly (Admission & { readonly participantId: string })[];
  readonly agreements: FoldedRound["agreements"];
  readonly record: RoundRecord;
}

export async function* federate<Texts>(federation: Federation<Texts>): AsyncGenerator<RoundOutcome> {
  const {
    trainer,
    shape,
    config,
    devices,
    planning = {},
    remembers = Number.POSITIVE_INFINITY,
    evaluate,
    tamper = (_id, _round, changes) => changes,
    draw = subAdapter,
    combine,
    bytesOf = ({ valueCount }) => {
      const bytes = payloadBytes(valueCount, federation.config.valueType);
      return { up: bytes, down: bytes };
    },
  } = federation;
  const travelled = (values: Float32Array, round: number): Float32Array =>
    federation.config.valueType === "f32" ? values : throughF16(values, round);
  const { seed, training, aggregation } = config;
  const standings = createStandings();
  let adapter = initialAdapter(shape, seed);
  let seen: RoundOutcome["admissions"][] = [];
  let records: RoundRecord[] = [];
  for (let round = 1; round <= config.rounds; round++) {
    const present = typeof devices === "function" ? devices(round) : devices;
    const byId = new Map(present.map((device) => [device.id, device]));
    const participants = present.map(readyParticipant);
    const seenRecords = recordsInSight(records, round);
    const roundsLeft = config.rounds - round + 1;
    const request = { config, adapter: shape, round, roundsLeft, participants, records: seenRecords };
    const plan = planned(request, planning);
    const bounds = boundsOf(seen, training, adapter);
    const { isLeftOut } = standings;
    const fold = beginFold(aggregation, { shape, adapter, bounds, isLeftOut, privacy: federation.privacy });
    const admissions: (Admission & { participantId: string })[] = [];
    const updates: SentUpdate[] = [];
    const worked: ParticipantRound[] = [];
    for (const assignment of plan.assignments) {
      const { participantId, dropoutRate, localSteps } = assignment;
      const device = byId.get(participantId) as SimulatedDevice<Texts>;
      const own = draw(shape, { seed, round, participantId, dropoutRate });
      const { delta, steps } = await trainer.trainRound(
        {
          mask: own.mask,
          dropoutRate,
          values: travelled(gatherValues(adapter, own.indices), round),
          training: localSteps === null ? training : { ...training, localSteps },
          batchSeed: `${seed}/${round}/${participantId}`,
        },
        device.dataset,
      );
      const changes = travelled(tamper(participantId, round, delta, own.indices), round);
      const told = {
        trainLoss: mean(steps.map(({ loss }) => loss)),
        gradientNorm95: quantile(
          steps.map(({ gradientNorm }) => gradientNorm),
          0.95,
        ),
        lossSpread: spread(steps.map(({ loss }) => loss)),
        tokens: steps.reduce((sum, { tokens }) => sum + tokens, 0),
        steps: steps.length,
      };
      const part = partOf(device, bytesOf(own), assignment, own, told);
      const missed = missedBy(part, config);
      if (missed !== null) {
        worked.push({ ...part, outcome: missed });
        continue;
      }
      worked.push(part);
      const update = { participantId, changes, indices: own.indices, weight: device.facts.sampleCount };
      if (combine || evaluate) updates.push({ ...update, dropoutRate });
      admissions.push({ participantId, ...atOnce(fold.admit(update)) });
    }
    const admitted = new Map(admissions.map((admission) => [admission.participantId, admission]));
    const counted = worked.filter(({ outcome }) => outcome === "aggregated");
    const { agreements, contributions, ...combined } = atOnce(fold.finish());
    const before = adapter;
    adapter = combine ? await combine({ before, mean: combined.adapter, updates }) : combined.adapter;
    if (admissions.length > 0) seen = [...seen, admissions].slice(-remembers);
    standings.note(agreements);
    const record: RoundRecord = {
      round,
      basedOnRound: round - 1,
      method: config.method,
      deadlineSeconds: config.deadlineSeconds,
      trainLoss: counted.length === 0 ? null : mean(counted.map(({ trainLoss }) => trainLoss as number)),
      testLoss: null,
      evaluation: null,
      seconds: Math.min(config.deadlineSeconds, Math.max(0, ...worked.map(secondsOf))),
      participants: worked.map((own) => ({
        ...own,
        update:
          own.outcome !== "aggregated"
            ? null
            : {
                ...(admitted.get(own.id) as Admission),
                agreement: agreements.get(own.id) ?? null,
                contribution: contributions.get(own.id) ?? 0,
              },
      })),
      allocation: plan.allocation,
    };
    const amended = evaluate
      ? amendRecord(record, await evaluate({ adapter, before, updates, record }))
      : record;
    records = [...records, amended].slice(-remembers);
    yield { round, adapter, admissions, agreements, record: amended };
  }
}

/** With solvers that have a budget, as a run's planner: one that had to stop early is not left behind P-SCA. */
function planned(request: PlanRequest, planning: PlanOptions): RoundPlan {
  const own = planRound(request, planning);
  const { method, certified } = own.allocation ?? {};
  const isStopped = method === "branch-and-bound" && certified !== true;
  return isStopped ? orQuick(own, planRound(asksPSca(request), planning)) : own;
}

/** Solvers keep to limits; whoever does not ask about them may break one. */
function missedBy(part: ParticipantRound, config: RunConfig): "missed-deadline" | "left" | null {
  const limit = energyLimitOf(config, part.id) ?? Number.POSITIVE_INFINITY;
  if (secondsOf(part) > config.deadlineSeconds) return "missed-deadline";
  return (part.energyJoules ?? 0) > limit * (1 + 1e-9) ? "left" : null;
}

const secondsOf = ({ secondsDownload, secondsCompute, secondsUpload }: ParticipantRound): number =>
  (secondsDownload as number) + (secondsCompute as number) + (secondsUpload as number);

/** A round's part by the device's profile, or by the emulated cell where the run has one. */
function partOf(
  { id, facts, link }: Omit<SimulatedDevice, "dataset">,
  bytes: { readonly up: number; readonly down: number },
  { dropoutRate, uploadBytesPerSecond, downloadBytesPerSecond, uploadWatts, rateSource }: Assignment,
  { valueCount, fullValueCount }: SubAdapter,
  told: Pick<ParticipantRound, "trainLoss" | "gradientNorm95" | "lossSpread" | "tokens" | "steps">,
): ParticipantRound {
  const upload = Math.min(
    uploadBytesPerSecond ?? Number.POSITIVE_INFINITY,
    rateSource === "emulated" ? Number.POSITIVE_INFINITY : link.up,
  );
  const secondsDownload = bytes.down / (downloadBytesPerSecond ?? link.down);
  const secondsCompute = facts.stepSeconds * (told.steps as number);
  const secondsUpload = bytes.up / upload;
  const { computeWatts, radioWatts } = facts.energyProfile;
  return {
    id,
    nickname: id,
    backend: facts.backend,
    dropoutRate,
    keptValues: valueCount,
    fullValues: fullValueCount,
    bytesDown: bytes.down,
    bytesUp: bytes.up,
    secondsDownload,
    secondsCompute,
    secondsUpload,
    uploadBytesPerSecond,
    downlinkBytesPerSecond: downloadBytesPerSecond ?? link.down,
    uplinkBytesPerSecond: rateSource === "emulated" ? null : link.up,
    uploadLimitedBy: uploadBytesPerSecond === null ? "link" : "sender",
    rateSource,
    sampleCount: facts.sampleCount,
    energyJoules:
      computeWatts * secondsCompute +
      radioWatts * secondsDownload +
      (uploadWatts === null ? radioWatts * (bytes.up / link.up) : uploadWatts * secondsUpload),
    energySource: rateSource === "emulated" ? "emulated" : "modelled",
    roundTripSeconds: facts.roundTripSeconds,
    outcome: "aggregated",
    update: null,
    ...told,
  };
}

function throughF16(values: Float32Array, round: number): Float32Array {
  const terms = { round, valueCount: values.length, valueType: "f16" } as const;
  const decoded = decodeSparseValues(encodeSparseValues(values, round, "f16"), terms);
  if (decoded.kind === "refused") throw new Error(decoded.message);
  return decoded.values;
}

const readyParticipant = ({ id, facts }: Omit<SimulatedDevice, "dataset">): ReadyParticipant => ({
  id,
  nickname: id,
  presence: "ready",
  device: facts,
  known: true,
  part: 0,
});

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

const spread = (numbers: readonly number[]): number => quantile(numbers, 0.99) - quantile(numbers, 0.01);
