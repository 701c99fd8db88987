/**
 * What a run leaves behind: `report.json`, and the rounds of `metrics.jsonl`. Every figure is measured unless its name
 * says otherwise. Schemas, because files come back: a run that is continued reads its rounds from disk.
 */
import { z } from "zod";
import { roundSampleSchema } from "./round-sample.ts";
import { METHODS, type RunConfig } from "./run-config.ts";

/** JSON writes a figure that is not finite as null; read back, it is not a number. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const measured = z.number().nullable();
const count = z.int().min(0);

/** What kept an upload from being faster. */
export const UPLOAD_LIMITS = ["link", "sender"] as const;

/** How a participant's part in a round ended; `discarded` was in, but too few were. */
export const OUTCOMES = ["aggregated", "late", "refused", "left", "missed-deadline", "discarded"] as const;
export type ParticipantOutcome = (typeof OUTCOMES)[number];

/** What the aggregation made of an update. */
const updateRecordSchema = z
  .object({
    /** Root mean square of its changes as it came. */
    rms: figure,
    /** Root of the summed squared norms of what it would change in the products B·A, all of it kept. */
    product: figure,
    /** What it was multiplied by to be within the round's bounds: 1 as it came, 0 left out. */
    factor: figure,
    /** How far it went along with the others of its round, in deviations of chance; null where that says nothing. */
    agreement: measured,
    /** Its share of what the round changed. */
    contribution: figure,
  })
  .readonly();
export type UpdateRecord = z.infer<typeof updateRecordSchema>;

const participantRoundSchema = z
  .object({
    id: z.string(),
    nickname: z.string(),
    /** Of the training texts: the one it trained on; null for texts of its own, absent in records of before it was told. */
    part: count.nullable().optional(),
    backend: z.string(),
    dropoutRate: z.number(),
    keptValues: count,
    fullValues: count,
    bytesDown: count,
    bytesUp: count,
    /** By the participant's own clock; null where it did not get that far. */
    secondsDownload: measured,
    secondsCompute: measured,
    /** Local steps taken: fewer than asked of everybody in a probe that may not spend more. */
    steps: measured,
    secondsUpload: measured,
    /** Rate that the upload was paced to; null sent as fast as the link goes. */
    uploadBytesPerSecond: measured,
    /** What its link carried while it was busy, as the participant measured it; null where that was too brief to tell. */
    downlinkBytesPerSecond: measured,
    uplinkBytesPerSecond: measured,
    /** Null where no upload was completed. */
    uploadLimitedBy: z.enum(UPLOAD_LIMITS).nullable(),
    /** `emulated` transfers were paced to a simulated radio cell: their seconds say nothing of the real link. */
    rateSource: z.enum(["measured", "emulated"]),
    sampleCount: count,
    trainLoss: measured,
    energyJoules: measured,
    energySource: z.string().nullable(),
    tokens: measured,
    roundTripSeconds: measured,
    /** 95th percentile of the step's gradient norms. */
    gradientNorm95: measured,
    /** 99th minus 1st percentile of the batch losses, nats. */
    lossSpread: measured,
    outcome: z.enum(OUTCOMES),
    /** Null unless it was aggregated. */
    update: updateRecordSchema.nullable(),
  })
  .readonly();
export type ParticipantRound = z.infer<typeof participantRoundSchema>;

