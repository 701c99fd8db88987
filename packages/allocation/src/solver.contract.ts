/** What every solver owes: run by each one's test over the same problems. */
import { describe, expect, it } from "vitest";
import { enumerateAssignments } from "./exact.ts";
import { objectiveAt } from "./objective.ts";
import {
  type Allocation,
  type AllocationProblem,
  type RadioLink,
  radioProblem,
  type Solver,
} from "./problem.ts";
import { instanceFamilies, type RandomInstance, randomSystem } from "./random-instance.ts";
import { randomMeasuredProblem } from "./random-measured.ts";
import { violations } from "./violations.ts";

export function small(options: Partial<RandomInstance> & { seed: number }): AllocationProblem {
  const family = instanceFamilies[options.seed % instanceFamilies.length]!;
  return radioProblem(randomSystem({ devices: 3, channels: 5, family, ...options }));
}

const radio = (problem: AllocationProblem): RadioLink => problem.link as RadioLink;

/** Edge cases named in the specification, each with what must hold besides feasibility. */
export const edgeCases: readonly { name: string; problem: AllocationProblem; excluded?: number[] }[] = [
  { name: "fewer channels than devices", problem: small({ seed: 4, devices: 4, channels: 2, slack: 1.5 }) },
  { name: "one device", problem: small({ seed: 5, devices: 1, channels: 4 }) },
  { name: "one channel", problem: small({ seed: 6, devices: 2, channels: 1 }) },
  {
    name: "nobody can take part: no time to compute",
    problem: { ...small({ seed: 7 }), deadlineSeconds: 0.01 },
    excluded: [0, 1, 2],
  },
  {
    name: "nobody can take part: no energy",
    problem: withDevices(small({ seed: 8 }), (device) => ({ ...device, energyLimitJoules: 0 })),
    excluded: [0, 1, 2],
  },
  {
    name: "nobody can take part: no link",
    problem: withGains(small({ seed: 9 }), (gain) => gain * 1e-9),
    excluded: [0, 1, 2],
  },
  {
    name: "mains power",
    problem: withDevices(small({ seed: 10 }), (device) => ({
      ...device,
      energyLimitJoules: Number.POSITIVE_INFINITY,
    })),
  },
  {
    name: "preparation independent of the keep rate",
    problem: withDevices(small({ seed: 11 }), (device) => ({
      ...device,
      preparations: device.preparations.map(({ seconds, joules }) => ({
        seconds: { fixed: seconds.fixed, perKeepRate: 0 },
        joules: { fixed: joules.fixed, perKeepRate: 0 },
      })),
    })),
  },
  {
    name: "no header",
    problem: withDevices(small({ seed: 12 }), (device) => ({
      ...device,
      uploadBits: { ...device.uploadBits, fixed: 0 },
    })),
  },
  { name: "three operating points", problem: small({ seed: 13, operatingPoints: 3 }) },
  { name: "product-mask variance", problem: small({ seed: 14, varianceExponent: 2 }) },
  { name: "one bound for all", problem: small({ seed: 15, mode: "global" }) },
  {
    name: "one device dominated on every channel",
    problem: withGains(small({ seed: 16 }), (gain, k) => (k === 0 ? gain * 1e-4 : gain)),
  },
  { name: "flat channels", problem: withGains(small({ seed: 17 }), (_, k) => [4e3, 9e2, 2e4][k] as number) },
  { name: "ample resources", problem: small({ seed: 18, slack: 30 }) },
];

export function withDevices(
  problem: AllocationProblem,
  change: (device: AllocationProblem["devices"][number], k: number) => AllocationProblem["devices"][number],
): AllocationProblem {
  return { ...problem, devices: problem.devices.map(change) };
}

export function withGains(
  problem: AllocationProblem,
  change: (gain: number, k: number, m: number) => number,
): AllocationProblem {
  const gainPerWatt = radio(problem).gainPerWatt.map((row, k) => row.map((gain, m) => change(gain, k, m)));
  return { ...problem, link: { ...radio(problem), gainPerWatt } };
}

/** Keep rates of an allocation, 0 for excluded devices. */
export function keepRatesOf(allocation: Allocation): number[] {
  return allocation.devices.map((device) => (device.kind === "admitted" ? 1 - device.dropoutRate : 0));
}

export function solverContract(name: string, solve: Solver): void {
  describe(`${name}: solver contract`, () => {
    const measured = [null, 12].flatMap((slots) =>
      (["device", "global"] as const).map((mode) => ({
        name: `measured link, ${slots ?? "continuous"} ${slots === null ? "shares" : "slots"}, ${mode}`,
        problem: randomMeasuredProblem({ seed: 3, devices: 4, slots, mode, load: 0.3 }),
        excluded: undefined,
      })),
    );
    for (const { name: edge, problem, excluded } of [...edgeCases, ...measured]) {
      it(`${edge}: feasible, honest and repeatable`, () => {
        const allocation = solve(problem, { seed: 2 });
        expect(violations(problem, allocation)).toEqual([]);
        expect(allocation.objective).toBeCloseTo(objectiveAt(problem, keepRatesOf(allocation)), 12);
        expect(allocation.lowerBound).toBeLessThanOrEqual(allocation.objective);
        expect(allocation.gap).toBeGreaterThanOrEqual(0);
        expect(allocation.trace.at(-1)?.objective).toBe(allocation.objective);
        if (excluded !== undefined) {
          expect(allocation.devices.flatMap((device, k) => (device.kind === "excluded" ? [k] : []))).toEqual(
            excluded,
          );
        }
        expect(JSON.stringify(allocation)).not.toMatch(/null,"energyJoules"|NaN/);
        expect(solve(problem, { seed: 2 })).toEqual(allocation);
      });
    }

    it("never beats the enumerated optimum and never claims a bound above it", () => {
      for (const { problem } of edgeCases) {
        const exact = enumerateAssignments(problem);
        const allocation = solve(problem);
        expect(allocation.objective).toBeGreaterThanOrEqual(exact.objective * (1 - 1e-9));
        expect(allocation.lowerBound).toBeLessThanOrEqual(exact.objective * (1 + 1e-9));
      }
    });
  });
}
