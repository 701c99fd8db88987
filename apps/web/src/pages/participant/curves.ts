/** What a page keeps of curves that grow with the run. */

export interface LossPoint {
  readonly round: number;
  /** Steps of this device so far, this one included. */
  readonly at: number;
  readonly loss: number;
}

/** Rounds of its own that a page lists. */
export const ROUNDS_SHOWN = 200;
/** Points of the loss curve: more than a screen is wide in, and each step copies them. */
const LOSSES_KEPT = 1024;

/** Every other point of a curve that has become too long; the newest stays. */
export const thinned = (losses: readonly LossPoint[]): readonly LossPoint[] =>
  losses.length <= LOSSES_KEPT ? losses : losses.filter((_, i) => i % 2 === (losses.length - 1) % 2);

/** Likewise of losses by round; the base model's and those of the rounds that are listed stay. */
export const withFewer = <Loss>(
  losses: ReadonlyMap<number, Loss>,
  newest: number,
): ReadonlyMap<number, Loss> =>
  losses.size <= LOSSES_KEPT
    ? losses
    : new Map(
        [...losses].filter(([round], i) => i % 2 === 0 || round === 0 || round > newest - ROUNDS_SHOWN),
      );
