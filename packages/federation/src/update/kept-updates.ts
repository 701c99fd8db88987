/** A round's updates kept until its close, in an order that is theirs and not that of their arrival. */
import { PIECE_VALUES, type Pieces } from "@fedlodrop/run";
import type { Update } from "./update-rule.ts";

/** Entries by id; ids are compared by code unit, so that every machine agrees. */
export const inOrder = <T>(byId: ReadonlyMap<string, T>): [string, T][] =>
  [...byId].sort(([a], [b]) => (a < b ? -1 : 1));

export interface KeptUpdates {
  take(update: Update): Pieces<void>;
  /** Ordered by participant. */
  readonly all: readonly Update[];
}

export function keepUpdates(): KeptUpdates {
  const kept = new Map<string, Update>();
  return {
    // biome-ignore lint/correctness/useYield: a rule's work in pieces, of which this has one
    *take(update) {
      kept.set(update.participantId, update);
    },
    get all() {
      return inOrder(kept).map(([, update]) => update);
    },
  };
}

/** The changes of one coordinate, ascending; those of equal size in the order of their participants. */
export interface Keepers {
  /** How many of the entries below count. */
  readonly count: number;
  readonly changes: Float64Array;
  /** Position of each in the updates. */
  readonly updates: Int32Array;
}

/** Visits every coordinate that somebody kept. The visitor must not hold on to what it is given. */
export function* visitCoordinates(
  updates: readonly Update[],
  size: number,
  visit: (coordinate: number, keepers: Keepers) => void,
): Pieces<void> {
  const next = new Uint32Array(updates.length);
  const keepers = {
    count: 0,
    changes: new Float64Array(updates.length),
    updates: new Int32Array(updates.length),
  };
  const atOnce = Math.ceil(PIECE_VALUES / Math.max(1, updates.length));
  for (let coordinate = 0; coordinate < size; coordinate++) {
    if (coordinate % atOnce === 0) yield;
    keepers.count = 0;
    for (let k = 0; k < updates.length; k++) {
      const { indices, changes } = updates[k] as Update;
      const at = next[k] as number;
      if (indices[at] !== coordinate) continue;
      next[k] = at + 1;
      insert(keepers, changes[at] as number, k);
    }
    if (keepers.count > 0) visit(coordinate, keepers);
  }
}

/** Insertion sort: a round has tens of keepers of a coordinate, and they come nearly at random. */
function insert(keepers: { count: number } & Keepers, change: number, update: number): void {
  const { changes, updates } = keepers;
  let at = keepers.count++;
  for (; at > 0 && (changes[at - 1] as number) > change; at--) {
    changes[at] = changes[at - 1] as number;
    updates[at] = updates[at - 1] as number;
  }
  changes[at] = change;
  updates[at] = update;
}
