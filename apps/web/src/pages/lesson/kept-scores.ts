/** Who was right in the guessing game so far, over a reload of the teacher's page: the coordinator has the present votes only. */
import type { StorageLike } from "../../ui/browser-storage.ts";
import type { Score } from "./score.ts";

/** By the number of the text. */
export type Scores = ReadonlyMap<number, Score>;

const KEY = "fedlodrop.guess-scores";

export function keepScores(storage: StorageLike, runId: string, scores: Scores): void {
  storage.setItem(KEY, JSON.stringify({ runId, scores: [...scores] }));
}

/** Of this very run; what is damaged is as good as not there. */
export function keptScores(storage: StorageLike, runId: string): Scores {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null") as {
      readonly runId: string;
      readonly scores: readonly (readonly [number, Score])[];
    } | null;
    return kept?.runId === runId ? new Map(kept.scores) : new Map();
  } catch {
    return new Map();
  }
}
