/** Order statistics, in one place so that a median means the same everywhere. */

/** The q-quantile, q in [0, 1], interpolated between the two ordered values beside it. NaN of nothing. */
export function quantile(values: Iterable<number>, q: number): number {
  const ordered = Float64Array.from(values).sort();
  if (ordered.length === 0) return Number.NaN;
  const position = q * (ordered.length - 1);
  const below = ordered[Math.floor(position)] as number;
  const above = ordered[Math.ceil(position)] as number;
  return below === above ? below : below + (above - below) * (position % 1);
}

/** Of an even number of values the mean of the two in the middle. NaN of nothing. */
export const median = (values: Iterable<number>): number => quantile(values, 0.5);
