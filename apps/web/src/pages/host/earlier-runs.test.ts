import { DEFAULT_RUN_CONFIG, type RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { type EarlierRun, keepEarlier, keptEarlier, withEarlier } from "./earlier-runs.ts";

const config = { ...DEFAULT_RUN_CONFIG, method: "fedlora" } as const;
const rounds = (...losses: (number | null)[]) =>
  losses.map((testLoss, k) => ({ round: k + 1, testLoss }) as RoundRecord);
const left = (runId: string, ...losses: (number | null)[]) => ({
  runId,
  config,
  baseTestLoss: 4,
  rounds: rounds(...losses),
});

it("keeps the last three runs that were measured, of the same task", () => {
  let earlier: readonly EarlierRun[] = [];
  earlier = withEarlier(earlier, left("a", null), config);
  expect(earlier).toEqual([]);
  for (const id of ["b", "c", "d", "e"]) earlier = withEarlier(earlier, left(id, 3.5, null, 3.2), config);
  expect(earlier.map(({ runId }) => runId)).toEqual(["c", "d", "e"]);
  expect(earlier[0]?.losses).toEqual([4, 3.5, null, 3.2]);
  expect(withEarlier(earlier, left("f", 3), { ...config, task: "spam" })).toEqual([]);
});

it("has them again after a reload beside the same run, and nothing of what is damaged", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  expect(keptEarlier(storage, "b")).toEqual([]);
  const earlier = withEarlier([], left("a", 3.5), config);
  keepEarlier(storage, "b", earlier);
  expect(keptEarlier(storage, "b")).toEqual(earlier);
  expect(keptEarlier(storage, "c")).toEqual([]);
  const [key = ""] = kept.keys();
  for (const damaged of ["", "{", "[]", '{"runId":"b"}', '{"runId":"b","earlier":[null,{"losses":[1]}]}']) {
    kept.set(key, damaged);
    expect(keptEarlier(storage, "b")).toEqual([]);
  }
});
