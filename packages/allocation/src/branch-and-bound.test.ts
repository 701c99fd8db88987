import { describe, expect, it } from "vitest";
import { solveBranchAndBound } from "./branch-and-bound.ts";
import { enumerateAssignments, subsetDynamicProgramme } from "./exact.ts";
import { separableCosts } from "./objective.ts";
import { type AllocationProblem, type RadioLink, radioProblem } from "./problem.ts";
import { instanceFamilies, randomSystem } from "./random-instance.ts";
import { keepRatesOf, small, withDevices } from "./solver.contract.ts";
import { violations } from "./violations.ts";

const tight = { relativeTolerance: 1e-7 };

describe("branch and bound against exact answers", () => {
  it("equals enumeration on random instances of both modes", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const problem = small({
        seed,
        devices: 1 + (seed % 4),
        channels: seed % 4 === 3 ? 5 : 6,
        mode: seed % 2 === 0 ? "global" : "device",
        varianceExponent: seed % 5 === 0 ? 2 : 1,
        operatingPoints: seed % 7 === 0 ? 3 : 1,
        slack: [0.7, 1, 1.5][seed % 3]!,
      });
      const exact = enumerateAssignments(problem);
      const found = solveBranchAndBound(problem, tight);
      expect(Math.abs(found.objective / exact.objective - 1), problem.id).toBeLessThan(1e-6);
      expect(found.lowerBound, problem.id).toBeLessThanOrEqual(exact.objective * (1 + 1e-9));
      expect(found.certified, problem.id).toBe(true);
      for (const [k, s] of keepRatesOf(found).entries()) expect(s).toBeCloseTo(exact.keepRates[k]!, 4);
    }
  });

  it("equals subset dynamic programming with up to eight devices and ten channels, overloaded ones included", () => {
    for (const seed of [1001, 1014, 1023, 1032]) {
      const problem = small({ seed, devices: 5 + (seed % 4), channels: 10, family: "narrow", slack: 0.7 });
      const exact = subsetDynamicProgramme(problem);
      const found = solveBranchAndBound(problem, tight);
      expect(Math.abs(found.objective / exact.objective - 1)).toBeLessThan(1e-6);
      expect(found.lowerBound).toBeLessThanOrEqual(exact.objective * (1 + 1e-9));
      expect(found.certified).toBe(true);
      expect(found.nodes).toBeLessThan(50);
    }
  });
});

describe("branch and bound with one device", () => {
  it("is water-filling over all channels: every watt, every second, no more bits than they carry", () => {
    let limited = 0;
    for (let seed = 90; seed < 100; seed++) {
      const problem = small({ seed, devices: 1, channels: 4, slack: 0.9 });
      const [device] = solveBranchAndBound(problem, tight).devices;
      if (device?.kind !== "admitted")
        throw new Error(`expected the only device to take part (seed ${seed})`);
      const { gainPerWatt, subChannelHertz, amplifierEfficiency, maxTransmitPowerWatts } =
        problem.link as RadioLink;
      const load = problem.devices[0]!;
      const { seconds, joules } = load.preparations[0]!;
      /** What is left of the link's capacity at keep rate s, by bisection on the water level. */
      const surplus = (s: number): number => {
        const window = problem.deadlineSeconds - seconds.fixed - seconds.perKeepRate * s;
        const energy = load.energyLimitJoules - joules.fixed - joules.perKeepRate * s;
        const watts = Math.min(maxTransmitPowerWatts[0]!, (amplifierEfficiency[0]! * energy) / window);
        let [low, high] = [0, 1e3];
        const poured = (level: number) => gainPerWatt[0]!.map((gain) => Math.max(0, level - 1 / gain));
        for (let i = 0; i < 200; i++) {
          const level = 0.5 * (low + high);
          if (poured(level).reduce((a, b) => a + b) < watts) low = level;
          else high = level;
        }
        const rate = poured(low).reduce(
          (sum, p, m) => sum + subChannelHertz * Math.log2(1 + p * gainPerWatt[0]![m]!),
          0,
        );
        return window * rate - load.uploadBits.fixed - load.uploadBits.perKeepRate * s;
      };
      const s = 1 - device.dropoutRate;
      expect(surplus(s * (1 - 1e-7))).toBeGreaterThan(0);
      const ideal = separableCosts(problem, 0).ideal[0]!;
      if (s > ideal - 1e-9) continue;
      limited++;
      expect(surplus(s * (1 + 1e-7))).toBeLessThan(0);
    }
    expect(limited).toBeGreaterThan(3);
  });
});

