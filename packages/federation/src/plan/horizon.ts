/**
 * The rate at which the rounds to come end with the least held-out loss, by the learning curve: with progress x the training
 * loss falls to L e^−x, and the gap grows by g x + ½ b x². One rate for all rounds to come; the next plan chooses again.
 */
import { varianceFactor } from "@fedlodrop/allocation";
import { type LearningCurve, slopeOf } from "./learning-curve.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import { type Pace, progressAt } from "./pace.ts";

export interface Horizon {
  /** This one included. */
  readonly roundsLeft: number;
  readonly maxDropoutRate: number;
}

export interface Outlook {
  /** s */
  readonly keepRate: number;
  /** What the rounds foreseen make at it, and those before that were not evaluated yet. */
  readonly progress: number;
}

/** Neither pace nor curve is trusted further than this many rounds; and in fewer, as what is known is two rounds old and noisy, nothing is set right. */
const ROUNDS_FORESEEN = { least: 4, most: 6 } as const;
const HALVINGS = 40;

/** @param made progress since the curve was last seen */
export function bestOutlook(
  curve: LearningCurve,
  pace: Pace,
  made: number,
  { roundsLeft, maxDropoutRate }: Horizon,
): Outlook {
  const rounds = Math.min(ROUNDS_FORESEEN.most, Math.max(ROUNDS_FORESEEN.least, roundsLeft));
  const reached = (keepRate: number): number =>
    made + rounds * progressAt(pace, varianceFactor(keepRate, VARIANCE_EXPONENT));
  // More progress helps as long as it takes more off the training loss than it adds to the gap; it takes off ever less.
  const helpsAt = (keepRate: number): boolean => {
    const progress = reached(keepRate);
    return slopeOf(curve, progress) <= curve.loss * Math.exp(-progress);
  };
  let [low, high] = [1 - maxDropoutRate, 1];
  if (helpsAt(high)) low = high;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (helpsAt(middle)) low = middle;
    else high = middle;
  }
  return { keepRate: low, progress: reached(low) };
}
