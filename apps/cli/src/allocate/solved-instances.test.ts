import { readFileSync } from "node:fs";
import { type AllocationProblem, allocate, type Method, methods, violations } from "@fedlodrop/allocation";
import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { parseInstances } from "./instance-file.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), "utf8"));
/** Solved by the brute force beside the solvers, and seven that were solved by an independent program. */
const SETS = ["solved-instances.json", "solved-examples.json"] as const;

for (const name of SETS) {
  describe(`branch and bound on ${name}`, () => {
    const { instances } = read(name);
    parseInstances(instances).forEach((system, i) => {
      it(system.id, () => {
        const { optimum } = instances[i];
        const problem = system;
        const found = allocate(problem, "branch-and-bound", { relativeTolerance: 1e-6 });
        expect(violations(problem, found)).toEqual([]);
        expect(Math.abs(found.objective / optimum.J - 1)).toBeLessThan(1e-6);
        expect(found.lowerBound).toBeLessThanOrEqual(optimum.J * (1 + 1e-9));
        expect(found.certified).toBe(true);
        found.devices.forEach((device, k) => {
          expect(device.kind === "excluded").toBe(optimum.excluded.includes(k));
          if (device.kind === "admitted") expect(device.dropoutRate).toBeCloseTo(optimum.gamma[k], 4);
        });
      });
    });
  });
}

describe("baselines of the solved examples", () => {
  const { instances } = read("solved-examples.json");
  const named: Readonly<Record<string, Method>> = {
    fedlora_no_dropout: "no-dropout",
    fixed_dropout_0_5: "half-dropout",
    equal_bw_uniform: "equal",
    equal_bw_opt_gamma: "equal-optimal-dropout",
    max_gain: "max-gain",
    greedy: "greedy",
  };
  parseInstances(instances).forEach((system, i) => {
    it(system.id, () => {
      const expected = instances[i].reference_results.baselines_J;
      for (const [name, method] of Object.entries(named)) {
        if (expected[name] === undefined) continue;
        // The examples print eight digits.
        expect(allocate(system, method).objective / expected[name]).toBeCloseTo(1, 6);
      }
    });
  });
});

it("every method survives quantities far from any radio's", () => {
  const ours = read(SETS[0]);
  const random = createRandom(7);
  const scales = [0, 1e-12, 1e-6, 1e-3, 1e3, 1e6];
  const scale = () => scales[random.below(scales.length)]!;
  let tried = 0;
  for (let i = 0; i < 60; i++) {
    const instance = structuredClone(ours.instances[i % ours.instances.length]);
    const device = instance.devices[random.below(instance.K)];
    const numeric = Object.keys(device).filter((key) => typeof device[key] === "number");
    const constants = ["C", "rho", "lambda", "Lambda_min", "n", "gap_scale", "chi"];
    const whole = ["T_max_s", "N0_W_per_Hz", "snr_gap"];
    instance[whole[random.below(whole.length)]!] *= i % 3 === 0 ? scale() : 1;
    instance.objective[constants[random.below(constants.length)]!] *= i % 3 === 1 ? scale() : 1;
    device[numeric[random.below(numeric.length)]!] *= scale();
    let problem: AllocationProblem;
    try {
      problem = parseInstances(instance)[0]!;
    } catch {
      continue; // Refused by name, which instance-file.test.ts is about.
    }
    tried++;
    for (const method of methods) {
      const allocation = allocate(problem, method);
      expect(violations(problem, allocation, 1e-7), `${method} ${i}`).toEqual([]);
      const { objective, lowerBound, gap } = allocation;
      expect([objective, lowerBound, gap].every(Number.isFinite), `${method} ${i}`).toBe(true);
    }
  }
  expect(tried).toBeGreaterThan(40);
});
