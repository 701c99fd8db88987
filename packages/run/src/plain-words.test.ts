import { expect, it } from "vitest";
import { z } from "zod";
import { faultInWords } from "./plain-words.ts";
import { DEFAULT_RUN_CONFIG, runConfigSchema } from "./run-config.ts";

const fault = (schema: z.ZodType, value: unknown): string => {
  const { error } = schema.safeParse(value);
  return error ? faultInWords(error, "settings") : "none";
};
const { training } = DEFAULT_RUN_CONFIG;

it.each([
  [{ newThing: 1 }, 'settings: unknown field "newThing"'],
  [{ training: { ...training, b: 1, a: 2 } }, 'training: unknown field "b", "a"'],
  [{ rounds: "2" }, "rounds: expected a number"],
  [{ rounds: 1.5 }, "rounds: expected a whole number"],
  [{ rounds: 0 }, "rounds: expected 1 or more"],
  [{ quorum: 2 }, "quorum: expected at most 1"],
  [{ seed: "" }, "seed: expected some text"],
  [{ seed: "s".repeat(65) }, "seed: expected at most 64 characters"],
  [{ training: { ...training, localSteps: -1 } }, "training.localSteps: expected 1 or more"],
  [{ training: { ...training, learningRate: null } }, "training.learningRate: expected a number"],
  [{ links: "none" }, "links: expected measured or emulated"],
  [{ targetModules: [] }, "targetModules: expected at least 1 entries"],
  [{ targetModules: 7 }, "targetModules: expected a list"],
  [{ split: { kind: "some" } }, "split.kind: expected one of the kinds there are"],
  [{ deviceEnergyLimitsJoules: { p1: "many" } }, "deviceEnergyLimitsJoules.p1: expected a number"],
])("says of %j: %s", (change, words) => {
  expect(fault(runConfigSchema, { ...DEFAULT_RUN_CONFIG, ...change })).toBe(words);
});

it("names the value itself where no field is at fault", () => {
  expect(fault(runConfigSchema, null)).toBe("settings: expected an object");
  expect(fault(z.literal("a"), "b")).toBe("settings: expected a");
});
