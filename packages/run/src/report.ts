/** What a run leaves behind: `report.json`. Every figure is measured unless its name says otherwise. */
import type { Method, RunConfig } from "./run-config.ts";

/** How a participant's part in a round ended. */
export const OUTCOMES = ["aggregated", "late", "refused", "left", "missed-deadline"] as const;
export type ParticipantOutcome = (typeof OUTCOMES)[number];

export interface ParticipantRound {
  readonly id: string;
  readonly nickname: string;
  readonly backend: string;
  readonly dropoutRate: number;
  readonly keptValues: number;
  readonly fullValues: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Null where the participant did not get that far. */
  readonly secondsDownload: number | null;
  readonly secondsCompute: number | null;
  readonly secondsUpload: number | null;
  /** Rate that the upload was paced to; null sent as fast as the link goes. */
  readonly uploadBytesPerSecond: number | null;
  /** `emulated` transfers were paced to a simulated radio cell: their seconds say nothing of the real link. */
  readonly rateSource: "measured" | "emulated";
  readonly sampleCount: number;
  readonly trainLoss: number | null;
  readonly energyJoules: number | null;
  readonly energySource: string | null;
  readonly tokens: number | null;
  readonly roundTripSeconds: number | null;
  /** 95th percentile of the step's gradient norms. */
  readonly gradientNorm95: number | null;
  /** 99th minus 1st percentile of the batch losses, nats. */
  readonly lossSpread: number | null;
  readonly outcome: ParticipantOutcome;
}

/** Full adapter on the held-out set, which stays the same, and on training texts of the devices whose updates are in it. */
export interface RoundEvaluation {
  readonly testLoss: number;
  /** Null while nobody's update is in the adapter. */
  readonly trainLoss: number | null;
  readonly testAccuracy: number | null;
  readonly testF1: number | null;
  /** 99th minus 1st percentile of the training loss over single windows or samples, nats. */
  readonly exampleLossSpread: number | null;
  /** Of the training loss in the adapter's entries; null in rounds that do not measure it. */
  readonly curvature: {
    /** Of the Hessian's diagonal. */
    readonly mean: number;
    /** Smallest Ritz value, which is looked for only down to a hundredth of the mean. */
    readonly least: number;
  } | null;
}

export interface RoundRecord {
  readonly round: number;
  /** In force in this round; the host may change both between rounds. */
  readonly method: Method;
  readonly deadlineSeconds: number;
  /** Sample-weighted mean of the aggregated participants' local training loss under their masks; null if none. */
  readonly trainLoss: number | null;
  /** Of the full adapter after aggregation; null when nothing evaluates it. */
  readonly testLoss: number | null;
  readonly evaluation: RoundEvaluation | null;
  /** From the round's start until it closed. */
  readonly seconds: number;
  readonly participants: readonly ParticipantRound[];
  /** What was decided and predicted, and the bound at these rates; null when the round could not be planned. */
  readonly allocation: AllocationRecord | null;
}

export interface AllocationRecord {
  readonly method: string;
  readonly objective: number;
  readonly lowerBound: number | null;
  readonly gap: number | null;
  readonly certified: boolean;
  /** Null where nothing was solved. */
  readonly milliseconds: number | null;
  /** True when the time budget ran out and the stated fallback answered. */
  readonly fallback: boolean;
  /** The bound's two terms: empirical (convergence) and generalisation. */
  readonly empiricalTerm: number;
  readonly generalizationTerm: number;
  /** testLoss − trainLoss of the full adapter, when both are known. */
  readonly measuredGap: number | null;
  readonly links: "measured" | "emulated";
  /** What the bound was computed with. */
  readonly constants: BoundEstimate;
  readonly devices: readonly {
    readonly id: string;
    readonly dropoutRate: number | null;
    /** Of the link; null where an upload goes as fast as the link does. */
    readonly share: number | null;
    readonly predictedSeconds: number;
    readonly actualSeconds: number | null;
    readonly predictedJoules: number;
    readonly excludedBecause: string | null;
  }[];
}

/** Constants of the bound (docs/allocation.md), by the names of the paper map. */
export interface BoundEstimate {
  /** C */
  readonly lossRange: number;
  /** ρ */
  readonly gradientNorm: number;
  /** λ */
  readonly ridge: number;
  /** Λ_min */
  readonly minCurvature: number;
  /** n */
  readonly exampleCount: number;
  /** δ */
  readonly confidence: number;
  /** κ_g */
  readonly gapScale: number;
  /** A of the whole cohort: A_k is its weight's share. */
  readonly varianceCoefficient: number;
  /** `default` until enough rounds have been seen to estimate from. */
  readonly source: "default" | "estimated";
}

export interface RunReport {
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
