/** A slider over several orders of magnitude: positions 0 to 100 stand for values in equal ratios. */
export interface SliderScale {
  readonly least: number;
  readonly most: number;
}

export const SLIDER_POSITIONS = 100;

/** The value at a position, to two significant digits. */
export function valueAt({ least, most }: SliderScale, position: number): number {
  return Number((least * (most / least) ** (position / SLIDER_POSITIONS)).toPrecision(2));
}

/** The nearest position; values beyond the ends take the end. */
export function positionOf({ least, most }: SliderScale, value: number): number {
  const position = (SLIDER_POSITIONS * Math.log(value / least)) / Math.log(most / least);
  return Math.round(Math.min(SLIDER_POSITIONS, Math.max(0, position)));
}
