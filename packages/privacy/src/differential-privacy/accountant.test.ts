import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  budgetOf,
  epsilonOf,
  epsilonSpent,
  leastEpsilon,
  noiseMultiplierFor,
  noiseWithin,
  renyiBudget,
  renyiDivergence,
} from "./accountant.ts";

interface Case {
  readonly q: number;
  readonly sigma: number;
  readonly rounds: number;
  readonly epsilon: number;
  readonly rdp?: readonly number[];
}
const truth = JSON.parse(readFileSync(new URL("../../fixtures/rdp.json", import.meta.url), "utf8")) as {
  readonly orders: readonly number[];
  readonly cases: readonly Case[];
};

describe("the accountant", () => {
  it.each(truth.cases)(
    "agrees with dp-accounting at q = $q, σ = $sigma, $rounds rounds",
    ({ q, sigma, rounds, epsilon, rdp }) => {
      const mechanism = { noiseMultiplier: sigma, samplingRate: q };
      // The last digits of sums of exponentials.
      rdp?.forEach((expected, i) => {
        const got = renyiDivergence(mechanism, truth.orders[i]!);
        expect(Math.abs(got - expected)).toBeLessThan(1e-9 * expected + 1e-12);
      });
      const got = epsilonOf(mechanism, rounds, 1e-5, truth.orders);
      expect(Math.abs(got - epsilon)).toBeLessThan(1e-9 * epsilon + 1e-9);
      // Our own orders are at least as good.
      expect(epsilonOf(mechanism, rounds, 1e-5)).toBeLessThanOrEqual(epsilon * 1.002 + 1e-9);
    },
  );

  it("never tells less than the exact Gaussian mechanism gives away", () => {
    // δ(ε) of a Gaussian of multiplier σ: Φ(1/2σ − εσ) − e^ε Φ(−1/2σ − εσ) (Balle and Wang 2018), by numerical integration.
    const phi = (x: number): number => {
      let sum = 0;
      const [from, steps] = [-40, 200_000];
      const width = (Math.max(from, x) - from) / steps;
      for (let i = 0; i < steps; i++) sum += Math.exp(-((from + (i + 0.5) * width) ** 2) / 2);
      return (sum * width) / Math.sqrt(2 * Math.PI);
    };
    for (const [sigma, delta] of [
      [1, 1e-5],
      [3, 1e-3],
      [0.5, 1e-6],
    ] as const) {
      const epsilon = epsilonOf({ noiseMultiplier: sigma, samplingRate: 1 }, 1, delta);
      const exact =
        phi(1 / (2 * sigma) - epsilon * sigma) - Math.exp(epsilon) * phi(-1 / (2 * sigma) - epsilon * sigma);
      expect(exact).toBeLessThanOrEqual(delta);
    }
  });

  it("finds the noise that a budget asks for", () => {
    for (const [epsilon, rounds] of [
      [1, 20],
      [8, 20],
      [50, 1],
    ] as const) {
      const noiseMultiplier = noiseMultiplierFor(epsilon, 1e-5, rounds);
      const mechanism = { noiseMultiplier, samplingRate: 1 };
      expect(epsilonOf(mechanism, rounds, 1e-5)).toBeLessThanOrEqual(epsilon);
      expect(epsilonOf(mechanism, rounds, 1e-5)).toBeGreaterThan(0.999 * epsilon);
      expect(epsilonOf(mechanism, rounds + 1, 1e-5)).toBeGreaterThan(epsilon);
    }
  });

  it("adds up rounds of different noise, and divides a budget", () => {
    const budget = budgetOf(8, 1e-5);
    expect(epsilonSpent(budget, 1e-5)).toBeLessThanOrEqual(8);
    expect(epsilonSpent(budget, 1e-5)).toBeGreaterThan(7.99);
    const noiseMultiplier = (budget / 20) ** -0.5;
    expect(epsilonOf({ noiseMultiplier, samplingRate: 1 }, 20, 1e-5)).toBeCloseTo(8, 2);
    expect(epsilonSpent(1 / 4 + 1 / 9, 1e-5)).toBeGreaterThan(epsilonSpent(1 / 4, 1e-5));
    expect(epsilonSpent(0, 1e-5)).toBe(0);
  });

  it.each([
    [8, 160, 0.1],
    [1, 2000, 0.01],
    [0.1, 10, 1],
    [100, 40, 0.5],
  ])(
    "lets steps be chosen one by one within ε = %f, %i of them at q = %f, as if all were even",
    (epsilon, steps, q) => {
      const budget = renyiBudget(epsilon, 1e-5, steps, q);
      const each = { ...budget, divergence: budget.divergence / steps };
      const noiseMultiplier = noiseWithin(each, q);
      const even = noiseMultiplierFor(epsilon, 1e-5, steps, q);
      // Whole orders alone are a little worse where everybody takes part.
      expect(noiseMultiplier / even).toBeGreaterThan(1 - 1e-6);
      expect(noiseMultiplier / even).toBeLessThan(q === 1 ? 1.01 : 1 + 1e-6);
      // Half of the steps at half of the share leave room for more at the rest, never for more in all.
      const [careful, bold] = [0.5, 1.5].map((share) =>
        noiseWithin({ ...each, divergence: share * each.divergence }, q),
      ) as [number, number];
      const spent = [careful, bold].reduce(
        (sum, noise) =>
          sum + (steps / 2) * renyiDivergence({ noiseMultiplier: noise, samplingRate: q }, budget.order),
        0,
      );
      expect(spent).toBeLessThanOrEqual(budget.divergence);
      expect(spent).toBeGreaterThan(0.999 * budget.divergence);
    },
  );

  it("knows which promise no noise can keep", () => {
    const least = leastEpsilon(1e-5);
    expect(noiseMultiplierFor(1.01 * least, 1e-5, 20)).toBeGreaterThan(1000);
    for (const epsilon of [least, least / 2])
      expect(() => noiseMultiplierFor(epsilon, 1e-5, 20)).toThrow(`got ${epsilon}`);
    expect(() => budgetOf(0.003, 1e-5)).toThrow("epsilon: expected a number above 0.0035 at δ = 0.00001");
  });

  it("says what it cannot account for", () => {
    expect(epsilonOf({ noiseMultiplier: 0, samplingRate: 1 }, 1, 1e-5)).toBe(Number.POSITIVE_INFINITY);
    expect(() => epsilonOf({ noiseMultiplier: 1, samplingRate: 1 }, 1, 0)).toThrow("got 0");
    expect(() => renyiDivergence({ noiseMultiplier: 1, samplingRate: 0.5 }, 2.5)).toThrow("whole");
    expect(() => noiseMultiplierFor(0, 1e-5, 1)).toThrow("got 0");
  });
});
