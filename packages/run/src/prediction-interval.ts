/**
 * Intervals around forecasts that are meant to hold a share of what comes, also where a load drifts and errors of before are
 * no draws of the next one: as wide as the recent errors say, with Student's allowance for few of them, times a factor that
 * grows with every miss and shrinks with every hit, so that in the long run the share is held whatever comes (quantile tracking,
 * Angelopoulos, Candès and Tibshirani, arXiv 2307.16895).
 */
export interface IntervalTracker {
  /** Of actual over forecast; null while too few have been seen. */
  readonly interval: () => readonly [number, number] | null;
  /** What a round came to, actual over forecast: of one machine, whose devices err together, so that a round counts as one. */
  readonly see: (ratios: readonly number[]) => void;
}

/** Share of what comes that an interval is meant to hold. */
export const COVERAGE = 0.8;
/** Of the normal distribution, with half of the rest above. */
const NORMAL_QUANTILE = 1.2816;
const ROUNDS_NEEDED = 2;
/** Weight of a round's errors against those a round younger. */
const MEMORY = 0.8;
/** Of the factor's logarithm, for a round that is missed by all. */
const STEP = 0.4;
/** Of a logarithm: no machine is steadier. */
const LEAST_DEVIATION = 0.02;

export function trackIntervals(): IntervalTracker {
  let [squares, weights, rounds, logFactor] = [0, 0, 0, 0];
  const halfWidth = (): number => {
    const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(squares / weights));
    return deviation * studentQuantile(effective(rounds)) * Math.exp(logFactor);
  };
  return {
    interval: () => (rounds < ROUNDS_NEEDED ? null : [Math.exp(-halfWidth()), Math.exp(halfWidth())]),
    see: (ratios) => {
      if (ratios.length === 0) return;
      const logs = ratios.map(Math.log);
      if (rounds >= ROUNDS_NEEDED) {
        const width = halfWidth();
        const missed = logs.filter((own) => Math.abs(own) > width).length / logs.length;
        logFactor += STEP * (missed - (1 - COVERAGE));
      }
      squares = MEMORY * squares + logs.reduce((sum, own) => sum + own ** 2, 0) / logs.length;
      weights = MEMORY * weights + 1;
      rounds++;
    },
  };
}

/** Rounds that a fading mean of so many is worth. */
const effective = (rounds: number): number =>
  ((1 - MEMORY ** rounds) / (1 - MEMORY)) * ((1 + MEMORY) / (1 + MEMORY ** rounds));

/** Student's with a tenth above, by Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5). */
function studentQuantile(freedom: number): number {
  const z = NORMAL_QUANTILE;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
