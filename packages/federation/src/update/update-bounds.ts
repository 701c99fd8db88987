/**
 * How large an honest update of the next round can be: fixed when the round starts, so that an update can be bounded as
 * it arrives and the order of arrival does not matter. Two bounds, and the smaller one counts:
 *
 * - what training can do at all. A step of AdamW changes a value by its learning rate at most (for rounds of up to some
 *   hundred steps; only sparse gradients in much longer ones exceed it), so a round of E steps changes it by η·E and
 *   what weight decay takes. No update can argue with this one: it holds in the first round too;
 * - what training has done: the median over the updates of the last rounds, times a slack. As long as most of them are
 *   honest no claim moves it beyond the honest ones' own spread.
 */
import { median, type RunConfig } from "@fedlodrop/run";
import type { UpdateNorms } from "./update-norms.ts";

export interface UpdateBounds {
  readonly largest: number;
  readonly rms: number;
  readonly product: number;
}

/** How large an update was as it came. */
export interface SeenUpdate {
  /** Root mean square of its changes. */
  readonly rms: number;
  /** Root of the summed squared norms of what it changes in the products B·A. */
  readonly product: number;
}

/** Rounds whose updates are looked back on: norms fall as training settles. */
const ROUNDS = 3;
/** Rounding of f16 and of float32 sums must not make an honest update a clipped one. */
const ROUNDING = 1.05;
/** Honest norms of one round lie within a few percent of each other (docs/robustness.md). */
const SLACK = 1.25;

/** @param rounds the updates of earlier rounds, the last one last @param adapter as the round begins */
export function boundsOf(
  rounds: readonly (readonly SeenUpdate[])[],
  { learningRate, localSteps, weightDecay }: RunConfig["training"],
  adapter: Float32Array,
): UpdateBounds {
  let size = 0;
  for (let i = 0; i < adapter.length; i++) size = Math.max(size, Math.abs(adapter[i] as number));
  const largest = learningRate * localSteps * (ROUNDING + weightDecay * size);
  const seen = rounds
    .filter((updates) => updates.length > 0)
    .slice(-ROUNDS)
    .flat();
  // Where nothing moved there is nothing to learn: a bound of zero would hold for ever.
  const typical = (values: readonly number[]): number => median(values) || Number.POSITIVE_INFINITY;
  return {
    largest,
    rms: Math.min(largest, SLACK * typical(seen.map(({ rms }) => rms))),
    product: SLACK * typical(seen.map(({ product }) => product)),
  };
}

/** The largest factor, at most 1, that brings an update within the bounds. */
export function factorWithin(norms: UpdateNorms, bounds: UpdateBounds): number {
  const ratio = (bound: number, norm: number): number => (norm <= bound ? 1 : bound / norm);
  const least = Math.min(ratio(bounds.largest, norms.largest), ratio(bounds.rms, norms.rms));
  if (norms.product(least) <= bounds.product) return least;
  // Not a linear function of the factor, but it begins at 0: the lower end always fits.
  let [fits, exceeds] = [0, least];
  for (let i = 0; i < 48; i++) {
    const between = (fits + exceeds) / 2;
    if (norms.product(between) <= bounds.product) fits = between;
    else exceeds = between;
  }
  return fits;
}
