/** `report.json` a round at a time: the whole text of a long run need not be in memory. */
import type { RoundRecord, RunReport } from "@fedlodrop/run";
import type { RunStore } from "../store/run-store.ts";
import type { LiveRun } from "./live-run.ts";

/** Every round, whole: those that the run has let go come from the store. */
export async function* allRounds(
  { state, thinned }: Pick<LiveRun, "state" | "thinned">,
  store: Pick<RunStore, "records"> | undefined,
  from = 1,
): AsyncIterable<RoundRecord> {
  if (store && from <= thinned)
    for await (const record of store.records(from)) {
      if (record.round > thinned) break;
      yield record;
    }
  yield* state.records.slice(Math.max(thinned, from - 1));
}

export type ReportHead = Omit<RunReport, "rounds">;

export const withoutRounds = ({ rounds: _, ...head }: RunReport): ReportHead => head;

export async function* reportText(
  head: ReportHead,
  rounds: AsyncIterable<RoundRecord> | Iterable<RoundRecord>,
): AsyncIterable<string> {
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "rounds": [`;
  let separator = "\n    ";
  for await (const record of rounds) {
    yield `${separator}${JSON.stringify(record)}`;
    separator = ",\n    ";
  }
  yield "\n  ]\n}\n";
}
