/**
 * Every message on the wire, as a zod schema with its type; `events.ts` says which travels where. Names travel as
 * strings, never as numbers. Binary payloads are the bytes of `sparse-values.ts`.
 */
import {
  BACKENDS,
  type ParticipantOutcome,
  runConfigSchema,
  TASK_KINDS,
  TASK_METRICS,
  type Turn,
  trainingSchema,
  turnSchema,
  UPLOAD_LIMITS,
} from "@fedlodrop/run";
import { z } from "zod";
import { cleanText } from "./clean-text.ts";
import type { Given } from "./given.ts";
import { securePartSchema } from "./secure-messages.ts";

/** Raised whenever a message or a byte changes meaning; checked on join. */
export const PROTOCOL_VERSION = 4;

const seconds = z.number().min(0).max(1e6);
const count = z.int().min(0);
const joules = z.number().min(0).max(1e9);
const round = z.int().min(1);
const part = z.int().min(0);
const rate = z.number().min(0).max(0.95);
const bytesPerSecond = z.number().positive().max(1e12);
/** No cross-entropy comes near it; sums of what may pass stay finite, so that one device cannot spoil every estimate. */
const loss = z.number().min(0).max(1e4);

// ---- participant → coordinator

export const backendSchema = z.enum(BACKENDS);

/** Weights of the aggregate are sample counts; up to this one, sums over a cohort stay exact (federation's exact-mean.ts). */
export const MAX_SAMPLE_COUNT = 2 ** 20;
const sampleCount = z.int().min(1).max(MAX_SAMPLE_COUNT);

/** Kinds of device an energy estimate can start from. */
export const energyProfileSchema = z.object({
  kind: z.enum(["phone", "integrated-gpu", "discrete-gpu", "cpu"]),
  computeWatts: z.number().positive().max(2000),
  radioWatts: z.number().min(0).max(100),
  /** Battery size if the user or the browser told it. */
  batteryWattHours: z.number().positive().max(1000).nullable(),
  source: z.enum(["modelled", "battery", "user"]),
});
export type EnergyProfile = z.infer<typeof energyProfileSchema>;

/** A text that others see: cleaned, and cut to `longest` characters. */
const shownText = (longest: number) =>
  z
    .string()
    .max(MAX_TYPED_CHARACTERS)
    .transform((text) => cleanText(text, longest));
/** Nobody types more; above it a message is refused instead of cut. */
const MAX_TYPED_CHARACTERS = 10_000;

export const MAX_NICKNAME_CHARACTERS = 40;

export const joinSchema = z.object({
  protocolVersion: z.int(),
  /** Shown to all; what is kept of it comes back in `joined`. */
  nickname: shownText(MAX_NICKNAME_CHARACTERS).refine((name) => name !== "", {
    error: "expected a name with at least one visible character",
  }),
  /** Session token of an earlier join in this run; a reload keeps its identity with it. */
  token: z.string().max(128).optional(),
  /** Of the room, where the host wants one from newcomers. */
  code: z.string().max(64).optional(),
  /** Round this tab is still working on: set after a lost connection, absent after a reload, whose work is gone. */
  resumesRound: round.optional(),
});
export type Join = z.infer<typeof joinSchema>;

/** Model and data are loaded, shaders compiled: the participant can be in the next cohort. */
export const readySchema = z.object({
  /** The run that was prepared for: a host may have set up another one meanwhile. */
  runId: z.string().max(64),
  backend: backendSchema,
  /** Adapter name, why this backend: shown on the host page. */
  deviceDescription: shownText(300),
  sampleCount,
  /** Of the training texts: the one that it has loaded; null for texts of its own, absent from who is not dealt another one. */
  part: part.nullable().optional(),
  /** Measured by the warm-up. */
  firstStepSeconds: seconds,
  stepSeconds: seconds,
  roundTripSeconds: seconds,
  energyProfile: energyProfileSchema,
});
export type Ready = z.infer<typeof readySchema>;
/** What a tab tells of itself when it is ready. */
export type DeviceFacts = Omit<Ready, "runId">;