describe("branch and bound as a tool", () => {
  const problem = radioProblem(
    randomSystem({ seed: 1, devices: 8, channels: 24, family: "browser", slack: 1.15 }),
  );

  it("never worsens along its trace and ends certified", () => {
    let ticks = 0;
    const { trace, certified, objective, lowerBound } = solveBranchAndBound(problem, { now: () => ticks++ });
    for (let i = 1; i < trace.length; i++) {
      expect(trace[i]!.objective).toBeLessThanOrEqual(trace[i - 1]!.objective);
      expect(trace[i]!.lowerBound).toBeGreaterThanOrEqual(trace[i - 1]!.lowerBound);
      expect(trace[i]!.milliseconds).toBeGreaterThanOrEqual(trace[i - 1]!.milliseconds);
    }
    expect(trace.at(-1)).toMatchObject({ objective, lowerBound });
    expect(certified).toBe(true);
  });

  it("stops when its budget ends, feasible and with an honest gap", () => {
    const best = solveBranchAndBound(problem).objective;
    for (const budget of [0, 3, 10, 30]) {
      let ticks = 0;
      const found = solveBranchAndBound(problem, { now: () => ticks++, timeBudgetMilliseconds: budget });
      expect(violations(problem, found)).toEqual([]);
      expect(Number.isFinite(found.lowerBound)).toBe(true);
      expect(found.lowerBound).toBeLessThanOrEqual(best * (1 + 1e-9));
      expect(found.objective).toBeGreaterThanOrEqual(best * (1 - 1e-4));
    }
  });

  it("starts from an earlier round's owners", () => {
    const { owner, objective } = solveBranchAndBound(problem);
    const again = solveBranchAndBound(problem, { warmStart: owner });
    expect(again.trace[1]!.objective).toBeLessThanOrEqual(objective * (1 + 1e-12));
  });

  it("does not care about the order of devices and channels", () => {
    const { objective } = solveBranchAndBound(problem, tight);
    const link = problem.link as RadioLink;
    const turned: AllocationProblem = {
      ...problem,
      devices: problem.devices.toReversed(),
      link: {
        ...link,
        gainPerWatt: link.gainPerWatt.map((row) => row.toReversed()).toReversed(),
        maxTransmitPowerWatts: link.maxTransmitPowerWatts.toReversed(),
        amplifierEfficiency: link.amplifierEfficiency.toReversed(),
      },
    };
    expect(solveBranchAndBound(turned, tight).objective / objective).toBeCloseTo(1, 6);
  });

  it("gains from every budget and every channel", () => {
    for (let seed = 70; seed < 76; seed++) {
      const base = small({ seed, channels: 6 });
      const value = (problem: AllocationProblem) => solveBranchAndBound(problem, tight).objective;
      const before = value(base) * (1 + 1e-6);
      const link = base.link as RadioLink;
      expect(value({ ...base, deadlineSeconds: 1.2 * base.deadlineSeconds })).toBeLessThanOrEqual(before);
      const fed = withDevices(base, (each) => ({ ...each, energyLimitJoules: 1.1 * each.energyLimitJoules }));
      expect(value(fed)).toBeLessThanOrEqual(before);
      const louder = link.maxTransmitPowerWatts.map((watts) => 1.5 * watts);
      expect(value({ ...base, link: { ...link, maxTransmitPowerWatts: louder } })).toBeLessThanOrEqual(
        before,
      );
      const narrower = { ...link, gainPerWatt: link.gainPerWatt.map((row) => row.slice(1)) };
      expect(value({ ...base, link: narrower })).toBeGreaterThanOrEqual(value(base) * (1 - 1e-6));
      expect(value({ ...base, objective: { ...base.objective, mode: "global" } })).toBeLessThanOrEqual(
        before,
      );
    }
  });

  it("ends uploads as early as power and energy allow, and uses up the time too of a device held back by its energy", () => {
    let bound = 0;
    for (const seed of [1, 2, 3]) {
      const cell = radioProblem(
        randomSystem({ seed, devices: 6, channels: 18, family: instanceFamilies[seed % 3]!, slack: 1.2 }),
      );
      const more = withDevices(cell, (each) => ({
        ...each,
        energyLimitJoules: 1.02 * each.energyLimitJoules,
      }));
      const [found, fed] = [solveBranchAndBound(cell, tight), solveBranchAndBound(more, tight)];
      found.devices.forEach((device, k) => {
        if (device.kind === "excluded") return;
        expect(device.latencySeconds).toBeLessThanOrEqual(cell.deadlineSeconds * (1 + 1e-9));
        const link = cell.link as RadioLink;
        const atFullPower = device.transmitPowerWatts > link.maxTransmitPowerWatts[k]! * (1 - 1e-6);
        if (!atFullPower) expect(device.energyJoules / cell.devices[k]!.energyLimitJoules).toBeCloseTo(1, 6);
        const heldBack = keepRatesOf(fed)[k]! > keepRatesOf(found)[k]! * (1 + 1e-4);
        if (!heldBack || atFullPower || found.owner.toString() !== fed.owner.toString()) return;
        bound++;
        expect(device.latencySeconds / cell.deadlineSeconds).toBeCloseTo(1, 6);
      });
    }
    expect(bound).toBeGreaterThan(0);
  });
});
