/** What a planner that looks at evaluations gets to see in a lab: training texts, and the held-out half that may choose. */
import type { ToEvaluate } from "@fedlodrop/coordinator";
import { estimateConstants, type PlanOptions } from "@fedlodrop/federation";
import type { RoundEvaluation } from "@fedlodrop/run";

/** Losses of a full adapter, nats. */
export interface Measured {
  readonly train: (adapter: Float32Array) => number | Promise<number>;
  readonly heldOut: (adapter: Float32Array) => number | Promise<number>;
}

/** What plans see of an adapter, and what they take the bound's constants from; made anew for each run. */
export type Estimator = (measured: Measured) => {
  readonly evaluate: (own: ToEvaluate) => Promise<RoundEvaluation>;
  readonly estimate: NonNullable<PlanOptions["estimate"]>;
};

/** As runs have it. */
export const calibrated: Estimator = (measured) => ({
  evaluate: steering(measured),
  estimate: estimateConstants,
});

export const steering =
  ({ train, heldOut }: Measured) =>
  async ({ adapter, contrast }: ToEvaluate): Promise<RoundEvaluation> => ({
    trainLoss: await train(adapter),
    testLoss: await heldOut(adapter),
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
    contrast: contrast && {
      high: { trainLoss: await train(contrast.high) },
      low: { trainLoss: await train(contrast.low) },
    },
  });
