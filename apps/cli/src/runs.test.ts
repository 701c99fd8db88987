import { expect, it } from "vitest";
import { runTable } from "./runs.ts";

it("lists runs, their states in words", () => {
  const begun = new Date("2026-05-04T10:20:30Z");
  const run = { place: "hall", runId: "a", begun, rounds: 12, updates: 48, holder: null };
  expect(
    runTable([
      { ...run, holder: "process 7 of lab", isCurrent: true, hasResults: false },
      { ...run, place: "a", isCurrent: true, hasResults: false },
      { ...run, isCurrent: true, hasResults: true },
      { ...run, isCurrent: false, hasResults: true },
    ]),
  ).toEqual([
    "run   begun             rounds  updates  state",
    "hall  2026-05-04 10:20  12      48       at process 7 of lab",
    "a     2026-05-04 10:20  12      48       waits for a coordinator",
    "hall  2026-05-04 10:20  12      48       has results",
    "hall  2026-05-04 10:20  12      48       replaced by a later run",
  ]);
  expect(runTable([])).toEqual(["no run is kept there"]);
});
