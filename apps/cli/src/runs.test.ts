import { expect, it } from "vitest";
import { quotaLine, readQuotaFlag, runTable } from "./runs.ts";

it("lists runs: their state, round, devices and owner", () => {
  const run = {
    ...{ name: "hall", runId: "a", begun: "2026-05-04T10:20:30.000Z", round: 12, rounds: 20, updates: 48 },
    ...{ devices: null, owner: null, url: null },
  };
  expect(
    runTable([
      { ...run, state: "training", devices: 4, owner: "process 7 of lab" },
      { ...run, name: "a", state: "waits for a coordinator", rounds: null },
    ]),
  ).toEqual([
    "run   begun             state                    round     devices  updates  owner",
    "hall  2026-05-04 10:20  training                 12 of 20  4        48       process 7 of lab",
    "a     2026-05-04 10:20  waits for a coordinator  12        -        48       -",
  ]);
  expect(runTable([])).toEqual(["no run is kept there"]);
});

it("reads quotas, and says what they are", () => {
  expect(readQuotaFlag("runs=8, devices=none,bytes=20GB")).toEqual({ runs: 8, devices: null, bytes: 2e10 });
  for (const wrong of [
    "",
    "runs",
    "runs=0",
    "runs=-1",
    "runs=1kB",
    "people=3",
    "bytes=1.5GB",
    "bytes=9999999TB",
  ])
    expect(() => readQuotaFlag(wrong), wrong).toThrow(/^--quota: expected runs=N.*, got "/);
  expect(quotaLine({ runs: 8, devices: null, bytes: 2e10 })).toBe(
    "quotas: 8 runs at a time, 20000000000 bytes of updates a run",
  );
  expect(quotaLine({ runs: null, devices: null, bytes: null })).toBeNull();
});
