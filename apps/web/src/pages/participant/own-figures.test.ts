import { NOTHING_GIVEN, type RunDescription } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { shareOfBattery } from "./everyday-energy.ts";
import { ownFigures } from "./own-figures.ts";

/** A of [1, 4] and B of [4, 1]: 8 values of 4 bytes, and a header of 16. */
const run = {
  config: DEFAULT_RUN_CONFIG,
  adapter: { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 4, outFeatures: 4 }], dense: [] },
} as unknown as RunDescription;
const nothing = { ...NOTHING_GIVEN, upToRound: 0 };
const round = (round: number, contribution: number | null, aggregatedCount: number, joules: number) =>
  ({
    start: { round },
    keptValues: 4,
    bytesDown: 32,
    bytesUp: contribution === null ? 0 : 32,
    energy: { joules, source: "modelled" },
    closed: contribution === null ? null : { round, outcome: "aggregated", contribution, aggregatedCount },
  }) as never;
const seen = [round(5, 0.5, 2, 3), round(6, 0.25, 4, 4), round(7, null, 0, 1)];

it("sums up what a device has given, counting transfers as they would have been without dropout", () => {
  expect(ownFigures({ given: nothing, rounds: seen }, run)).toMatchObject({
    roundsUsed: 2,
    contribution: 0.75,
    together: 4,
    bytes: 160,
    bytesWithoutDropout: 240,
    joules: 8,
    batteryJoules: 0,
    last: { round: 6, contribution: 0.25, aggregatedCount: 4 },
  });
  expect(ownFigures({ given: nothing, rounds: [] }, run)).toEqual(nothing);
});

it("goes on from what the coordinator has told of the rounds before, and counts none of them twice", () => {
  const told = {
    ...{ roundsUsed: 5, contribution: 2, together: 7, bytes: 1000, bytesWithoutDropout: 1500 },
    ...{ joules: 20, batteryJoules: 0, upToRound: 5 },
    last: { round: 5, contribution: 0.5, aggregatedCount: 2 },
  };
  expect(ownFigures({ given: told, rounds: seen }, run)).toMatchObject({
    ...{ roundsUsed: 6, contribution: 2.25, together: 7, bytes: 1096, joules: 25 },
    last: { round: 6 },
  });
  expect(ownFigures({ given: told, rounds: [] }, run)).toEqual(told);
});

it("counts energy in batteries", () => {
  expect(shareOfBattery(15.4 * 3600, null)).toBe(1);
  expect(shareOfBattery(1800, 50)).toBe(0.01);
});
