/**
 * Rules by the order of values at each coordinate, among those who kept it (Yin et al. 2018, arXiv 1803.01498).
 * How many extremes must go follows from the whole round and not from a coordinate's keepers: two hostile devices of
 * ten may both be among the four that kept it. Every device has one voice here, whatever samples it claims.
 */
import { type Keepers, keepUpdates, visitCoordinates } from "./kept-updates.ts";
import type { Combination } from "./update-rule.ts";

/** Share of a round's updates that a trimmed mean leaves out at either end. */
const TRIMMED_SHARE = 0.25;

/** The mean of what is left between the extremes, and of the middle one or two where few kept a coordinate. */
export const beginTrimmedMean = (size: number): Combination =>
  byCoordinate(size, (keepers, updates) => Math.min(Math.floor(TRIMMED_SHARE * updates), middle(keepers)));

export const beginMedian = (size: number): Combination => byCoordinate(size, middle);

/** Values on either side of the middle one or two. */
const middle = ({ count }: Keepers): number => Math.floor((count - 1) / 2);

/** @param trimmed how many keepers to leave out at either end; at least one must be left */
function byCoordinate(size: number, trimmed: (keepers: Keepers, updates: number) => number): Combination {
  const kept = keepUpdates();
  return {
    take: kept.take,
    *finish(adapter) {
      const updates = kept.all;
      const changed = adapter.slice();
      const shares = new Float64Array(updates.length);
      let coordinates = 0;
      yield* visitCoordinates(updates, size, (coordinate, keepers) => {
        const first = trimmed(keepers, updates.length);
        const used = keepers.count - 2 * first;
        let sum = 0;
        for (let i = first; i < first + used; i++) {
          sum += keepers.changes[i] as number;
          const update = keepers.updates[i] as number;
          shares[update] = (shares[update] as number) + 1 / used;
        }
        changed[coordinate] = (changed[coordinate] as number) + sum / used;
        coordinates++;
      });
      return {
        adapter: changed,
        contributions: new Map(
          updates.map(({ participantId }, k) => [participantId, (shares[k] as number) / coordinates]),
        ),
      };
    },
  };
}
