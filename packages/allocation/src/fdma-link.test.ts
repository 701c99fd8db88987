import { expect, it } from "vitest";
import { type FdmaCell, fdmaLink } from "./fdma-link.ts";
import type { AllocationProblem } from "./problem.ts";
import { allocate } from "./solve.ts";

const CELL: FdmaCell = {
  bandwidthHertz: 1e6,
  powerWattsPerHertz: 1e-7,
  noiseWattsPerHertz: 2e-20,
  snrGap: 1.5,
  amplifierEfficiency: [0.35, 0.35, 0.35, 0.35],
  gain: [4e-12, 1e-12, 9e-13, 2e-12],
};
const WINDOWS = [6, 4, 7, 5];
const VARIANCES = [0.2, 0.5, 0.3, 0.1];
const UPLOAD_BITS = 5e6;

/** Nothing but the variance term, so that every device wants all it can send. */
const problem = (energyLimitJoules: number): AllocationProblem => ({
  id: "fdma",
  deadlineSeconds: 10,
  minDropoutRate: 0,
  maxDropoutRate: 0.95,
  objective: {
    mode: "device",
    varianceExponent: 1,
    bound: {
      lossRange: 1,
      gradientNorm: 1,
      ridge: 0.5,
      minCurvature: 1,
      exampleCount: 100,
      confidence: 0.1,
      gapScale: 1e-12,
    },
    exclusionPenalty: 100,
  },
  devices: WINDOWS.map((seconds, k) => ({
    weight: 1 / 4,
    varianceCoefficient: VARIANCES[k]!,
    preparations: [
      { seconds: { fixed: 10 - seconds, perKeepRate: 0 }, joules: { fixed: 0, perKeepRate: 0 } },
    ],
    uploadBits: { fixed: 0, perKeepRate: UPLOAD_BITS },
    energyLimitJoules,
  })),
  link: fdmaLink(CELL),
});

/** log₂(1 + p|h|²/(Γ N₀)), bit/s/Hz. */
const efficiency = (k: number): number => Math.log2(1 + (1e-7 * CELL.gain[k]!) / (1.5 * 2e-20));

it("gives the bandwidth that Lagrange's condition does", () => {
  // min Σ A/s with Σ u s/(r t) = 1: s_k = √(A_k r_k t_k/u) / Σ_j √(A_j u/(r_j t_j)).
  const rateTime = WINDOWS.map((seconds, k) => CELL.bandwidthHertz * efficiency(k) * seconds);
  const price = rateTime.reduce((sum, own, k) => sum + Math.sqrt((VARIANCES[k]! * UPLOAD_BITS) / own), 0);
  const keepRates = rateTime.map((own, k) => Math.sqrt((VARIANCES[k]! * own) / UPLOAD_BITS) / price);
  expect(Math.max(...keepRates)).toBeLessThan(1);
  const { devices } = allocate(problem(Number.POSITIVE_INFINITY), "branch-and-bound");
  devices.forEach((device, k) => {
    if (device.kind === "excluded") throw new Error(`device ${k} is excluded`);
    expect(1 - device.dropoutRate).toBeCloseTo(keepRates[k]!, 6);
    expect(device.linkShare).toBeCloseTo((UPLOAD_BITS * keepRates[k]!) / rateTime[k]!, 6);
  });
});

it("spends energy by the bits alone, however wide the band", () => {
  // u s p/(η · bit/s/Hz): the limit that lets device 1 send a fifth.
  const limit = (0.2 * UPLOAD_BITS * 1e-7) / (0.35 * efficiency(1));
  const { devices } = allocate(problem(limit), "branch-and-bound");
  devices.forEach((device, k) => {
    if (device.kind === "excluded") throw new Error(`device ${k} is excluded`);
    expect(1 - device.dropoutRate).toBeLessThanOrEqual((0.2 * efficiency(k)) / efficiency(1) + 1e-9);
  });
  const [, worst] = devices;
  expect(worst?.kind === "admitted" && 1 - worst.dropoutRate).toBeCloseTo(0.2, 6);
});
