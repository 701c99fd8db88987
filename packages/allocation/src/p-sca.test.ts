import { expect, it } from "vitest";
import { solveGreedy } from "./baselines.ts";
import { solveBranchAndBound } from "./branch-and-bound.ts";
import { solvePsca } from "./p-sca.ts";
import { radioProblem } from "./problem.ts";
import { instanceFamilies, randomSystem } from "./random-instance.ts";
import { randomSpreadProblem } from "./random-spread.ts";

it("comes within 0.3 % of the optimum on 95 % of loads where nobody is excluded, under a valid bound", () => {
  const excess: number[] = [];
  for (let seed = 1; seed <= 40; seed++) {
    const family = instanceFamilies[seed % 3]!;
    const problem = radioProblem(randomSystem({ seed, devices: 8, channels: 24, family, slack: 1.3 }));
    const optimum = solveBranchAndBound(problem, { relativeTolerance: 1e-6 });
    if (optimum.devices.some((device) => device.kind === "excluded")) continue;
    const found = solvePsca(problem);
    expect(found.lowerBound).toBeLessThanOrEqual(optimum.objective * (1 + 1e-9));
    excess.push(found.objective / optimum.objective - 1);
  }
  excess.sort((a, b) => a - b);
  expect(excess.length).toBeGreaterThan(25);
  expect(excess[Math.floor(0.95 * excess.length)]!).toBeLessThan(0.003);
});

/** Where the penalty alone shuts out a device that belongs in, at up to 3.6 times the optimum. */
const EASILY_SHUT_OUT = [165, 799, 812, 833, 897, 1185, 1305, 1459, 1558, 1615, 2860, 3579];

it("is never worse than greedy, and near the optimum where gains and energies are wide apart", () => {
  for (const seed of [...EASILY_SHUT_OUT, ...Array.from({ length: 200 }, (_, i) => i + 1)]) {
    const problem = randomSpreadProblem(seed);
    const found = solvePsca(problem).objective;
    expect(found, `seed ${seed}`).toBeLessThanOrEqual(solveGreedy(problem).objective * (1 + 1e-12));
    const optimum = solveBranchAndBound(problem, { relativeTolerance: 1e-9 }).objective;
    expect(found / optimum, `seed ${seed}`).toBeLessThan(1.05);
  }
});
