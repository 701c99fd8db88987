import { expect, it } from "vitest";
import { exclusionsInShort, exclusionWords } from "./exclusion-words.ts";
import "../../words/english.fixture.ts";

const slow = (leastDeadlineSeconds: number | null, leastEnergyJoules: number | null = null) =>
  ({ cause: "compute", leastDeadlineSeconds, leastEnergyJoules }) as const;

it.each([
  [slow(null), "training takes longer than the round"],
  [slow(90), "training takes longer than the round; a deadline of 1 min 30 sec would do"],
  [slow(null, 12), "training takes longer than the round; 12 J would do"],
  [slow(45, 12), "training takes longer than the round; a deadline of 45 sec or 12 J would do"],
  [{ cause: "others" }, "the link serves the others better without it"],
  [{ cause: "stalls", stalls: 2, nextRound: 6 }, "it sent nothing in 2 rounds; it is tried again in round 6"],
] as const)("says why a device is left out: %o", (exclusion, words) =>
  expect(exclusionWords(exclusion)).toBe(words),
);

it("says of many how often, and what would admit the first", () =>
  expect(exclusionsInShort([slow(90), slow(45), slow(null), { cause: "others" }])).toEqual([
    "3 devices: training takes longer than the round; a deadline of 45 sec would do",
    "1 device: the link serves the others better without it",
  ]));
