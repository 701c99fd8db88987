/**
 * Whether an update goes along with the others of its round. Single updates look like noise beside each other (cosines of
 * 0.00 to 0.06 between honest devices), but each agrees with the sum of all the others well beyond chance while a run
 * makes progress, and one that undoes training goes against it (docs/robustness.md).
 *
 * No update is kept for it: a count sketch (Charikar et al. 2002; here one row) of at most 2¹⁴ sums keeps inner products
 * to within 2⁻⁷ of the norms. An adapter of fewer values is its own sketch. Sketches are multiples of a grain that is so
 * coarse that sums of them never round: who sums up which of them first makes no difference.
 */
import { createRandom, inPieces, type Pieces } from "@fedlodrop/run";
import { MAX_ABSOLUTE_CHANGE, MAX_UPDATES, type Update } from "./update-rule.ts";

const MOST_SUMS = 2 ** 14;

/** Adds up an update's changes in few sums, the same for every update of the run. */
export type Sketch = (update: Pick<Update, "changes" | "indices">, factor: number) => Pieces<Float64Array>;

export function* createSketch(size: number): Pieces<Sketch> {
  if (latest?.size !== size) latest = { size, sketch: yield* sketchOf(size) };
  return latest.sketch;
}

/** A run asks for the same one every round. */
let latest: { readonly size: number; readonly sketch: Sketch } | null = null;

function* sketchOf(size: number): Pieces<Sketch> {
  const sums = Math.min(size, MOST_SUMS);
  const random = createRandom("sketch", size);
  // Place and sign of a value in one number; an adapter that fits keeps its places.
  const places = new Int32Array(size);
  const loads = new Uint32Array(sums);
  yield* inPieces(size, (from, to) => {
    for (let index = from; index < to; index++)
      if (size <= MOST_SUMS) places[index] = index + 1;
      else places[index] = random.below(2) === 0 ? random.below(sums) + 1 : -random.below(sums) - 1;
  });
  for (const place of places) loads[Math.abs(place) - 1] = (loads[Math.abs(place) - 1] as number) + 1;
  const mostInASum =
    MAX_ABSOLUTE_CHANGE * MAX_UPDATES * loads.reduce((most, load) => Math.max(most, load), 1);
  const grains = 2 ** (52 - Math.ceil(Math.log2(mostInASum)));
  return function* ({ changes, indices }, factor) {
    const sketch = new Float64Array(sums);
    yield* inPieces(changes.length, (from, to) => {
      for (let i = from; i < to; i++) {
        const place = places[indices[i] as number] as number;
        const change = factor * (changes[i] as number);
        if (place > 0) sketch[place - 1] = (sketch[place - 1] as number) + change;
        else sketch[-place - 1] = (sketch[-place - 1] as number) - change;
      }
    });
    for (let i = 0; i < sums; i++) sketch[i] = Math.round((sketch[i] as number) * grains) / grains;
    return sketch;
  };
}

export interface Sketched {
  readonly sketch: Float64Array;
  /** Whether it is part of what the others are compared with. */
  readonly counts: boolean;
}

/** Of those that count; null without a sketch. */
export function* sketchSum(updates: Iterable<Sketched>): Pieces<Float64Array | null> {
  let all: Float64Array | null = null;
  for (const { sketch, counts } of updates) {
    all ??= new Float64Array(sketch.length);
    if (counts) addTo(all, sketch);
    yield;
  }
  return all;
}

export function addTo(sum: Float64Array, other: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (other[i] as number);
}

/**
 * By participant: how far its update goes along with the sum of all others that count, in deviations of what chance
 * would give (cosine · √length); null where there are no others or one of the two is zero.
 * @param all `sketchSum` of the whole round's
 */
export function* agreementsOf(
  updates: ReadonlyMap<string, Sketched>,
  all: Float64Array | null,
): Pieces<ReadonlyMap<string, number | null>> {
  const agreements = new Map<string, number | null>();
  for (const [id, own] of updates) {
    agreements.set(id, all && agreement(own, all));
    yield;
  }
  return agreements;
}

function agreement({ sketch, counts }: Sketched, all: Float64Array): number | null {
  let [product, own, others] = [0, 0, 0];
  for (let i = 0; i < all.length; i++) {
    const value = sketch[i] as number;
    const rest = (all[i] as number) - (counts ? value : 0);
    product += value * rest;
    own += value * value;
    others += rest * rest;
  }
  const scale = Math.sqrt(own) * Math.sqrt(others);
  return scale > 0 ? (Math.sqrt(all.length) * product) / scale : null;
}
