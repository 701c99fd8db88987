import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { own, record, request, three } from "./plan.fixture.ts";
import { directDropoutRate, isDirect, planDirectly } from "./plan.ts";

describe("methods that need nothing measured", () => {
  const config = { ...DEFAULT_RUN_CONFIG, dropoutRate: 0.4, maxDropoutRate: 0.8, seed: "plan" };
  it("give everyone zero, or the one rate, unpaced", () => {
    for (const [method, dropoutRate] of [
      ["fedlora", 0],
      ["fixed", 0.4],
    ] as const) {
      const plan = planDirectly(method, request({ dropoutRate: 0.4 }, three));
      expect(plan.assignments.map((a) => [a.dropoutRate, a.uploadBytesPerSecond])).toEqual(
        Array(3).fill([dropoutRate, null]),
      );
    }
  });

  it("tell the bound at their rates, and what they are expected to cost", () => {
    const records = [record(1, [own("p1"), own("p2"), own("p3", { secondsCompute: 2 })])];
    const { allocation } = planDirectly(
      "fixed",
      request({ dropoutRate: 0.4, bound: "theorem" }, three, records),
    );
    // A = 0.05 · 3.9 and ν = 1 by default; q = 1 − 0.6² for everybody.
    expect(allocation!.empiricalTerm).toBeCloseTo(0.05 * 3.9 * (1 / 0.6 - 1), 12);
    const {
      lossRange: C,
      gradientNorm,
      minCurvature,
      ridge,
      exampleCount,
      confidence,
    } = allocation!.constants;
    const stability = (24 * C * gradientNorm ** 2) / (minCurvature + 2 * ridge * (1 - 0.6 ** 2));
    expect(allocation!.generalisationTerm).toBeCloseTo(
      Math.sqrt((C ** 2 + stability) / (2 * exampleCount * confidence)),
      12,
    );
    expect(allocation).toMatchObject({ certified: false, lowerBound: null, gap: null, milliseconds: null });
    // 2 s of training and 19 kB at 1 MB/s each way, at 15 W and 1 W; six round trips of 10 ms.
    const { predictedSeconds, predictedJoules, share } = allocation!.devices[2]!;
    const transfer = (4 * 8 * (600 + 1800) + 16) / 1e6;
    expect(predictedSeconds).toBeCloseTo(2 + 0.06 + 2 * transfer, 3);
    expect(predictedJoules).toBeCloseTo(15 * 2 + 2 * transfer, 3);
    expect(share).toBeNull();
  });

  it("draw random rates uniformly up to the highest, the same each time", () => {
    const rates = Array.from({ length: 4000 }, (_, i) =>
      directDropoutRate("random", config, 1 + (i % 50), `p${i}`),
    );
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...rates)).toBeLessThan(0.8);
    // Standard error of the mean: 0.8/√12/√4000 = 0.0037; four of them.
    expect(Math.abs(rates.reduce((a, b) => a + b) / rates.length - 0.4)).toBeLessThan(0.015);
    expect(directDropoutRate("random", config, 7, "p1")).toBe(directDropoutRate("random", config, 7, "p1"));
    expect(directDropoutRate("random", config, 7, "p1")).not.toBe(
      directDropoutRate("random", config, 8, "p1"),
    );
  });

  it("are three", () => {
    expect((["fedlora", "fixed", "random"] as const).every(isDirect)).toBe(true);
    expect((["greedy", "equal", "p-sca", "branch-and-bound"] as const).some(isDirect)).toBe(false);
  });
});
