/** What a planner that looks at evaluations gets to see in a lab: training texts, and the held-out half that may choose. */
import { estimateConstants, type PlanOptions, type Update } from "@fedlodrop/federation";
import type { RoundEvaluation, RoundRecord } from "@fedlodrop/run";

/** What a round came to, and what it was made of. */
export interface ToEvaluate {
  /** Full adapters after the round and before it. */
  readonly adapter: Float32Array;
  readonly before: Float32Array;
  readonly updates: readonly SentUpdate[];
  /** Still without an evaluation. */
  readonly record: RoundRecord;
}

export interface SentUpdate extends Update {
  readonly dropoutRate: number;
}

/** Losses of a full adapter, nats. */
export interface Measured {
  readonly train: (adapter: Float32Array) => number | Promise<number>;
  readonly heldOut: (adapter: Float32Array) => number | Promise<number>;
}

/** What plans see of an adapter, and what they take the bound's constants from; made anew for each run. */
export type Estimator = (measured: Measured) => {
  readonly evaluate: (round: ToEvaluate) => Promise<RoundEvaluation>;
  readonly estimate: NonNullable<PlanOptions["estimate"]>;
};

/** As runs have it. */
export const calibrated: Estimator = (measured) => ({
  evaluate: steering(measured),
  estimate: estimateConstants,
});

export const steering =
  ({ train, heldOut }: Measured) =>
  async ({ adapter }: ToEvaluate): Promise<RoundEvaluation> => ({
    trainLoss: await train(adapter),
    testLoss: await heldOut(adapter),
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
  });
