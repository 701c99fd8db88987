import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { generalisationGap, generalisationGapSlope, KeepRateCost, varianceFactor } from "./bound.ts";

const bound = {
  lossRange: 2,
  gradientNorm: 1,
  ridge: 0.5,
  minCurvature: 0.25,
  exampleCount: 100,
  confidence: 0.1,
  gapScale: 1,
};

describe("generalisation gap", () => {
  it("is the formula, worked by hand", () => {
    // q = 0: C² + 24Cρ²/Λ = 4 + 48/0.25 = 196, over 2nδ = 20: √9.8.
    expect(generalisationGap(bound, 0)).toBeCloseTo(Math.sqrt(9.8), 14);
    // q = 0.75: 4 + 48/(0.25 + 0.75) = 52, over 20: √2.6.
    expect(generalisationGap(bound, 0.75)).toBeCloseTo(Math.sqrt(2.6), 14);
    expect(generalisationGap({ ...bound, gapScale: 0.5 }, 0.75)).toBeCloseTo(0.5 * Math.sqrt(2.6), 14);
  });

  it("falls and is convex in the dropped share, with the slope of a finite difference", () => {
    const shares = [0.01, 0.2, 0.5, 0.9, 0.99];
    for (const q of shares) {
      const [before, at, after] = [q - 1e-3, q, q + 1e-3].map((x) => generalisationGap(bound, x));
      expect(after!).toBeLessThan(before!);
      expect(before! + after! - 2 * at!).toBeGreaterThan(0);
      expect(generalisationGapSlope(bound, q) / ((after! - before!) / 2e-3)).toBeCloseTo(1, 4);
    }
  });
});

describe("variance factor", () => {
  it("is γ/(1−γ) for ν = 1 and q/(1−q) for ν = 2", () => {
    expect(varianceFactor(0.8, 1)).toBeCloseTo(0.2 / 0.8, 15);
    const q = 1 - 0.8 ** 2;
    expect(varianceFactor(0.8, 2)).toBeCloseTo(q / (1 - q), 15);
    expect(varianceFactor(1, 1)).toBe(0);
  });
});

describe("keep-rate cost", () => {
  const random = createRandom(1);
  const costs = Array.from({ length: 30 }, (_, i) => {
    const exponent = i % 3 === 0 ? 2 : 1;
    const tangent = i % 4 === 0;
    const a = 0.01 + random.uniform();
    return new KeepRateCost(a, exponent, tangent ? 0 : 0.3, bound, tangent ? random.uniform() : 0, 0.1);
  });

  it("has slope and curvature of finite differences", () => {
    for (const cost of costs) {
      for (const s of [0.15, 0.5, 0.95]) {
        const h = 1e-4;
        const size = Math.abs(cost.slope(s)) + cost.curvature(s);
        expect((cost.slope(s) - (cost.at(s + h) - cost.at(s - h)) / (2 * h)) / size).toBeCloseTo(0, 6);
        expect(cost.curvature(s) / ((cost.slope(s + h) - cost.slope(s - h)) / (2 * h))).toBeCloseTo(1, 5);
      }
    }
  });

  it("finds the minimum that golden section finds, and the end of the range where there is none inside", () => {
    for (const cost of costs) {
      const found = cost.minimiser(0.1, 1);
      const golden = goldenSection((s) => cost.at(s), 0.1, 1);
      expect(cost.at(found)).toBeLessThanOrEqual(cost.at(golden) + 1e-14);
      expect(found).toBeCloseTo(golden, 6);
    }
    // A heavy variance term wants everything kept, a light one everything dropped.
    expect(new KeepRateCost(100, 1, 1, bound).minimiser(0.1, 1)).toBe(1);
    expect(new KeepRateCost(1e-9, 1, 1, bound).minimiser(0.1, 1)).toBe(0.1);
  });

  it("drops something exactly when 2w|G'(0)| > νA", () => {
    const threshold = -2 * 0.3 * generalisationGapSlope(bound, 0);
    expect(new KeepRateCost(threshold * 1.001, 1, 0.3, bound).minimiser(0.1, 1)).toBe(1);
    expect(new KeepRateCost(threshold * 0.999, 1, 0.3, bound).minimiser(0.1, 1)).toBeLessThan(1);
  });
});

function goldenSection(f: (x: number) => number, low: number, high: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  while (b - a > 1e-10) {
    const [x, y] = [b - ratio * (b - a), a + ratio * (b - a)];
    if (f(x) < f(y)) b = y;
    else a = x;
  }
  return 0.5 * (a + b);
}
