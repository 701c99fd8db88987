import { expect, it } from "vitest";
import { DEFAULT_RUN_CONFIG, resolveRunConfig, runChangeSchema, runConfigSchema } from "./run-config.ts";

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
