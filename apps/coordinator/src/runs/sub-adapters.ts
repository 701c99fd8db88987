/** What members of the open round hold of the adapter: each mask is drawn once, for the download and for the fold. */
import { type AdapterShape, type Pieces, type SubAdapter, subAdapterInPieces } from "@fedlodrop/run";

export interface SubAdapters {
  of(round: number, participantId: string, dropoutRate: number): Pieces<SubAdapter>;
}

/** Places kept in memory at once, 4 bytes each; beyond, the oldest are drawn again when they are needed. */
const MAX_PLACES = 2 ** 25;

export function createSubAdapters(shape: AdapterShape, seed: string, maxPlaces = MAX_PLACES): SubAdapters {
  const drawn = new Map<string, SubAdapter>();
  let places = 0;
  let newest = 0;
  const forget = (participantId: string): void => {
    places -= drawn.get(participantId)?.valueCount ?? 0;
    drawn.delete(participantId);
  };
  return {
    *of(round, participantId, dropoutRate) {
      if (round !== newest) {
        drawn.clear();
        places = 0;
        newest = round;
      }
      const known = drawn.get(participantId);
      if (known !== undefined) return known;
      const own = yield* subAdapterInPieces(shape, { seed, round, participantId, dropoutRate });
      // Meanwhile somebody else may have drawn it, or another round have begun.
      if (round !== newest) return own;
      forget(participantId);
      drawn.set(participantId, own);
      places += own.valueCount;
      for (const [oldest] of drawn) {
        if (places <= maxPlaces || oldest === participantId) break;
        forget(oldest);
      }
      return own;
    },
  };
}
