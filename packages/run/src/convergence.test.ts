import { expect, it } from "vitest";
import { convergence, largestLoweringRate } from "./convergence.ts";
import type { RoundRecord } from "./report.ts";

const A = 0.02;
const STEP = 0.05;

/** Rounds that follow the law: F falls by η‖∇F‖² − A/s, with a gradient that shrinks; `noise` is added to what is told. */
function rounds(
  count: number,
  dropoutRate: number,
  noise: (round: number) => number = () => 0,
): RoundRecord[] {
  let loss = 4;
  return Array.from({ length: count }, (_, i) => {
    const gradient = 2 * 0.97 ** i;
    loss -= STEP * gradient ** 2 - A / (1 - dropoutRate);
    return {
      round: i + 1,
      evaluation: { trainLoss: loss + noise(i) },
      participants: [0.9, 1, 5].map((factor) => ({
        outcome: "aggregated",
        sampleCount: 10,
        dropoutRate,
        gradientNorm95: (factor * gradient) / (1 - dropoutRate),
      })),
      allocation: { constants: { varianceCoefficient: A } },
    } as unknown as RoundRecord;
  });
}

it("bounds the mean squared gradient with the constants that made the rounds", () => {
  const points = convergence(rounds(20, 0.5));
  expect(points).toHaveLength(19);
  expect(points[0]?.bound).toBeNull();
  const last = points.at(-1)!;
  // By hand: η is recovered exactly, so the bound is F₁/(ηT) + (A/η)/s.
  const first = 4 - STEP * 4 + A / 0.5;
  expect(last.bound).toBeCloseTo(first / (STEP * 19) + A / STEP / 0.5, 9);
  const gradients = Array.from({ length: 19 }, (_, i) => (2 * 0.97 ** (i + 1)) ** 2);
  expect(last.measured).toBeCloseTo(gradients.reduce((sum, own) => sum + own, 0) / 19, 9);
  for (const { measured, bound } of points.slice(1)) expect(bound!).toBeGreaterThan(measured);
});

it("tightens with rounds and loosens with the rate", () => {
  const at = (count: number, rate: number): number => convergence(rounds(count, rate)).at(-1)!.bound!;
  expect(at(20, 0.5)).toBeLessThan(at(10, 0.5));
  expect(at(20, 0.7)).toBeGreaterThan(at(20, 0.3));
});

it("knows no bound while the loss rises", () => {
  const rising = rounds(6, 0.95, (i) => i);
  expect(convergence(rising).every(({ bound }) => bound === null)).toBe(true);
});

it("finds the rate at which a round's gain and its masks' cost are equal", () => {
  // The last six rounds gain this on average, whatever the rate; masks may cost as much.
  const records = rounds(20, 0.5);
  const gains = Array.from({ length: 6 }, (_, i) => STEP * (2 * 0.97 ** (14 + i)) ** 2);
  const limit = gains.reduce((sum, own) => sum + own, 0) / 6 / A - 1;
  const theta = largestLoweringRate(records, A)!;
  // The benefit of the doubt only raises it, by little where there is no noise.
  expect(theta).toBeGreaterThan(limit / (1 + limit));
  expect(theta).toBeLessThan(limit / (1 + limit) + 0.05);
});

it("does not know that rate from few rounds, and gives it the benefit of the doubt in noise", () => {
  expect(largestLoweringRate(rounds(4, 0.5), A)).toBeNull();
  expect(largestLoweringRate(rounds(20, 0.5), 0)).toBeNull();
  const noisy = largestLoweringRate(
    rounds(20, 0.5, (i) => (i % 2 === 0 ? 0.01 : -0.01)),
    A,
  )!;
  expect(noisy).toBeGreaterThan(largestLoweringRate(rounds(20, 0.5), A)!);
  // Nor where noise drowns it, or the loss rises without a mask: no rate is to blame.
  expect(
    largestLoweringRate(
      rounds(20, 0.5, (i) => (i % 2 === 0 ? 0.3 : -0.3)),
      A,
    ),
  ).toBeNull();
  expect(
    largestLoweringRate(
      rounds(20, 0, (i) => 0.4 * i),
      A,
    ),
  ).toBeNull();
});
