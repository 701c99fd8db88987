import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { CapacityCurve } from "./water-filling.ts";

function curveOf(gains: readonly number[], weights?: readonly number[]): CapacityCurve {
  const curve = new CapacityCurve(gains.length);
  const order = [...gains.keys()].sort((a, b) => gains[b]! - gains[a]!);
  for (const i of order) curve.add(weights?.[i] ?? 1, 1 / gains[i]!, Math.log2(gains[i]!));
  return curve;
}

describe("water-filling", () => {
  it("leaves the weak channel dry until the level reaches it, worked by hand", () => {
    // Gains 1 and 1/3: inverse gains 1 and 3. Up to 2 W only the first is used; 4 W reach the level (4 + 1 + 3)/2 = 4.
    const curve = curveOf([1, 1 / 3]);
    expect(curve.pour(2)).toBeCloseTo(Math.log2(3), 14);
    expect(curve.waterLevel).toBeCloseTo(3, 14);
    expect(curve.pour(4)).toBeCloseTo(Math.log2(4) + Math.log2(4 / 3), 14);
    expect(curve.waterLevel).toBeCloseTo(4, 14);
    expect(curve.pour(0)).toBe(0);
  });

  it("beats every other split of the power on random channels", () => {
    const random = createRandom(2);
    for (let trial = 0; trial < 40; trial++) {
      const gains = Array.from({ length: 4 }, () => 10 ** (4 * random.uniform() - 2));
      const watts = 5 * random.uniform();
      const best = curveOf(gains).pour(watts);
      for (let i = 0; i < 200; i++) {
        const raw = gains.map(() => random.uniform() ** 4);
        const total = raw.reduce((sum, x) => sum + x, 0);
        const rate = gains.reduce((sum, gain, m) => sum + Math.log2(1 + (watts * raw[m]! * gain) / total), 0);
        expect(rate).toBeLessThanOrEqual(best + 1e-12);
      }
    }
  });

  it("is inverted by wattsFor, in any order of calls", () => {
    const random = createRandom(3);
    const curve = curveOf(Array.from({ length: 7 }, () => 10 ** (6 * random.uniform() - 3)));
    for (let i = 0; i < 100; i++) {
      const watts = 10 ** (6 * random.uniform() - 3);
      const rate = curve.pour(watts);
      expect(curve.wattsFor(rate) / watts).toBeCloseTo(1, 9);
    }
    expect(curve.wattsFor(0)).toBe(0);
  });

  it("treats two halves of a channel as one", () => {
    const whole = curveOf([5, 2, 2]);
    const halves = curveOf([5, 2, 2, 2, 2], [1, 0.5, 0.5, 0.5, 0.5]);
    for (const watts of [0.01, 0.3, 4]) expect(halves.pour(watts)).toBeCloseTo(whole.pour(watts), 13);
  });
});
