/** Whether a chart fills the room between two lines, for a legend that names only what is drawn. */

type Values = readonly (number | null)[];

export interface Band {
  readonly upper: number;
  readonly lower: number;
  /** While there is nowhere more than this between them there is nothing to fill. */
  readonly least: number;
  readonly color: string;
  readonly label: string;
}

interface Valued {
  readonly values: Values;
}

/**
 * By the places of its lines among those that are drawn; undefined while there is nothing to fill.
 * @param all by whose places it is given @param drawn some of them @param x as of `isFilled`
 */
export function placedBand<Line extends Valued>(
  band: Band,
  all: readonly Line[],
  drawn: readonly Line[],
  x: readonly number[],
): Band | undefined {
  const [upper, lower] = [all[band.upper], all[band.lower]];
  if (upper === undefined || lower === undefined || !isFilled(upper.values, lower.values, x, band.least))
    return undefined;
  return { ...band, upper: drawn.indexOf(upper), lower: drawn.indexOf(lower) };
}

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
