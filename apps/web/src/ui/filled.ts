/** Whether a chart's filling between two lines is anywhere to be seen, for a legend that names only what is drawn. */

type Values = readonly (number | null)[];

/**
 * Whether the upper line runs farther above the lower one than by `least` anywhere both are drawn.
 * @param x of the values, ascending; what lies between two values of a line is a straight line over any that are missing
 */
export function isFilled(upper: Values, lower: Values, x: readonly number[], least: number): boolean {
  // Straight lines are farthest apart where one of them bends or ends.
  return x.some((_, place) => {
    const [above, below] = [heightAt(upper, x, place), heightAt(lower, x, place)];
    return above !== null && below !== null && above - below > least;
  });
}

/** Null before a line's first value and after its last. */
function heightAt(values: Values, x: readonly number[], place: number): number | null {
  const known = values[place] ?? null;
  if (known !== null) return known;
  const isKnown = (value: number | null): boolean => value !== null;
  const before = values.slice(0, place).findLastIndex(isKnown);
  const after = values.findIndex((value, i) => i > place && isKnown(value));
  if (before < 0 || after < 0) return null;
  const [from, to] = [values[before] as number, values[after] as number];
  const [start, here, end] = [x[before], x[place], x[after]] as [number, number, number];
  return from + ((to - from) * (here - start)) / (end - start);
}
