import { DEFAULT_RUN_CONFIG } from "@fedlodrop/protocol";
import { expect, it } from "vitest";
import { directDropoutRate, isDirect, planDirectly } from "./plan.ts";

const config = { ...DEFAULT_RUN_CONFIG, dropoutRate: 0.4, maxDropoutRate: 0.8, seed: "plan" };

it("gives everyone zero, or the one rate", () => {
  const rates = (method: "fedlora" | "fixed") =>
    planDirectly(method, config, 1, ["p1", "p2"]).map(({ dropoutRate }) => dropoutRate);
  expect(rates("fedlora")).toEqual([0, 0]);
  expect(rates("fixed")).toEqual([0.4, 0.4]);
});

it("draws random rates uniformly up to the highest, the same each time", () => {
  const rates = Array.from({ length: 4000 }, (_, i) =>
    directDropoutRate("random", config, 1 + (i % 50), `p${i}`),
  );
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...rates)).toBeLessThan(0.8);
  // Standard error of the mean: 0.8/√12/√4000 = 0.0037; four of them.
  expect(Math.abs(rates.reduce((a, b) => a + b) / rates.length - 0.4)).toBeLessThan(0.015);
  expect(directDropoutRate("random", config, 7, "p1")).toBe(directDropoutRate("random", config, 7, "p1"));
  expect(directDropoutRate("random", config, 7, "p1")).not.toBe(directDropoutRate("random", config, 8, "p1"));
});

it("knows which methods need nothing measured", () => {
  expect((["fedlora", "fixed", "random"] as const).every(isDirect)).toBe(true);
  expect((["greedy", "equal", "p-sca", "branch-and-bound"] as const).some(isDirect)).toBe(false);
});
