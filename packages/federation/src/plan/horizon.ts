/**
 * The rate at which the rounds to come end with the least held-out loss, by the learning curve: with progress x the training
 * loss falls to L e^−x, and the gap grows by g x + ½ b x². One rate for all rounds to come; the next plan chooses again.
 */
import { type LearningCurve, slopeOf } from "./learning-curve.ts";
import { type Pace, progressAt } from "./pace.ts";

export interface Outlook {
  /** s */
  readonly keepRate: number;
  /** What the rounds foreseen make at it, and those before that were not evaluated yet. */
  readonly progress: number;
}

/** Rounds foreseen at most. What is known is two rounds old and noisy: fewer would swing to and fro, and more would brake for what
 *  the next rounds may show to be noise. What goes too far is taken back by larger rates, but in the rounds left alone. */
const MOST_ROUNDS = 4;
const HALVINGS = 30;
/** Of a normal distribution: the middles of nine parts that are equally likely. */
const DEVIATIONS = [-1.593, -0.967, -0.589, -0.282, 0, 0.282, 0.589, 0.967, 1.593];

/**
 * The mean of the best rates over what the gap may do. What a wrong rate loses grows with the square of how far it is off,
 * which the mean makes least; and it moves with the evidence, where the rate that is likeliest right jumps from one end to
 * the other.
 * @param made progress since the curve was last seen
 */
export function bestOutlook(
  curve: LearningCurve,
  pace: Pace,
  made: number,
  { maxDropoutRate, roundsLeft }: { readonly maxDropoutRate: number; readonly roundsLeft: number },
): Outlook {
  const rounds = Math.min(MOST_ROUNDS, roundsLeft);
  const reached = (keepRate: number): number => made + rounds * progressAt(pace, keepRate);
  const bestWith = (deviation: number, errorAt: (progress: number) => number): number =>
    largestWhere(1 - maxDropoutRate, (keepRate) => {
      const progress = reached(keepRate);
      // More progress helps as long as it takes more off the training loss than it adds to the gap; it takes off ever less.
      return slopeOf(curve, progress) + deviation * errorAt(progress) <= curve.loss * Math.exp(-progress);
    });
  // An error that grows with progress would make a lower slope fall with it, and more progress help where less does not.
  const error = curve.errorAt(reached(bestWith(0, () => 0)));
  const best = DEVIATIONS.map((deviation) =>
    bestWith(deviation, deviation < 0 ? () => error : curve.errorAt),
  );
  // From the least on, whose mean is then exactly itself.
  const least = Math.min(...best);
  const keepRate = least + best.reduce((sum, own) => sum + (own - least), 0) / best.length;
  return { keepRate, progress: reached(keepRate) };
}

/** Of keep rates up to 1, those that pass being the smaller ones. */
function largestWhere(least: number, passes: (keepRate: number) => boolean): number {
  if (passes(1)) return 1;
  let [low, high] = [least, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}
