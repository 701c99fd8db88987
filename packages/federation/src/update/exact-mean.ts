/**
 * Per coordinate, the sample-weighted mean of the changes over the participants that kept it (FedLoDrop,
 * arXiv 2510.12078, the aggregation of a round). A coordinate that nobody kept stays as it is.
 *
 * Streaming: three float64 arrays of adapter size, however many participants there are. Exact: a product w·Δ is an
 * integer times an f32, exact in float64. It is split into a multiple of 2⁻¹⁴ and a multiple of 2⁻⁵⁴ below 2⁻¹⁴, and
 * each part is summed apart. With w ≤ 2²⁰, |Δ| ≤ 2⁵ and at most 2¹⁴ updates the sums stay below 2³⁹ and 2⁻¹, that is
 * below 2⁵³ grains, so no sum ever rounds and the result does not depend on the order of arrival. What is below
 * 2⁻⁵⁵ is lost once per update, alike in every order. For the same reason sums that were made apart add up to what one
 * sum of everything would be, to the bit (`MeanSums`).
 */
import { COARSE_BITS, FINE_BITS, inPieces, type Pieces } from "@fedlodrop/run";
import { inOrder } from "./kept-updates.ts";
import type { Combination } from "./update-rule.ts";

const COARSE = 2 ** COARSE_BITS;
const FINE = 2 ** FINE_BITS;

/** What is summed up of some of a round's updates: plain data, to be added to the sums of others elsewhere. */
export interface MeanSums {
  /** Per coordinate of the adapter: Σ w·Δ in its two parts, and Σ w. */
  readonly coarse: Float64Array;
  readonly fine: Float64Array;
  readonly weights: Float64Array;
  /** w of each update, by participant. */
  readonly weightOf: readonly (readonly [participantId: string, weight: number])[];
}

export interface Mean extends Combination {
  readonly sums: MeanSums;
  /** @throws for sums of another size, or with an update that is in already */
  add(sums: MeanSums): Pieces<void>;
}

export function beginMean(size: number): Mean {
  const coarse = new Float64Array(size);
  const fine = new Float64Array(size);
  const weights = new Float64Array(size);
  const weightOf = new Map<string, number>();
  return {
    *take({ participantId, changes, indices, weight }) {
      weightOf.set(participantId, weight);
      yield* inPieces(changes.length, (from, to) => {
        for (let i = from; i < to; i++) {
          const index = indices[i] as number;
          const product = weight * (changes[i] as number);
          const high = Math.round(product * COARSE) / COARSE;
          coarse[index] = (coarse[index] as number) + high;
          fine[index] = (fine[index] as number) + Math.round((product - high) * FINE) / FINE;
          weights[index] = (weights[index] as number) + weight;
        }
      });
    },
    get sums() {
      return { coarse, fine, weights, weightOf: [...weightOf] };
    },
    *add(sums) {
      if (sums.coarse.length !== size)
        throw new Error(`partial sum: expected ${size} values, got ${sums.coarse.length}`);
      for (const [participantId, weight] of sums.weightOf) {
        if (weightOf.has(participantId))
          throw new Error(`partial sum: expected the update of ${participantId} once, got it again`);
        weightOf.set(participantId, weight);
      }
      yield* inPieces(size, (from, to) => {
        for (let i = from; i < to; i++) {
          coarse[i] = (coarse[i] as number) + (sums.coarse[i] as number);
          fine[i] = (fine[i] as number) + (sums.fine[i] as number);
          weights[i] = (weights[i] as number) + (sums.weights[i] as number);
        }
      });
    },
    *finish(adapter) {
      const changed = adapter.slice();
      yield* inPieces(size, (from, to) => {
        for (let i = from; i < to; i++) {
          const weight = weights[i] as number;
          if (weight !== 0)
            changed[i] = (adapter[i] as number) + ((coarse[i] as number) + (fine[i] as number)) / weight;
        }
      });
      const total = [...weightOf.values()].reduce((sum, weight) => sum + weight, 0);
      return {
        adapter: changed,
        contributions: new Map(inOrder(weightOf).map(([id, weight]) => [id, weight / total])),
      };
    },
  };
}
