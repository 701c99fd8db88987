import { expect, it } from "vitest";
import { type UpdateStatistics, updateStatisticsSchema } from "./messages.ts";

const statistics: UpdateStatistics = {
  sampleCount: 10,
  trainLoss: 3.2,
  steps: 8,
  tokens: 2048,
  secondsDownload: 0.1,
  secondsCompute: 2,
  secondsUpload: 0.2,
  roundTripSeconds: 0.01,
  downlinkBytesPerSecond: 2e6,
  uplinkBytesPerSecond: null,
  uploadLimitedBy: "sender",
  energyJoules: 30,
  energySource: "modelled",
  gradientNorm95: 1.5,
  lossSpread: 0.4,
};

it("takes an update's statistics as training makes them", () => {
  expect(updateStatisticsSchema.parse(statistics)).toEqual(statistics);
});

// JSON carries 1e308; two of them sum to infinity, and the bound's constants to NaN.
it.each([
  { trainLoss: 1e308 },
  { trainLoss: -1 },
  { lossSpread: 1e308 },
  { gradientNorm95: 1e308 },
  { energyJoules: 1e308 },
  { secondsCompute: -1 },
  { uplinkBytesPerSecond: 0 },
])("refuses statistics that no training makes: %j", (change) => {
  expect(updateStatisticsSchema.safeParse({ ...statistics, ...change }).success).toBe(false);
});
