/** What a planner that looks at evaluations gets to see in a lab: training texts, and the held-out half that may choose. */
import type { ToEvaluate } from "@fedlodrop/coordinator";
import type { RoundEvaluation } from "@fedlodrop/run";

/** Losses of a full adapter, nats. */
export interface Measured {
  readonly train: (adapter: Float32Array) => number | Promise<number>;
  readonly heldOut: (adapter: Float32Array) => number | Promise<number>;
}

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
