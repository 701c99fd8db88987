/** Scalars of a round's steps that travel with the update. */

/** The q-quantile by linear interpolation between the ordered values; q in [0, 1], at least one value. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error("quantile: expected at least one value, got none");
  const ordered = [...values].sort((a, b) => a - b);
  const position = q * (ordered.length - 1);
  const below = ordered[Math.floor(position)] as number;
  const above = ordered[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
