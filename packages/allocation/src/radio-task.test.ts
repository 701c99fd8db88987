import { describe, expect, it } from "vitest";
import { infeasibility, linkModel } from "./link-model.ts";
import type { AllocationProblem, RadioLink } from "./problem.ts";
import { fillCurve, radioInstance } from "./radio-instance.ts";
import { largestKeepRate, radioTasks, wattsAllowed } from "./radio-task.ts";
import { edgeCases, small, withDevices, withGains } from "./solver.contract.ts";
import { rateNeeded, reach } from "./upload-task.ts";

const problems = Array.from({ length: 12 }, (_, i) =>
  small({ seed: 20 + i, channels: 6, operatingPoints: 1 + (i % 2), slack: 0.7 + 0.2 * i }),
);

function limits(problem: AllocationProblem, owner: readonly number[]): number[] {
  const model = linkModel(problem);
  return problem.devices.map((_, k) => model.keepRateLimit(k, Int32Array.from(owner)));
}

describe("largest keep rate", () => {
  it("is where bisection on the definition puts it", () => {
    for (const problem of problems) {
      const instance = radioInstance(problem, problem.link as RadioLink);
      const { curve, low, high } = instance;
      for (let k = 0; k < instance.devices; k++) {
        fillCurve(curve, instance.ranked[k]!, (m) => m % 2 === k % 2);
        for (const task of radioTasks(problem, problem.link as RadioLink, k)) {
          const found = largestKeepRate(curve, task, low, high);
          const carries = (s: number) =>
            reach(task, high) >= s && task.hertz * curve.pour(wattsAllowed(task, s)) >= rateNeeded(task, s);
          let [a, b] = [low, high];
          if (!carries(low)) {
            expect(found).toBe(0);
            continue;
          }
          while (b - a > 1e-12) [a, b] = carries(0.5 * (a + b)) ? [0.5 * (a + b), b] : [a, 0.5 * (a + b)];
          expect(Math.abs(found - a)).toBeLessThan(1e-10);
          expect(carries(found * (1 - 1e-12))).toBe(true);
        }
      }
    }
  });

  it("grows with channels, power, energy and deadline", () => {
    for (const problem of problems) {
      const owner = [0, 1, 2, 0, 1, 2];
      const base = limits(problem, owner);
      const more = (changed: AllocationProblem): void => {
        for (const [k, limit] of limits(changed, owner).entries()) {
          expect(limit).toBeGreaterThanOrEqual(base[k]! * (1 - 1e-11));
        }
      };
      const link = problem.link as RadioLink;
      more({
        ...problem,
        link: { ...link, maxTransmitPowerWatts: link.maxTransmitPowerWatts.map((w) => 1.3 * w) },
      });
      more(
        withDevices(problem, (device) => ({ ...device, energyLimitJoules: 1.1 * device.energyLimitJoules })),
      );
      more({ ...problem, deadlineSeconds: 1.1 * problem.deadlineSeconds });
      more(withGains(problem, (gain) => 1.5 * gain));
      for (let k = 0; k < 3; k++) {
        const limit = linkModel(problem).keepRateLimit(k, new Int32Array(6).fill(k));
        expect(limit).toBeGreaterThanOrEqual(base[k]! * (1 - 1e-11));
      }
    }
  });

  it("does not depend on which of equal channels are held", () => {
    const flat = withGains(problems[3]!, (_, k) => 1e3 * (k + 1));
    const counts = (owner: readonly number[]) => limits(flat, owner);
    expect(counts([0, 0, 1, 2, 2, 2])).toEqual(counts([2, 0, 2, 1, 0, 2]));
  });
});

describe("infeasibility", () => {
  const causes = ["compute", "energy", "link"] as const;
  const cases = edgeCases.filter(({ name }) => name.startsWith("nobody"));

  it("names the cause and the least limits that admit, on the admitting side", () => {
    expect(cases.map(({ problem }) => infeasibility(problem, 0)!.cause)).toEqual(causes);
    // No energy makes up for time that is not there, nor time for energy.
    expect(infeasibility(cases[0]!.problem, 0)).toMatchObject({ leastEnergyJoules: null });
    expect(infeasibility(cases[1]!.problem, 0)).toMatchObject({ leastDeadlineSeconds: null });
    for (const { problem } of cases) {
      for (let k = 0; k < problem.devices.length; k++) {
        const found = infeasibility(problem, k)!;
        if (found.leastDeadlineSeconds !== null) {
          expect(infeasibility({ ...problem, deadlineSeconds: found.leastDeadlineSeconds }, k)).toBeNull();
          expect(
            infeasibility({ ...problem, deadlineSeconds: 0.999 * found.leastDeadlineSeconds }, k),
          ).not.toBeNull();
        }
        if (found.leastEnergyJoules !== null) {
          const withEnergy = (factor: number) =>
            withDevices(problem, (device) => ({
              ...device,
              energyLimitJoules: factor * found.leastEnergyJoules!,
            }));
          expect(infeasibility(withEnergy(1), k)).toBeNull();
          expect(infeasibility(withEnergy(0.999), k)).not.toBeNull();
        }
      }
    }
  });

  it("is null for a device that can take part", () => {
    expect(infeasibility(small({ seed: 18, slack: 30 }), 0)).toBeNull();
  });
});
