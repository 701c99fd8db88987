import { readFileSync } from "node:fs";
import { createRandom } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { parseInstances } from "./instance-file.ts";
import { type AllocationProblem, methods, radioProblem } from "./problem.ts";
import { solvers } from "./solve.ts";
import { edgeCases, solverContract } from "./solver.contract.ts";
import { violations } from "./violations.ts";

const file = JSON.parse(readFileSync(new URL("../fixtures/solved-instances.json", import.meta.url), "utf8"));

for (const method of methods) {
  solverContract(method, solvers[method]);
  it(`${method} labels its answers`, () => {
    expect(solvers[method](edgeCases[0]!.problem).method).toBe(method);
  });
}

it("every method survives quantities far from any radio's", () => {
  const random = createRandom(7);
  const scales = [0, 1e-12, 1e-6, 1e-3, 1e3, 1e6];
  const scale = () => scales[random.below(scales.length)]!;
  let tried = 0;
  for (let i = 0; i < 60; i++) {
    const instance = structuredClone(file.instances[i % file.instances.length]);
    const device = instance.devices[random.below(instance.K)];
    const numeric = Object.keys(device).filter((key) => typeof device[key] === "number");
    const constants = ["C", "rho", "lambda", "Lambda_min", "n", "gap_scale", "chi"];
    const whole = ["T_max_s", "N0_W_per_Hz", "snr_gap"];
    instance[whole[random.below(whole.length)]!] *= i % 3 === 0 ? scale() : 1;
    instance.objective[constants[random.below(constants.length)]!] *= i % 3 === 1 ? scale() : 1;
    device[numeric[random.below(numeric.length)]!] *= scale();
    let problem: AllocationProblem;
    try {
      problem = radioProblem(parseInstances(instance)[0]!);
    } catch {
      continue; // Refused by name, which instance-file.test.ts is about.
    }
    tried++;
    for (const method of methods) {
      const allocation = solvers[method](problem);
      expect(violations(problem, allocation, 1e-7), `${method} ${i}`).toEqual([]);
      const { objective, lowerBound, gap } = allocation;
      expect([objective, lowerBound, gap].every(Number.isFinite), `${method} ${i}`).toBe(true);
    }
  }
  expect(tried).toBeGreaterThan(40);
});
