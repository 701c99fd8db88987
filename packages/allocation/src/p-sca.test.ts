import { expect, it } from "vitest";
import { solveGreedy } from "./baselines.ts";
import { solveBranchAndBound } from "./branch-and-bound.ts";
import { linkModel } from "./link-model.ts";
import { bestKeepRates, keptShare, objectiveAt, separableCosts } from "./objective.ts";
import { solvePsca } from "./p-sca.ts";
import { type AllocationProblem, radioProblem } from "./problem.ts";
import { radioInstance } from "./radio-instance.ts";
import { instanceFamilies, randomSystem } from "./random-instance.ts";
import { randomSpreadProblem } from "./random-spread.ts";
import { Relaxation, relax, roundShares } from "./relaxation.ts";

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

/** What its relaxation is, rounded before any penalty: where the method starts. */
function roundedStart(problem: AllocationProblem): number {
  if (problem.link.kind !== "radio") throw new Error("expected a radio problem");
  const instance = radioInstance(problem, problem.link);
  const model = linkModel(problem);
  const hopeless = problem.devices.map((_, k) => model.wholeLinkLimit(k) === 0);
  const tangentAt = keptShare(
    problem,
    problem.devices.map(() => 0.5),
  );
  const relaxation = new Relaxation(instance, separableCosts(problem, tangentAt), hopeless);
  const { shares } = relax(relaxation, 60);
  const owner = roundShares(shares, instance.devices, instance.channels);
  const limits = problem.devices.map((_, k) => model.keepRateLimit(k, owner));
  return objectiveAt(problem, bestKeepRates(problem, limits));
}

it("is never worse than its own start, in every family and both modes", () => {
  let improved = 0;
  for (let seed = 1; seed <= 90; seed++) {
    const system = randomSystem({
      seed,
      devices: 4,
      channels: 12,
      family: instanceFamilies[seed % instanceFamilies.length]!,
      slack: 1 + (seed % 5) / 10,
    });
    const mode = seed % 2 === 0 ? ("device" as const) : ("global" as const);
    const problem = radioProblem({ ...system, objective: { ...system.objective, mode } });
    const [start, found] = [roundedStart(problem), solvePsca(problem).objective];
    expect(found, `seed ${seed}`).toBeLessThanOrEqual(start * (1 + 1e-12));
    if (found < start * (1 - 1e-9)) improved++;
  }
  expect(improved).toBeGreaterThan(20);
});
