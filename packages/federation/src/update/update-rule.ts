/**
 * How a round's updates become the new adapter. A rule sees whole updates, each in the coordinates that its participant
 * kept, and owes: the same bytes whatever the order of arrival, no NaN, no claim on memory beyond what it states.
 * `beginFold` checks and bounds an update before any rule sees it.
 */
import type { Aggregation, Pieces } from "@fedlodrop/run";

/** Largest change of one value that is accepted. */
export const MAX_ABSOLUTE_CHANGE = 32;
/** Most updates of a round. */
export const MAX_UPDATES = 2 ** 14;

/** One participant's update of a round. */
export interface Update {
  readonly participantId: string;
  /** Change of each kept value, finite. */
  readonly changes: Float32Array;
  /** Their places in the full vector, ascending. */
  readonly indices: Uint32Array;
  /** Samples behind it: a whole number from 1 to MAX_SAMPLE_COUNT. */
  readonly weight: number;
}

export interface Combined {
  /** The mean, median, … of the changes, as a new full adapter. */
  readonly adapter: Float32Array;
  /** Each participant's share of what was changed, by id; they sum to 1 unless nothing was. */
  readonly contributions: ReadonlyMap<string, number>;
}

/** A round's updates being put together by one rule, one piece of work after another. */
export interface Combination {
  take(update: Update): Pieces<void>;
  /** `adapter` as the round began with it, changed. Called once, at the close; with no updates it changes nothing. */
  finish(adapter: Float32Array): Pieces<Combined>;
}

export interface UpdateRule {
  readonly name: Aggregation;
  /** Whether updates are scaled to the round's bounds first, and those of participants that went against the others left out. */
  readonly bounded: boolean;
  /** `streaming` forgets each update once it is taken; `keeps-all` holds every one until the round closes. */
  readonly memory: "streaming" | "keeps-all";
  /** @param size values of the full adapter */
  begin(size: number): Combination;
}
