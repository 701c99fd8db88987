/** The level that the gap has reached, foreseen by a line through the last rounds, and how far rounds lie from it. */
import { EVALUATION_LAG } from "../round/run-state.ts";

const ROUNDS_FITTED = 5;
/** Fewer say nothing of a deviation. */
const ROUNDS_NEEDED = 4;

export function fitGapLevel(levels: readonly { readonly round: number; readonly level: number }[]): {
  readonly gapOffset: number;
  readonly gapDeviation: number | null;
} {
  const last = levels.slice(-ROUNDS_FITTED);
  const newest = last.at(-1);
  if (newest === undefined) return { gapOffset: 0, gapDeviation: null };
  const mean = (of: (own: { round: number; level: number }) => number): number =>
    last.reduce((sum, own) => sum + of(own), 0) / last.length;
  const [meanRound, meanLevel] = [mean(({ round }) => round), mean(({ level }) => level)];
  const variance = mean(({ round }) => (round - meanRound) ** 2);
  const slope =
    last.length < 2 ? 0 : mean(({ round, level }) => (round - meanRound) * (level - meanLevel)) / variance;
  const at = (round: number): number => meanLevel + slope * (round - meanRound);
  if (last.length < ROUNDS_NEEDED)
    return { gapOffset: at(newest.round + EVALUATION_LAG), gapDeviation: null };
  const squares = last.reduce((sum, { round, level }) => sum + (level - at(round)) ** 2, 0);
  const residual = Math.sqrt(squares / (last.length - 2));
  // Of a line's value beyond its last point: the noise itself, the mean's, and the slope's.
  const reach = newest.round + EVALUATION_LAG - meanRound;
  return {
    gapOffset: at(newest.round + EVALUATION_LAG),
    gapDeviation: residual * Math.sqrt(1 + 1 / last.length + reach ** 2 / (last.length * variance)),
  };
}