/** What devices found the full adapter to do on their own texts; each one's loss counts by its samples. */
const onDevicesSchema = z
  .object({
    /** Of texts that they keep back. */
    testLoss: figure,
    /** Of as many that they train on. */
    trainLoss: measured,
    /** Of the base model, on the texts kept back. */
    baseTestLoss: figure,
    devices: z
      .array(
        z
          .object({
            id: z.string(),
            testLoss: figure,
            trainLoss: measured,
            baseTestLoss: figure,
            /** Tokens or samples that were measured. */
            count,
            /** By its own clock, the download included. */
            seconds: z.number(),
            bytesDown: count,
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();
export type OnDevices = z.infer<typeof onDevicesSchema>;

/** Full adapter on the held-out set, which stays the same, and on training texts of the devices whose updates are in it. */
const roundEvaluationSchema = z
  .object({
    testLoss: figure,
    /** Null while nobody's update is in the adapter. */
    trainLoss: measured,
    /** On the same texts, of the adapter that the run began with: null as `trainLoss` is, and absent where it was not measured. */
    baseTrainLoss: measured.optional(),
    testAccuracy: measured,
    testF1: measured,
    /** Correlations with what is true: of classes, and of estimated numbers. */
    testMatthews: measured.optional(),
    testPearson: measured.optional(),
    testSpearman: measured.optional(),
    /** 99th minus 1st percentile of the training loss over single windows or samples, nats. */
    exampleLossSpread: measured,
    /** Of rounds that devices measure. */
    onDevices: onDevicesSchema.optional(),
    /** Null where the model could not be asked. */
    sample: roundSampleSchema.nullable().optional(),
  })
  .readonly();
export type RoundEvaluation = z.infer<typeof roundEvaluationSchema>;

/** Constants of the bound (docs/allocation.md), by the names of the paper map. */
const boundEstimateSchema = z
  .object({
    /** C: range of the loss of one example. */
    lossRange: figure,
    /** ρ: Lipschitz constant of the loss in the adapter's entries. */
    gradientNorm: figure,
    /** `calibrated` from what rounds showed, `theorem` with the constants as the bound defines them. */
    form: z.enum(["calibrated", "theorem"]),
    /** λ: weight of the quadratic penalty that dropout amounts to. */
    ridge: figure,
    /** Λ_min: least curvature of the empirical risk around the trained adapter. */
    minCurvature: figure,
    /** n: training examples of all devices together. */
    exampleCount: figure,
    /** δ: probability with which the bound may fail. */
    confidence: figure,
    /** κ_g: what one round's rates change the gap by, over what the pure bound says; 1 is the pure bound. */
    gapScale: figure,
    gapScaleError: figure,
    /** What the gap is beyond κ_g G, nats: it has grown in the rounds before. */
    gapOffset: figure,
    /** Standard deviation of the gap around what is foreseen; null until it can be told. */
    gapDeviation: measured,
    /** A of the whole cohort: A_k is its weight's share. */
    varianceCoefficient: figure,
    varianceError: figure,
    /** θ: the largest rate that still lowers the training loss; null while rounds cannot tell. */
    rateCap: measured.default(null),
    /** `default` until the data can tell: errors are then the prior's. */
    source: z.enum(["default", "estimated"]),
  })
  .readonly();
export type BoundEstimate = z.infer<typeof boundEstimateSchema>;

/** Why a device is not in a round. */
const exclusionSchema = z.discriminatedUnion("cause", [
  z
    .object({
      cause: z.enum(["compute", "energy", "link"]),
      /** That would admit it, all else equal; null where none would. */
      leastDeadlineSeconds: measured,
      leastEnergyJoules: measured,
    })
    .readonly(),
  /** The link serves the others better without it. */
  z.object({ cause: z.literal("others") }).readonly(),
  /** It sent nothing in so many rounds, and is tried again in that one. */
  z.object({ cause: z.literal("stalls"), stalls: count, nextRound: count }).readonly(),
]);
export type Exclusion = z.infer<typeof exclusionSchema>;

const allocationRecordSchema = z
  .object({
    method: z.string(),
    objective: figure,
    lowerBound: measured,
    gap: measured,
    certified: z.boolean(),
    /** Null where nothing was solved. */
    milliseconds: measured,
    /** True when the time budget ran out and the stated fallback answered. */
    fallback: z.boolean(),
    /** The bound's two terms: what the rates add to the empirical loss, and the gap that is foreseen (where it is: `foreseenGap`). */
    empiricalTerm: figure,
    generalisationTerm: figure,
    /** testLoss − trainLoss of the full adapter, when both are known. */
    measuredGap: measured,
    links: z.enum(["measured", "emulated"]),
    /** What the bound was computed with. */
    constants: boundEstimateSchema,
    devices: z
      .array(
        z
          .object({
            id: z.string(),
            dropoutRate: measured,
            /** What the rate was raised by to learn from it; 0 for those whose turn it is not. */
            dither: figure,
            /** Of the link; null where an upload goes as fast as the link does. */
            share: measured,
            predictedSeconds: figure,
            actualSeconds: measured,
            predictedJoules: figure,
            excludedBecause: z.string().nullable(),
            /** The same by its cause, for pages in other languages; absent of who takes part. */
            exclusion: exclusionSchema.optional(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();
export type AllocationRecord = z.infer<typeof allocationRecordSchema>;

/** Whose round it is: of the run's own settings (0) or of what they are compared with (1), and which of that arm's. */
export const turnSchema = z.object({ arm: z.literal([0, 1]), number: z.int().min(1) }).readonly();
export type Turn = z.infer<typeof turnSchema>;

export const roundRecordSchema = z
  .object({
    round: z.int().min(1),
    /** The last round in the adapter that it began with: the one before, unless the host had gone back. */
    basedOnRound: count,
    /** Of runs that compare two arms only. */
    turn: turnSchema.optional(),
    /** In force in this round; the host may change both between rounds. */
    method: z.enum(METHODS),
    deadlineSeconds: z.number(),
    /** Sample-weighted mean of the aggregated participants' local training loss under their masks; null if none. */
    trainLoss: measured,
    /** Of the full adapter after aggregation; null when nothing evaluates it. */
    testLoss: measured,
    evaluation: roundEvaluationSchema.nullable(),
    /** From the round's start until it closed. */
    seconds: z.number(),
    participants: z.array(participantRoundSchema).readonly(),
    /** What was decided and predicted, and the bound at these rates; null when the round could not be planned. */
    allocation: allocationRecordSchema.nullable(),
    /** Of runs with differential privacy only. */
    privacy: z
      .object({
        /** Of this round; null where nothing was given away. */
        noiseMultiplier: measured,
        /** Σ 1/σ² of the rounds so far, this one included. */
        spent: figure,
        /** What they have given away of any one device, at the run's δ. */
        epsilon: figure,
      })
      .readonly()
      .optional(),
    /** Of rounds under secure aggregation only. */
    secureAggregation: z
      .object({
        /** Values of the adapter whose sum could be known. */
        counted: count,
        /** Why the round ended without a sum, in a sentence; null when it did not. */
        problem: z.string().nullable(),
        /** Whether devices may have sent changes: then the round counts against what is promised, with a sum or without. */
        sent: z.boolean().default(true),
      })
      .readonly()
      .optional(),
  })
  .readonly();
export type SecureRecord = NonNullable<z.infer<typeof roundRecordSchema>["secureAggregation"]>;
export type RoundRecord = z.infer<typeof roundRecordSchema>;

/** Whether anybody in it has stayed; a sum that could not be made is tried again. */
export const wasTried = ({ participants, secureAggregation }: RoundRecord): boolean =>
  participants.some(({ outcome }) => outcome !== "left") && typeof secureAggregation?.problem !== "string";

/** Counted up when a report no longer reads as the one before; the first reports have none. */
export const REPORT_FORMAT = 1;

export interface RunReport {
  readonly format: typeof REPORT_FORMAT;
  readonly runId: string;
  readonly seed: string;
  readonly task: string;
  readonly model: string;
  readonly method: string;
  readonly config: RunConfig;
  readonly rounds: readonly RoundRecord[];
  readonly baseTestLoss: number | null;
  readonly finalTestLoss: number | null;
  readonly adapterSha256: string;
}
