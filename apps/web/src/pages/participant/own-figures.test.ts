import type { RunDescription } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { shareOfBattery } from "./everyday-energy.ts";
import { ownFigures } from "./own-figures.ts";

/** A of [1, 4] and B of [4, 1]: 8 values of 4 bytes, and a header of 16. */
const run = {
  config: DEFAULT_RUN_CONFIG,
  adapter: { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 4, outFeatures: 4 }], dense: [] },
} as unknown as RunDescription;
const round = (contribution: number | null, aggregatedCount: number, joules: number) =>
  ({
    keptValues: 4,
    bytesDown: 32,
    bytesUp: contribution === null ? 0 : 32,
    energy: { joules, source: "modelled" },
    closed: contribution === null ? null : { outcome: "aggregated", contribution, aggregatedCount },
  }) as never;

it("sums up what a device has given, counting transfers as they would have been without dropout", () => {
  expect(ownFigures([round(0.5, 2, 3), round(0.25, 4, 4), round(null, 0, 1)], run)).toEqual({
    roundsUsed: 2,
    share: 0.375,
    together: 4,
    bytes: 160,
    bytesWithoutDropout: 240,
    joules: 8,
    fromBattery: false,
  });
  expect(ownFigures([], run)).toMatchObject({ roundsUsed: 0, share: 0, joules: 0, fromBattery: false });
});

it("counts energy in batteries", () => {
  expect(shareOfBattery(15.4 * 3600, null)).toBe(1);
  expect(shareOfBattery(1800, 50)).toBe(0.01);
});