export const progressSchema = z.object({
  round,
  step: count,
  loss: z.number(),
  tokensPerSecond: z.number().min(0),
});
export type Progress = z.infer<typeof progressSchema>;

/** Scalars that travel with an update; no raw data. */
export const updateStatisticsSchema = z.object({
  sampleCount,
  /** Mean training loss over the local steps, nats. */
  trainLoss: loss,
  steps: z.int().min(1),
  tokens: count,
  secondsDownload: seconds,
  secondsCompute: seconds,
  /** By this side's clock, from the first byte's leaving to the last one's acknowledgement; attempts that broke off included. */
  secondsUpload: seconds,
  roundTripSeconds: seconds,
  /** What the link carried while it was busy, the round trip and pauses apart; null when it was too brief to tell. */
  downlinkBytesPerSecond: bytesPerSecond.nullable(),
  uplinkBytesPerSecond: bytesPerSecond.nullable(),
  /** What kept the upload from being faster: `sender` is its pace, its own slowness, or its smallness. */
  uploadLimitedBy: z.enum(UPLOAD_LIMITS),
  energyJoules: joules,
  energySource: z.enum(["modelled", "processor", "battery"]),
  /** 95th percentile of the step's gradient norms (estimates ρ). */
  gradientNorm95: z.number().min(0).max(1e9),
  /** 99th minus 1st percentile of the batch losses (estimates C). */
  lossSpread: loss,
});
export type UpdateStatistics = z.infer<typeof updateStatisticsSchema>;

export const uploadBeginSchema = z.object({
  round,
  bytes: count,
  /** Any number that this device has not used for other bytes: with it an upload goes on after a lost connection. */
  attempt: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
});
export type UploadBegin = z.infer<typeof uploadBeginSchema>;
export const uploadChunkSchema = z.object({ round, offset: count });
export const uploadEndSchema = z.object({ round, statistics: updateStatisticsSchema });
export type UploadEnd = z.infer<typeof uploadEndSchema>;

/** The full adapter on a device's own texts. */
export const deviceEvaluatedSchema = z.object({
  /** The last round that is in the adapter. */
  round,
  /** Null of a device that has kept nothing back, or could not measure. */
  measured: z
    .object({
      testLoss: loss,
      /** On as many of its training texts. */
      trainLoss: loss.nullable(),
      /** Of the base model. */
      baseTestLoss: loss,
      /** Tokens or samples. */
      count: sampleCount,
      /** From asking for the adapter on. */
      seconds,
    })
    .nullable(),
});
export type DeviceEvaluated = z.infer<typeof deviceEvaluatedSchema>;

/** Query of `GET /api/sub-adapter`. */
export const roundQuerySchema = z.object({ round: z.coerce.number().pipe(round) });

// ---- coordinator → participant

export const REFUSALS = [
  "protocol-version",
  "run-full",
  "run-locked",
  "wrong-code",
  "awaiting-approval",
  "not-admitted",
  "kicked",
  "unknown-participant",
  "bad-message",
  "not-running",
  "stale-round",
  "not-in-cohort",
  "duplicate",
  "too-large",
  "wrong-length",
  "wrong-header",
  "wrong-order",
  "non-finite",
  "out-of-range",
  "rate-limited",
  "used-up",
  "wrong-state",
  "taken-over",
] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** A refusal is a value: the sender sees why, and nothing has changed. */
export interface Refused {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  /** One sentence: what was got, what was expected. */
  readonly message: string;
}

/** What a participant needs to know of the run. */
export const runDescriptionSchema = z.object({
  runId: z.string(),
  config: runConfigSchema,
  /** Another one for other files of the base model: part of their address, so that they may be kept for ever. */
  modelVersion: z.string(),
  task: z.object({
    name: z.string(),
    title: z.string(),
    story: z.string(),
    /** Whether each participant is dealt texts or brings its own. */
    textsFrom: z.enum(["coordinator", "participants"]),
    kind: z.enum(TASK_KINDS),
    labels: z.array(z.string()).readonly(),
    /** Whether each sample is two texts that are judged together. */
    pairs: z.boolean().optional(),
    metric: z.enum(TASK_METRICS),
    prompts: z.array(z.string()).readonly(),
  }),
  adapter: z.object({
    rank: z.int(),
    alpha: z.number(),
    modules: z.array(z.object({ name: z.string(), inFeatures: z.int(), outFeatures: z.int() })).readonly(),
    dense: z
      .array(
        z.object({
          name: z.string(),
          shape: z.array(z.int()).readonly(),
          initialStandardDeviation: z.number(),
        }),
      )
      .readonly(),
  }),
});
export type RunDescription = z.infer<typeof runDescriptionSchema>;

