/**
 * The new full adapter: per coordinate, the sample-weighted mean of the changes over the participants that kept it
 * (algorithm.md step 5 of the round; FedLoDrop, arXiv 2510.12078). A coordinate that nobody kept stays as it is.
 *
 * Streaming: three float64 arrays of adapter size, however many participants there are. Exact: a product w·Δ is an
 * integer times an f32, exact in float64. It is split into a multiple of 2⁻¹⁴ and a multiple of 2⁻⁵⁴ below 2⁻¹⁴, and
 * each part is summed apart. With w ≤ 2²⁰, |Δ| ≤ 2⁵ and at most 2¹⁴ updates the sums stay below 2³⁹ and 2⁻¹, that is
 * below 2⁵³ grains, so no sum ever rounds and the result does not depend on the order of arrival. What is below
 * 2⁻⁵⁵ is lost once per update, alike in every order.
 */
import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";

/** Largest change of one value that is accepted. */
export const MAX_ABSOLUTE_CHANGE = 32;
export const MAX_UPDATES = 2 ** 14;
const COARSE = 2 ** 14;
const FINE = 2 ** 54;

export interface Aggregation {
  /**
   * Adds one update. `indices` are flat-vector positions of `changes` (`keptIndices`).
   * Throws on what `outOfRange` would have refused, and beyond MAX_UPDATES.
   */
  fold(changes: Float32Array, indices: Uint32Array, weight: number): void;
  readonly count: number;
  /** Σ of the weights folded. */
  readonly totalWeight: number;
  /** `adapter` plus the mean changes, as a new f32 vector. */
  apply(adapter: Float32Array): Float32Array;
}

/** Why these changes cannot be aggregated, or null. Compares so that NaN is refused too. */
export function outOfRange(changes: Float32Array): string | null {
  const at = changes.findIndex((change) => !(Math.abs(change) <= MAX_ABSOLUTE_CHANGE));
  return at < 0
    ? null
    : `update: expected changes within ±${MAX_ABSOLUTE_CHANGE}, got ${changes[at]} at value ${at}`;
}

export function createAggregation(size: number): Aggregation {
  const coarse = new Float64Array(size);
  const fine = new Float64Array(size);
  const weights = new Float64Array(size);
  let count = 0;
  let totalWeight = 0;
  return {
    fold(changes, indices, weight) {
      if (!(Number.isInteger(weight) && weight >= 1 && weight <= MAX_SAMPLE_COUNT))
        throw new Error(`aggregate: expected a whole weight from 1 to ${MAX_SAMPLE_COUNT}, got ${weight}`);
      if (changes.length !== indices.length)
        throw new Error(`aggregate: expected ${indices.length} changes, got ${changes.length}`);
      if (count === MAX_UPDATES) throw new Error(`aggregate: expected at most ${MAX_UPDATES} updates`);
      const problem = outOfRange(changes);
      if (problem !== null) throw new Error(problem);
      count += 1;
      totalWeight += weight;
      for (let i = 0; i < changes.length; i++) {
        const index = indices[i] as number;
        const product = weight * (changes[i] as number);
        const high = Math.round(product * COARSE) / COARSE;
        coarse[index] = (coarse[index] as number) + high;
        fine[index] = (fine[index] as number) + Math.round((product - high) * FINE) / FINE;
        weights[index] = (weights[index] as number) + weight;
      }
    },
    get count() {
      return count;
    },
    get totalWeight() {
      return totalWeight;
    },
    apply(adapter) {
      return adapter.map((value, i) => {
        const weight = weights[i] as number;
        return weight === 0 ? value : value + ((coarse[i] as number) + (fine[i] as number)) / weight;
      });
    },
  };
}
