/** A round's terms as both sides have them from the run's settings, so that a coordinator cannot choose others. */
import type { AdapterShape, RunConfig } from "@fedlodrop/run";
import { noisyNumbers } from "../differential-privacy/shared-noise.ts";
import { EXACT_FRACTION_BITS, fixedPointFor } from "./fixed-point.ts";
import type { SecureTerms } from "./roster.ts";

/** Beyond these many, rosters and coverings take too long; 500 have been tried. */
export const MOST_SECURE_DEVICES = 1024;

interface RoundOfRun {
  readonly runId: string;
  readonly config: Pick<RunConfig, "seed" | "training" | "differentialPrivacy">;
  readonly shape: AdapterShape;
  readonly round: number;
  /** Devices that were asked. */
  readonly cohortSize: number;
  /** Of a sum's noise, in units of the clipping norm; null is none. */
  readonly noiseMultiplier: number | null;
}

export function secureTermsOf({
  runId,
  config: { seed, training, differentialPrivacy },
  shape,
  round,
  cohortSize,
  noiseMultiplier,
}: RoundOfRun): SecureTerms {
  const farthest = largestChange(training);
  const base = { runId, round, seed, shape };
  if (differentialPrivacy === null || noiseMultiplier === null)
    return { ...base, limit: farthest, fractionBits: EXACT_FRACTION_BITS, largestNoise: 0 };
  const { clip } = differentialPrivacy;
  return {
    ...base,
    limit: Math.min(farthest, clip),
    ...noisyNumbers(noiseMultiplier * clip, cohortSize),
  };
}

/** Of a masked value on the wire, in a round of so many devices with so many samples together. */
export function maskedBytes(
  config: Pick<RunConfig, "training" | "differentialPrivacy">,
  devices: number,
  samples: number,
): number {
  const limit = largestChange(config.training);
  if (config.differentialPrivacy === null) return fixedPointFor(limit, samples).bytes;
  const { clip } = config.differentialPrivacy;
  const { fractionBits, largestNoise } = noisyNumbers(clip, devices);
  return fixedPointFor(Math.min(limit, clip), devices, fractionBits, largestNoise).bytes;
}

const MOMENTUM = 0.9;
const VARIANCE = 0.999;

/**
 * Farthest that AdamW takes a value in a round. In step t it moves by lr·m̂/√v̂, and by Cauchy-Schwarz |m̂| ≤ √(Σ aᵢ²/bᵢ)·√v̂
 * with the weights aᵢ and bᵢ of gradient i in the two averages: 1 at first, 7.3 for ever. Decay draws values of up to 1.
 */
export function largestChange({
  localSteps,
  learningRate,
  weightDecay,
}: Pick<RunConfig["training"], "localSteps" | "learningRate" | "weightDecay">): number {
  let steps = 0;
  const ratio = MOMENTUM ** 2 / VARIANCE;
  for (let t = 1; t <= localSteps; t++) {
    const squares = (1 - ratio ** t) / (1 - ratio);
    const first = ((1 - MOMENTUM) / (1 - MOMENTUM ** t)) ** 2;
    const second = (1 - VARIANCE) / (1 - VARIANCE ** t);
    steps += Math.sqrt((first / second) * squares);
  }
  return learningRate * (steps + weightDecay * localSteps);
}
