/**
 * The rate at which the rounds to come end with the least held-out loss, by the learning curve: with progress x the training
 * loss falls to L e^−x, and the gap grows by g x + ½ b x². One rate for all rounds to come; the next plan chooses again.
 */
import { varianceFactor } from "@fedlodrop/allocation";
import { type LearningCurve, slopeOf } from "./learning-curve.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import { type Pace, progressAt } from "./pace.ts";

export interface Outlook {
  /** s */
  readonly keepRate: number;
  /** What the rounds foreseen make at it, and those before that were not evaluated yet. */
  readonly progress: number;
}

/** Rounds foreseen. What is known is two rounds old and noisy: fewer would swing to and fro, and more would brake for what the
 *  next rounds may show to be noise. What goes too far is taken back by larger rates. */
const ROUNDS = 4;
const HALVINGS = 40;

/** @param made progress since the curve was last seen */
export function bestOutlook(curve: LearningCurve, pace: Pace, made: number, maxDropoutRate: number): Outlook {
  const reached = (keepRate: number): number =>
    made + ROUNDS * progressAt(pace, varianceFactor(keepRate, VARIANCE_EXPONENT));
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
