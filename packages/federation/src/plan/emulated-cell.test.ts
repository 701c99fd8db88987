import type { RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { request, three } from "./plan.fixture.ts";
import { planRound } from "./plan.ts";
import { evenPowerRate, fadedGains, meanGain } from "./radio-cell.ts";

const CELL = { seed: "s", subChannels: 32 };

describe("an emulated cell", () => {
  const emulated = { links: "emulated", method: "branch-and-bound", deadlineSeconds: 20 } as const;

  it("paces both ways and says that it is emulated, for every method", () => {
    for (const method of [
      "fedlora",
      "fixed",
      "random",
      "greedy",
      "equal",
      "p-sca",
      "branch-and-bound",
    ] as const) {
      const { assignments, allocation } = planRound(request({ ...emulated, method }, three));
      expect(assignments.length).toBeGreaterThan(0);
      for (const assignment of assignments) {
        const { rateSource, uploadBytesPerSecond, downloadBytesPerSecond, uploadWatts } = assignment;
        expect(uploadWatts).toBeGreaterThan(0);
        expect(rateSource).toBe("emulated");
        expect(uploadBytesPerSecond).toBeGreaterThan(0);
        expect(downloadBytesPerSecond).toBeGreaterThan(0);
      }
      expect(allocation!.links).toBe("emulated");
      expect(allocation!.devices.reduce((sum, { share }) => sum + share!, 0)).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  it("ends uploads as early as the energy allows", () => {
    const planned = (energyLimitJoules: number | null) =>
      planRound(request({ ...emulated, energyLimitJoules }, three)).allocation!.devices;
    const seconds = (limit: number | null) => planned(limit).map(({ predictedSeconds }) => predictedSeconds);
    const free = seconds(null);
    expect(Math.max(...free)).toBeLessThan(10);
    expect(seconds(1000)).toEqual(free);
    // Training and download take about 18 J, full power some hundredths more: too little for it stretches the upload.
    const spent = planned(null).map(({ predictedJoules }) => predictedJoules);
    const least = Math.min(...spent);
    const limited = planned(least * (1 - 1e-4));
    expect(limited.some(({ predictedSeconds }, k) => predictedSeconds > free[k]! * 1.01)).toBe(true);
    for (const { predictedJoules } of limited) expect(predictedJoules).toBeLessThanOrEqual(least);
  });

  it("foresees what a device that keeps its pace reports, with its own watts and the cell's", () => {
    for (const method of ["fixed", "p-sca"] as const)
      for (const energyLimitJoules of [null, 1000]) {
        const { assignments, allocation } = planRound(
          request({ ...emulated, method, energyLimitJoules }, three),
        );
        for (const [k, assignment] of assignments.entries()) {
          const kept = 1 - assignment.dropoutRate;
          const bytes = 4 * 8 * (1000 * kept + 3000 * kept) + 16;
          // The warm-up's 0.1 s a step, half as much again, for eight steps at 15 W.
          const compute = 15 * 1.5 * 0.1 * 8;
          const download = bytes / assignment.downloadBytesPerSecond!;
          const upload = (assignment.uploadWatts! * bytes) / assignment.uploadBytesPerSecond!;
          const { predictedJoules } = allocation!.devices[k]!;
          // Whole columns and rows are kept.
          expect(predictedJoules / (compute + download + upload)).toBeCloseTo(1, 3);
          if (energyLimitJoules !== null) expect(predictedJoules).toBeLessThanOrEqual(energyLimitJoules);
        }
      }
  });

  it("keeps a single device to a limit of its own, or frees it of everybody's", () => {
    const planned = (change: Partial<RunConfig>) =>
      planRound(request({ ...emulated, ...change }, three)).allocation!.devices;
    const free = planned({}).map(({ predictedJoules }) => predictedJoules);
    const limit = free[1]! * (1 - 1e-4);
    const limited = planned({ deviceEnergyLimitsJoules: { p2: limit } });
    expect(limited[1]!.predictedJoules).toBeLessThanOrEqual(limit);
    expect([limited[0]!.excludedBecause, limited[2]!.excludedBecause]).toEqual([null, null]);
    const freed = planned({ energyLimitJoules: limit, deviceEnergyLimitsJoules: { p2: null } });
    expect(freed[1]!.predictedJoules).toBeGreaterThan(limit);
    for (const k of [0, 2]) expect(freed[k]!.predictedJoules).toBeLessThanOrEqual(limit);
    // Training alone takes 15 W · 1.2 s.
    expect(
      planRound(request({ ...emulated, deviceEnergyLimitsJoules: { p3: 1 } }, three)).allocation!.devices.map(
        ({ excludedBecause }) => excludedBecause,
      ),
    ).toEqual([null, null, expect.stringMatching(/training takes more energy than allowed; .* J would do/)]);
  });

  it("repeats from the seed, and fades from round to round", () => {
    expect(fadedGains(CELL, 1, "p1")).toEqual(fadedGains(CELL, 1, "p1"));
    expect(fadedGains(CELL, 2, "p1")).not.toEqual(fadedGains(CELL, 1, "p1"));
    expect(meanGain("s", "p1")).not.toBe(meanGain("s", "p2"));
    // Mean fading power is 1; standard error over 32 correlated channels of 500 rounds is below 0.02.
    const rounds = Array.from({ length: 500 }, (_, round) => fadedGains(CELL, round, "p1"));
    const mean = rounds.flat().reduce((sum, gain) => sum + gain, 0) / (500 * CELL.subChannels);
    expect(mean / meanGain("s", "p1")).toBeGreaterThan(0.92);
    expect(mean / meanGain("s", "p1")).toBeLessThan(1.08);
  });

  it("is as wide as its sub-channels are many", () => {
    const secondsOf = (subChannels: number): readonly number[] =>
      planRound(request({ ...emulated, method: "greedy", subChannels }, three)).allocation!.devices.map(
        ({ predictedSeconds }) => predictedSeconds,
      );
    const [narrow, wide] = [secondsOf(16), secondsOf(64)];
    narrow.forEach((seconds, k) => {
      expect(wide[k]!).toBeLessThan(seconds);
    });
    expect(fadedGains({ seed: "s", subChannels: 64 }, 1, "p1")).toHaveLength(64);
  });

  it("has the capacity formula's rate (worked by hand)", () => {
    // One sub-channel with a = 1000/W at 0.1 W: 15 kHz · log₂(1 + 100) = 99.87 kbit/s.
    const gain = 1000 * 1.5 * 2e-20 * 15e3;
    expect(evenPowerRate([gain])).toBeCloseTo(15e3 * Math.log2(101), 6);
  });
});
