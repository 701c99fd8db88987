import { describe, expect, it } from "vitest";
import {
  solveEqual,
  solveEqualOptimalDropout,
  solveGreedy,
  solveHalfDropout,
  solveMaxGain,
  solveNoDropout,
  solveRandomOwners,
} from "./baselines.ts";
import { linkModel } from "./link-model.ts";
import { objectiveAt } from "./objective.ts";
import type { RadioLink } from "./problem.ts";
import { randomMeasuredProblem } from "./random-measured.ts";
import { keepRatesOf, small } from "./solver.contract.ts";

const problem = small({ seed: 2, channels: 6, slack: 1.4 });

describe("baselines", () => {
  it("deal channels in turn", () => {
    for (const solve of [solveNoDropout, solveHalfDropout, solveEqual, solveEqualOptimalDropout]) {
      for (const [m, owner] of solve(problem).owner.entries()) expect([null, m % 3]).toContain(owner);
    }
  });

  it("keep everything, half, or the best common part", () => {
    for (const s of keepRatesOf(solveNoDropout(problem))) expect([0, 1]).toContain(s);
    for (const s of keepRatesOf(solveHalfDropout(problem))) expect([0, 0.5]).toContain(s);
    const inTurn = Int32Array.from({ length: 6 }, (_, m) => m % 3);
    const limits = problem.devices.map((_, k) => linkModel(problem).keepRateLimit(k, inTurn));
    const best = solveEqual(problem).objective;
    for (let s = 0.1; s <= 1; s += 0.001) {
      const common = objectiveAt(
        problem,
        limits.map((limit) => (limit >= s ? s : 0)),
      );
      expect(best).toBeLessThanOrEqual(common + 1e-12);
    }
    expect(solveEqualOptimalDropout(problem).objective).toBeLessThanOrEqual(best);
  });

  it("give each channel to the device that receives it best", () => {
    const { gainPerWatt } = problem.link as RadioLink;
    for (const [m, owner] of solveMaxGain(problem).owner.entries()) {
      const best = Math.max(...gainPerWatt.map((row) => row[m]!));
      if (owner !== null) expect(gainPerWatt[owner]![m]).toBe(best);
    }
  });

  it("draw at random from the seed alone", () => {
    expect(solveRandomOwners(problem, { seed: 3 })).toEqual(solveRandomOwners(problem, { seed: 3 }));
    const draws = new Set([1, 2, 3, 4, 5].map((seed) => solveRandomOwners(problem, { seed }).owner.join()));
    expect(draws.size).toBeGreaterThan(1);
  });

  it("deal out a measured link's slots too", () => {
    const link = randomMeasuredProblem({ seed: 3, devices: 3, slots: 9, load: 0.5 });
    expect(solveEqual(link).owner).toHaveLength(9);
    const roomy = randomMeasuredProblem({ seed: 3, devices: 3, slots: 9, load: 3 });
    expect(solveGreedy(roomy).objective).toBeLessThanOrEqual(
      solveEqualOptimalDropout(roomy).objective + 1e-12,
    );
  });
});
