import { expect, it } from "vitest";
import {
  DEFAULT_RUN_CONFIG,
  energyLimitOf,
  resolveRunConfig,
  runChangeSchema,
  runConfigSchema,
  runOverridesSchema,
} from "./run-config.ts";

it("has valid defaults", () => {
  expect(runConfigSchema.parse(DEFAULT_RUN_CONFIG)).toEqual(DEFAULT_RUN_CONFIG);
});

it("overrides one level deep, an explicit zero included, and ignores undefined", () => {
  const config = resolveRunConfig({ dropoutRate: 0, training: { localSteps: 3 }, rounds: undefined });
  expect(config.dropoutRate).toBe(0);
  expect(config.rounds).toBe(DEFAULT_RUN_CONFIG.rounds);
  expect(config.training).toEqual({ ...DEFAULT_RUN_CONFIG.training, localSteps: 3 });
});

it("names the field that is wrong", () => {
  expect(() => resolveRunConfig({ dropoutRate: 1 })).toThrow(/dropoutRate/);
  expect(() => resolveRunConfig({ training: { batchSize: 0 } })).toThrow(/batchSize/);
});

it("lets the host change limits and method, and one at a time", () => {
  expect(runChangeSchema.parse({ deadlineSeconds: 9 })).toEqual({ deadlineSeconds: 9 });
  expect(() => runChangeSchema.parse({ seed: "x" })).toThrow(/seed/);
});

it("limits the energy of all devices and of single ones", () => {
  const change = runChangeSchema.parse({
    energyLimitJoules: 50,
    deviceEnergyLimitsJoules: { p2: 9, p3: null },
  });
  const config = resolveRunConfig(change);
  expect(["p1", "p2", "p3"].map((id) => energyLimitOf(config, id))).toEqual([50, 9, null]);
  expect(() => runChangeSchema.parse({ deviceEnergyLimitsJoules: { p1: 0 } })).toThrow(/p1/);
});

it("reads runs stored before sub-channels could be chosen, and overrides none that were", () => {
  const { subChannels: _, ...stored } = DEFAULT_RUN_CONFIG;
  expect(runConfigSchema.parse(stored).subChannels).toBe(32);
  expect(runOverridesSchema.parse({})).toEqual({});
  expect(resolveRunConfig({ rounds: 3 }, { ...DEFAULT_RUN_CONFIG, subChannels: 64 }).subChannels).toBe(64);
});
