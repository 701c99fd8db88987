/** AdamW's constants and what of it changes from step to step (ops/adamw.ts has the formula). */
import type { TrainingOptions } from "./trainer.ts";

export const BETA1 = 0.9;
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/** The `settings` of step `step`, counted from 1. */
export function adamWSettings(
  step: number,
  { learningRate, weightDecay }: Pick<TrainingOptions, "learningRate" | "weightDecay">,
): Float32Array {
  return Float32Array.of(
    learningRate / (1 - BETA1 ** step),
    1 / (1 - BETA2 ** step),
    1 - learningRate * weightDecay,
    0,
  );
}
