import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { solveBranchAndBound } from "./branch-and-bound.ts";
import { enumerateAssignments } from "./exact.ts";
import { objectiveAt } from "./objective.ts";
import type { AllocationProblem, MeasuredLink } from "./problem.ts";
import { randomMeasuredProblem } from "./random-measured.ts";
import { keepRatesOf } from "./solver.contract.ts";
import { violations } from "./violations.ts";

describe("slots", () => {
  it("are dealt as enumeration would, in both modes and with exclusions", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const mode = seed % 3 === 0 ? "global" : "device";
      const problem = randomMeasuredProblem({ seed, devices: 3, slots: 7, mode, load: seed > 6 ? 0.2 : 1 });
      const exact = enumerateAssignments(problem);
      const found = solveBranchAndBound(problem, { relativeTolerance: 1e-6 });
      expect(Math.abs(found.objective / exact.objective - 1)).toBeLessThan(1e-6);
      expect(found.lowerBound).toBeLessThanOrEqual(exact.objective * (1 + 1e-9));
      expect(found.certified).toBe(true);
    }
  });
});

describe("continuous shares", () => {
  it("are certified and beat every random feasible division", () => {
    const random = createRandom(4);
    for (let seed = 1; seed <= 10; seed++) {
      const problem = randomMeasuredProblem({ seed, devices: 5, slots: null, load: 0.6 });
      const found = solveBranchAndBound(problem);
      expect(found.lowerBound).toBeLessThanOrEqual(found.objective);
      if (found.devices.every((device) => device.kind === "admitted")) expect(found.gap).toBeLessThan(1e-9);
      for (let trial = 0; trial < 200; trial++) {
        const raw = problem.devices.map(() => random.uniform());
        const total = raw.reduce((sum, each) => sum + each, 0);
        const finer = solveOnShares(
          problem,
          raw.map((each) => each / total),
        );
        expect(finer).toBeGreaterThanOrEqual(found.objective - 1e-9);
      }
    }
  });

  it("are what ever finer slots converge to", () => {
    const gap = (slots: number) => {
      const fine = randomMeasuredProblem({ seed: 3, devices: 4, slots, load: 0.5 });
      const free = randomMeasuredProblem({ seed: 3, devices: 4, slots: null, load: 0.5 });
      return solveBranchAndBound(fine).objective / solveBranchAndBound(free).objective - 1;
    };
    expect(gap(16)).toBeGreaterThanOrEqual(0);
    expect(gap(256)).toBeGreaterThanOrEqual(-1e-9);
    expect(gap(256)).toBeLessThan(2e-4);
  });

  it("leave no capacity idle: uploads end early when nothing else needs it", () => {
    const problem = randomMeasuredProblem({ seed: 1, devices: 4, slots: null, load: 50 });
    const found = solveBranchAndBound(problem);
    expect(violations(problem, found)).toEqual([]);
    for (const [k, device] of found.devices.entries()) {
      if (device.kind === "excluded") continue;
      expect(device.uploadBitsPerSecond).toBeCloseTo((problem.link as MeasuredLink).bitsPerSecond[k]!, 3);
      expect(device.latencySeconds).toBeLessThan(problem.deadlineSeconds);
    }
  });

  it("drop more on a device that slows down", () => {
    const problem = randomMeasuredProblem({ seed: 2, devices: 3, slots: null });
    const link = problem.link as MeasuredLink;
    const slow = link.bitsPerSecond.map((rate, k) => (k === 0 ? 3e5 : rate));
    const [before, after] = [problem, { ...problem, link: { ...link, bitsPerSecond: slow } }].map(
      (each) => keepRatesOf(solveBranchAndBound(each))[0]!,
    );
    expect(after!).toBeLessThan(before! - 0.05);
  });
});

/** J when the shares are given: each device keeps the most its share carries, or what it likes best. */
function solveOnShares(problem: AllocationProblem, shares: readonly number[]): number {
  const link = problem.link as MeasuredLink;
  const rates = problem.devices.map((load, k) => {
    const own = link.bitsPerSecond[k]!;
    const capacity = link.shared.kind === "ingress" ? link.shared.bitsPerSecond : own;
    const rate = Math.min(own, shares[k]! * capacity);
    let best = 0;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let s = 0.1; s <= 1.0001; s += 0.005) {
      const { seconds, joules } = load.preparations[0]!;
      const bits = load.uploadBits.fixed + load.uploadBits.perKeepRate * s;
      const late = seconds.fixed + seconds.perKeepRate * s + bits / rate > problem.deadlineSeconds;
      const hungry =
        joules.fixed + joules.perKeepRate * s + (link.radioWatts[k]! * bits) / own > load.energyLimitJoules;
      if (late || hungry) break;
      const alone = problem.devices.map((_, j) => (j === k ? Math.min(s, 1) : 0.5));
      const cost = objectiveAt(problem, alone);
      if (cost < bestCost) [best, bestCost] = [Math.min(s, 1), cost];
    }
    return best;
  });
  return objectiveAt(problem, rates);
}
