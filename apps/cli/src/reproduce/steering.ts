/** What a planner that looks at evaluations gets to see in a lab: training texts, and the held-out half that may choose. */
import type { ToEvaluate } from "@fedlodrop/coordinator";
import type { RoundEvaluation } from "@fedlodrop/run";

export interface Losses {
  readonly trainLoss: number;
  readonly testLoss: number;
}

/** @param lossesOf a full adapter's, on both kinds of text */
export const steering =
  (lossesOf: (adapter: Float32Array) => Promise<Losses>) =>
  async ({ adapter, contrast }: ToEvaluate): Promise<RoundEvaluation> => ({
    ...(await lossesOf(adapter)),
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
    contrast: contrast && { high: await lossesOf(contrast.high), low: await lossesOf(contrast.low) },
  });
