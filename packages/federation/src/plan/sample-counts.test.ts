import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";
import { expect, it } from "vitest";
import type { ReadyParticipant } from "../round/participant.ts";
import { boundedCounts } from "./sample-counts.ts";

const bounded = (counts: readonly number[], largestSplit: number | null) =>
  boundedCounts(
    counts.map((sampleCount) => ({ device: { sampleCount } }) as ReadyParticipant),
    largestSplit,
  ).map(({ device }) => device.sampleCount);

it.each([
  ["nobody counts more than the largest split", [10, 12, MAX_SAMPLE_COUNT], 12, [10, 12, 12]],
  ["own texts count at most four times the median", [10, 12, MAX_SAMPLE_COUNT], null, [10, 12, 48]],
  ["of two, the smaller is the median", [10, MAX_SAMPLE_COUNT], null, [10, 40]],
  ["alone, a device counts as it says", [1000], null, [1000]],
  ["nobody at all", [], null, []],
] as const)("%s", (_, counts, largestSplit, expected) => {
  expect(bounded(counts, largestSplit)).toEqual(expected);
});
