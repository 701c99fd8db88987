/** `report.json` a round at a time: the whole text of a long run need not be in memory. */
import type { RoundRecord, RunReport } from "@fedlodrop/run";

export type ReportHead = Omit<RunReport, "rounds">;

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
