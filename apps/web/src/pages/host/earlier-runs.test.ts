import { DEFAULT_RUN_CONFIG, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { type EarlierRun, keepEarlier, keptEarlier, withEarlier } from "./earlier-runs.ts";
import { ghostsOf } from "./ghosts.ts";
import "../../words/english.fixture.ts";

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
  expect(earlier[0]?.arms.map(({ losses }) => losses)).toEqual([[4, 3.5, null, 3.2]]);
  expect(withEarlier(earlier, left("f", 3), { ...config, task: "spam" })).toEqual([]);
});

/** By turns, the other arm's losses higher. */
const compared = (runId: string, ...losses: number[]) => ({
  ...{ runId, baseTestLoss: 4 },
  config: { ...config, method: "fixed", dropoutRate: 0.5, compareWith: config } as RunConfig,
  rounds: losses.flatMap((testLoss, k) =>
    ([0, 1] as const).map(
      (arm) =>
        ({
          ...{ round: 2 * k + arm + 1, turn: { arm, number: k + 1 } },
          testLoss: testLoss + arm,
        }) as RoundRecord,
    ),
  ),
});

it("keeps both arms of a comparison, each a line and an entry in the legend of its own", () => {
  let earlier = withEarlier([], compared("a", 3.5, 3.2), config);
  const lines = () => ghostsOf(earlier).map(({ label, dashed, values }) => [label, dashed, values]);
  expect(lines()).toEqual([
    ["run before, with 50% dropped", false, [4, 3.5, 3.2]],
    ["run before, without dropout", true, [4, 4.5, 4.2]],
  ]);
  for (const id of ["b", "c"]) earlier = withEarlier(earlier, compared(id, 3.5), config);
  expect(lines().map(([label]) => label)).toEqual([
    "run before (-2), with 50% dropped",
    "run before (-2), without dropout",
    "run before (-1), with 50% dropped",
    "run before (-1), without dropout",
  ]);
  // None is left without its other arm.
  earlier = withEarlier(earlier, left("d", 3.5), config);
  expect(earlier.map(({ runId }) => runId)).toEqual(["c", "d"]);
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
  for (const damaged of [
    "",
    "{",
    "[]",
    '{"runId":"b"}',
    '{"runId":"b","earlier":[null,{"arms":[{"losses":[1]}]},{"runId":"a","arms":[null]}]}',
  ]) {
    kept.set(key, damaged);
    expect(keptEarlier(storage, "b")).toEqual([]);
  }
});
