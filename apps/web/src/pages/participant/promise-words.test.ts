import { AGGREGATIONS, DEFAULT_RUN_CONFIG, promisesOf } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { promiseWords } from "./promise-words.ts";
import "../../words/english.fixture.ts";

const promises = promisesOf(DEFAULT_RUN_CONFIG);
const terms = { epsilon: 2, delta: 1e-5, clip: 1 };

it("says of each rule what becomes of what a device sends", () => {
  const said = AGGREGATIONS.map((aggregation) => promiseWords({ ...promises, aggregation }));
  for (const sentence of said)
    expect(sentence).toMatch(/^In this run the coordinator reads what your device/);
  // Both leave out extremes.
  expect(new Set(said).size).toBe(AGGREGATIONS.length - 1);
});

it("says what hides an update, and how much that is worth", () => {
  expect(promiseWords({ ...promises, secureAggregation: true })).toMatch(/only their sum\.$/);
  expect(promiseWords({ ...promises, differentialPrivacy: terms })).toContain("at most 88.1% sure");
  expect(promiseWords({ ...promises, examplePrivacy: { ...terms, epsilon: 20 } })).toContain(
    "so little noise",
  );
  const all = { ...promises, secureAggregation: true, differentialPrivacy: terms, examplePrivacy: terms };
  expect(promiseWords(all)).toMatch(/only their sum\. .*took part\. .*among yours\.$/);
});

it("promises nothing before it knows", () => {
  expect(promiseWords(null)).not.toMatch(/reads|sum|sure/);
});