export interface Joined {
  readonly kind: "joined";
  readonly participantId: string;
  readonly token: string;
  readonly nickname: string;
  /** Which part of the training texts this participant is dealt. */
  readonly part: number;
  readonly run: RunDescription;
  /** Of one that comes back after it was in a round. */
  readonly given?: GivenSoFar | undefined;
  /** How the model did when it was last measured; absent before. */
  readonly evaluated?: RoundEvaluated | undefined;
}

/** What a participant has given in the rounds that are over. */
export interface GivenSoFar extends Given {
  /** The last of them. */
  readonly upToRound: number;
  /** What the run has given away of any one device so far, with differential privacy only. */
  readonly epsilon?: number | undefined;
}

/** While the run has not started: other texts than those of `joined`, so that as few devices as can be share a part. */
export interface Dealt {
  readonly part: number;
}

/** In the lobby, whenever it has changed: other devices that have the same part of the training texts. */
export interface Sharing {
  readonly sharedWith: number;
}

export const roundStartSchema = z.object({
  round,
  /** Of runs that compare two arms only. */
  turn: turnSchema.optional(),
  dropoutRate: rate,
  /** From now; the clock starts when the coordinator sends this. */
  deadlineSeconds: seconds,
  training: trainingSchema,
  /** The uplink share as a rate to pace uploads to; null sends as fast as the link goes. */
  uploadBytesPerSecond: z.number().positive().nullable(),
  downloadBytesPerSecond: z.number().positive().nullable(),
  /** What the radio of an emulated cell draws while it uploads; null counts the device's own. */
  uploadWatts: z.number().min(0).nullable(),
  rateSource: z.enum(["measured", "emulated"]),
  /** Devices that are asked to take part, this one included: alone, its change is the round's. */
  cohortSize: count,
  /** Other devices that are ready with the same part of the training texts. */
  sharedWith: count.optional(),
  /** Rounds that the run still asks for, this one included. */
  roundsLeft: count,
  /** Under secure aggregation only. */
  secure: securePartSchema.optional(),
});
export type RoundStart = z.infer<typeof roundStartSchema>;

export interface RoundClosed {
  readonly round: number;
  readonly outcome: ParticipantOutcome;
  /** This participant's share of the round's weight, 0 to 1. */
  readonly contribution: number;
  readonly aggregatedCount: number;
  readonly cohortSize: number;
  /** What the run has given away of any one device so far, with differential privacy only. */
  readonly epsilon?: number | undefined;
  /** By this participant, this round included. */
  readonly given?: GivenSoFar | undefined;
}

/** Comes when the adapter of a round has been evaluated, beside the rounds that follow; 0 is the base model. */
export interface RoundEvaluated {
  readonly round: number;
  /** Held-out loss of the full adapter; null when nobody will know it. */
  readonly testLoss: number | null;
  readonly baseTestLoss: number | null;
  /** The adapter is that of the run's own arm, not of what it is compared with: for pages that are older than `turn` is here. */
  readonly isOwn: boolean;
  /** Of a comparison: whose adapter it is, after which of that arm's rounds. */
  readonly turn?: Turn | undefined;
}

export interface RunEnded {
  readonly reason: "finished" | "stopped";
  readonly roundsDone: number;
  /** Those whose model has anybody's work in it. */
  readonly roundsMade: number;
}

export interface Accepted {
  readonly kind: "accepted";
}
/** All bytes of the upload before `received` have come: an acknowledgement, and where a broken upload goes on. */
export interface Received {
  readonly kind: "received";
  readonly received: number;
}
