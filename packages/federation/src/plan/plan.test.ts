import type { DeviceFacts } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import type { ReadyParticipant } from "../round/run-state.ts";
import { fitCompute, linkRate, measureDevice } from "./device-measurements.ts";
import { directDropoutRate, isDirect, planDirectly, planRound } from "./plan.ts";
import { evenPowerRate, fadedGains, meanGain, RADIO_CELL } from "./radio-cell.ts";

const adapter = {
  rank: 8,
  alpha: 16,
  modules: [{ name: "m", inFeatures: 1000, outFeatures: 3000 }],
  dense: [],
};
const device: DeviceFacts = {
  backend: "wasm",
  deviceDescription: "test",
  sampleCount: 100,
  firstStepSeconds: 0.2,
  stepSeconds: 0.1,
  roundTripSeconds: 0.01,
  energyProfile: { kind: "cpu", computeWatts: 15, radioWatts: 1, batteryWattHours: null, source: "modelled" },
};
const participant = (id: string, change: Partial<DeviceFacts> = {}): ReadyParticipant => ({
  id,
  nickname: id,
  known: true,
  presence: "ready",
  device: { ...device, ...change },
});
const request = (
  change: Partial<RunConfig>,
  participants: ReadyParticipant[],
  records: RoundRecord[] = [],
) => ({
  config: { ...DEFAULT_RUN_CONFIG, ...change },
  adapter,
  round: records.length + 1,
  participants,
  records,
});
const three = [participant("p1"), participant("p2"), participant("p3")];

const own = (id: string, change: Partial<ParticipantRound> = {}): ParticipantRound => ({
  id,
  nickname: id,
  backend: "wasm",
  dropoutRate: 0.3,
  keptValues: 1,
  fullValues: 1,
  bytesDown: 100_000,
  bytesUp: 100_000,
  secondsDownload: 0.11,
  secondsCompute: 0.8,
  steps: 8,
  secondsUpload: 0.11,
  uploadBytesPerSecond: null,
  downlinkBytesPerSecond: 1e6,
  uplinkBytesPerSecond: 1e6,
  uploadLimitedBy: "link",
  rateSource: "measured",
  sampleCount: 100,
  trainLoss: 4,
  energyJoules: 12,
  energySource: "modelled",
  tokens: 100,
  roundTripSeconds: 0.01,
  gradientNorm95: 1,
  lossSpread: 1,
  outcome: "aggregated",
  update: null,
  ...change,
});
const record = (round: number, participants: ParticipantRound[]): RoundRecord => ({
  round,
  basedOnRound: 0,
  method: "p-sca",
  deadlineSeconds: 5,
  trainLoss: 4,
  testLoss: 4,
  evaluation: {
    testLoss: 4,
    trainLoss: 3.9,
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
    contrast: null,
  },
  seconds: 1,
  participants,
  allocation: null,
});

describe("methods that need nothing measured", () => {
  const config = { ...DEFAULT_RUN_CONFIG, dropoutRate: 0.4, maxDropoutRate: 0.8, seed: "plan" };
  it("give everyone zero, or the one rate, unpaced", () => {
    for (const [method, dropoutRate] of [
      ["fedlora", 0],
      ["fixed", 0.4],
    ] as const) {
      const plan = planDirectly(method, request({ dropoutRate: 0.4 }, three));
      expect(plan.assignments.map((a) => [a.dropoutRate, a.uploadBytesPerSecond])).toEqual(
        Array(3).fill([dropoutRate, null]),
      );
    }
  });

  it("tell the bound at their rates, and what they are expected to cost", () => {
    const records = [record(1, [own("p1"), own("p2"), own("p3", { secondsCompute: 2 })])];
    const { allocation } = planDirectly(
      "fixed",
      request({ dropoutRate: 0.4, bound: "theorem" }, three, records),
    );
    // A = 0.05 · 3.9 and ν = 1 by default; q = 1 − 0.6² for everybody.
    expect(allocation!.empiricalTerm).toBeCloseTo(0.05 * 3.9 * (1 / 0.6 - 1), 12);
    const {
      lossRange: C,
      gradientNorm,
      minCurvature,
      ridge,
      exampleCount,
      confidence,
    } = allocation!.constants;
    const stability = (24 * C * gradientNorm ** 2) / (minCurvature + 2 * ridge * (1 - 0.6 ** 2));
    expect(allocation!.generalisationTerm).toBeCloseTo(
      Math.sqrt((C ** 2 + stability) / (2 * exampleCount * confidence)),
      12,
    );
    expect(allocation).toMatchObject({ certified: false, lowerBound: null, gap: null, milliseconds: null });
    // 2 s of training and 19 kB at 1 MB/s each way, at 15 W and 1 W; six round trips of 10 ms.
    const { predictedSeconds, predictedJoules, share } = allocation!.devices[2]!;
    const transfer = (4 * 8 * (600 + 1800) + 16) / 1e6;
    expect(predictedSeconds).toBeCloseTo(2 + 0.06 + 2 * transfer, 3);
    expect(predictedJoules).toBeCloseTo(15 * 2 + 2 * transfer, 3);
    expect(share).toBeNull();
  });

  it("draw random rates uniformly up to the highest, the same each time", () => {
    const rates = Array.from({ length: 4000 }, (_, i) =>
      directDropoutRate("random", config, 1 + (i % 50), `p${i}`),
    );
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...rates)).toBeLessThan(0.8);
    // Standard error of the mean: 0.8/√12/√4000 = 0.0037; four of them.
    expect(Math.abs(rates.reduce((a, b) => a + b) / rates.length - 0.4)).toBeLessThan(0.015);
    expect(directDropoutRate("random", config, 7, "p1")).toBe(directDropoutRate("random", config, 7, "p1"));
    expect(directDropoutRate("random", config, 7, "p1")).not.toBe(
      directDropoutRate("random", config, 8, "p1"),
    );
  });

  it("are three", () => {
    expect((["fedlora", "fixed", "random"] as const).every(isDirect)).toBe(true);
    expect((["greedy", "equal", "p-sca", "branch-and-bound"] as const).some(isDirect)).toBe(false);
  });
});

describe("what a device's rounds tell", () => {
  it("fits seconds to t0 + t1·s, neither negative", () => {
    const at = (keepRate: number, seconds: number, weight = 1) => ({ keepRate, seconds, weight });
    const exact = fitCompute([at(0.2, 2.2), at(0.5, 2.5), at(1, 3)], 9);
    expect(exact.fixed).toBeCloseTo(2, 12);
    expect(exact.perKeepRate).toBeCloseTo(1, 12);
    expect(fitCompute([at(0.2, 3), at(0.8, 2)], 9)).toEqual({ fixed: 2.5, perKeepRate: 0 });
    expect(fitCompute([at(0.5, 1), at(1, 4)], 9)).toEqual({ fixed: 0.625, perKeepRate: 2.5 });
    expect(fitCompute([at(0.4, 2), at(0.41, 8)], 9)).toEqual({ fixed: 5, perKeepRate: 0 });
    expect(fitCompute([], 9)).toEqual({ fixed: 9, perKeepRate: 0 });
    expect(fitCompute([at(0.5, 2, 1), at(0.5, 8, 3)], 9)).toEqual({ fixed: 6.5, perKeepRate: 0 });
  });

  it("takes the harmonic mean of readings, and of other transfers only what they show", () => {
    const at = (bytes: number, seconds: number, reading: number | null) => ({
      ...{ bytes, seconds, reading },
      roundSeconds: 100,
    });
    expect(linkRate([at(100, 1.5, 100), at(200, 1.5, 200)])).toBeCloseTo(2 / (1 / 100 + 1 / 200), 9);
    expect(linkRate([])).toBe(1e6);
    // Slower than the link, for whatever reason: the readings stand.
    expect(linkRate([at(900, 1, 900), at(100, 1, null), at(3, 1, null)])).toBeCloseTo(900, 9);
    // Faster than ever read; but a later reading is the later truth.
    expect(linkRate([at(900, 1, 900), at(5000, 1, null)])).toBeCloseTo(5000, 9);
    expect(linkRate([at(5000, 1, null), at(900, 1, 900)])).toBeCloseTo(900, 9);
    // A device that calls its link slower than what it has just sent.
    expect(linkRate([at(1000, 1, 1e-6)])).toBeCloseTo(10, 9);
  });

  it("lifts the pace for a round when the last reading of the link is old", () => {
    const paced = {
      uploadBytesPerSecond: 5e5,
      uploadLimitedBy: "sender",
      uplinkBytesPerSecond: null,
    } as const;
    const measured = (pacedRounds: number) =>
      measureDevice(
        participant("p1"),
        DEFAULT_RUN_CONFIG,
        pacedRounds + 2,
        Array.from({ length: pacedRounds + 1 }, (_, i) => record(i + 1, [own("p1", i === 0 ? {} : paced)])),
      );
    expect(measured(7)).toMatchObject({ uploadMeasured: true, uploadBytesPerSecond: 1e6 });
    // What it was read to be is still believed.
    expect(measured(8)).toMatchObject({ uploadMeasured: false, uploadBytesPerSecond: 1e6 });
  });
});

describe.each(["branch-and-bound", "p-sca", "greedy", "equal"] as const)("method %s", (method) => {
  const history = (slowSeconds: number) => [
    record(1, [own("p1"), own("p2"), own("p3")]),
    record(2, [own("p1"), own("p2"), own("p3", { secondsCompute: slowSeconds })]),
  ];

  it("keeps every predicted time within the deadline, and shares within the link", () => {
    const deadlineSeconds = 2;
    const { allocation, assignments } = planRound(request({ method, deadlineSeconds }, three, history(0.8)));
    expect(assignments.length).toBe(3);
    expect(allocation?.devices.every(({ predictedSeconds }) => predictedSeconds <= deadlineSeconds)).toBe(
      true,
    );
    expect(allocation!.devices.reduce((sum, { share }) => sum + share!, 0)).toBeLessThanOrEqual(1 + 1e-9);
    // Paces are shares of each device's own 1 MB/s (100 kB in 0.11 s less the round trip).
    for (const [k, { uploadBytesPerSecond }] of assignments.entries())
      expect(uploadBytesPerSecond! / 1e6).toBeCloseTo(allocation!.devices[k]!.share!, 6);
  });

  it("leaves a first upload unpaced, to measure the link", () => {
    const { assignments } = planRound(request({ method }, three));
    expect(assignments.map(({ uploadBytesPerSecond }) => uploadBytesPerSecond)).toEqual([null, null, null]);
  });

  it("is deterministic", () => {
    const plan = () => planRound(request({ method, deadlineSeconds: 2 }, three, history(1)));
    expect(plan()).toEqual(plan());
  });

  it("says why a device is left out, and what would admit it", () => {
    const slow = [record(1, [own("p1"), own("p2", { secondsCompute: 60 })])];
    const pair = [participant("p1"), participant("p2")];
    const { allocation, assignments } = planRound(request({ method, deadlineSeconds: 5 }, pair, slow));
    expect(assignments.map(({ participantId }) => participantId)).toEqual(["p1"]);
    expect(allocation?.devices[1]).toMatchObject({
      dropoutRate: null,
      excludedBecause: expect.stringMatching(
        /training takes longer than the round; a deadline of 6\d\.\d s would do/,
      ),
    });
  });

  it("tries a newcomer whose warm-up was slow, and everyone when nobody fits", () => {
    const newcomer = participant("p4", { stepSeconds: 5 });
    const { assignments } = planRound(
      request({ method, deadlineSeconds: 5 }, [...three, newcomer], history(0.8)),
    );
    expect(assignments.map(({ participantId }) => participantId)).toContain("p4");
    const slow = three.map(({ id }) => own(id, { secondsCompute: 60 }));
    expect(
      planRound(request({ method, deadlineSeconds: 5 }, three, [record(1, slow)])).assignments.length,
    ).toBe(3);
  });
});

describe("what was measured", () => {
  it("raises the rate of a device that has become slow", () => {
    const rates = (seconds: number) => {
      const records = [1, 2].map((round) =>
        record(round, [own("p1"), own("p2"), own("p3", { secondsCompute: round === 2 ? seconds : 0.8 })]),
      );
      const config = { method: "branch-and-bound", deadlineSeconds: 2 } as const;
      return planRound(request(config, three, records)).assignments.map(({ dropoutRate }) => dropoutRate);
    };
    const [before, after] = [rates(0.8), rates(1.5)];
    expect(after[2]!).toBeGreaterThan(before[2]! + 0.05);
  });

  it("expects a device that misses deadlines to be slower each time, and forgets it after three rounds", () => {
    const missed = own("p2", { outcome: "missed-deadline", secondsCompute: null, secondsUpload: null });
    const pair = [participant("p1"), participant("p2")];
    const foreseen = (records: RoundRecord[]) =>
      planRound(request({ method: "p-sca", deadlineSeconds: 60 }, pair, records)).allocation!.devices[1]!
        .predictedSeconds;
    const good = record(1, [own("p1"), own("p2", { secondsCompute: 2 })]);
    const after = [1, 2, 3].map((misses) =>
      foreseen([good, ...Array.from({ length: misses }, (_, i) => record(i + 2, [own("p1"), missed]))]),
    );
    expect(after[0]!).toBeGreaterThan(foreseen([good]));
    expect(after[1]!).toBeGreaterThan(after[0]!);
    expect(after[2]!).toBeGreaterThan(after[1]!);
    const since = [3, 4, 5].map((round) => record(round, [own("p1")]));
    expect(foreseen([good, record(2, [own("p1"), missed]), ...since])).toBe(
      foreseen([good, record(2, [own("p1")]), ...since]),
    );
  });

  it("plans for a device that varies with room to spare", () => {
    const records = (...seconds: number[]) =>
      seconds.map((each, i) => record(i + 1, [own("p1", { secondsCompute: each })]));
    const rate = (history: RoundRecord[]) =>
      planRound(request({ method: "p-sca", deadlineSeconds: 2.1 }, [participant("p1")], history))
        .assignments[0]!.dropoutRate;
    // The same weighted mean, (0.5·a + 0.25·b)/0.75 = 1.6 s.
    expect(rate(records(1.75, 1.525))).toBeGreaterThan(rate(records(1.6, 1.6)));
  });

  it("tries a device at its mean that only its ups and downs would keep out", () => {
    const records = [0.4, 3.4, 0.4].map((secondsCompute, i) =>
      record(i + 1, [own("p1", { secondsCompute })]),
    );
    const { assignments, allocation } = planRound(
      request({ method: "p-sca", deadlineSeconds: 2.5 }, [participant("p1")], records),
    );
    expect(assignments.length).toBe(1);
    expect(allocation!.devices[0]!.excludedBecause).toBeNull();
  });

  it("tries a device that was left out again after three rounds", () => {
    const pair = [participant("p1"), participant("p2")];
    const records = [1, 2, 3, 4].map((round) =>
      record(round, [own("p1"), ...(round === 1 ? [own("p2", { secondsCompute: 60 })] : [])]),
    );
    const cohort = (rounds: number) =>
      planRound(request({ method: "p-sca", deadlineSeconds: 5 }, pair, records.slice(0, rounds))).assignments
        .length;
    expect([1, 2, 3, 4].map(cohort)).toEqual([1, 1, 1, 2]);
  });

  it("uses default constants first, then estimates, and says which", () => {
    const constants = (rounds: number) => {
      const records = Array.from({ length: rounds }, (_, i) =>
        record(
          i + 1,
          three.map(({ id }) => own(id, { gradientNorm95: 3, lossSpread: 2 })),
        ),
      );
      return planRound(request({ method: "p-sca", bound: "theorem" }, three, records)).allocation!.constants;
    };
    expect(constants(2)).toMatchObject({
      source: "default",
      gradientNorm: 1,
      lossRange: 8,
      exampleCount: 300,
      gapScale: 1,
    });
    const estimated = constants(4);
    expect(estimated).toMatchObject({ source: "estimated", lossRange: 2 });
    expect(estimated.gradientNorm).toBeCloseTo(3, 12);
    expect(estimated.gapScale).toBe(1);
  });

  it("teaches with every other device's rate, the others' next time, and says so", () => {
    const plans = [0, 1].map((rounds) =>
      planRound(
        request(
          { method: "p-sca", rounds: 20 },
          three,
          Array.from({ length: rounds }, (_, i) => record(i + 1, [own("p1"), own("p2"), own("p3")])),
        ),
      ),
    );
    const [first, second] = plans.map(({ assignments, allocation }) =>
      assignments.map(({ participantId, dropoutRate, side }, k) => {
        const { dither, dropoutRate: told } = allocation!.devices[k]!;
        expect(told).toBe(dropoutRate);
        expect(side).toBe(dither > 0 ? "high" : "low");
        return [participantId, dither > 0];
      }),
    );
    expect(first).toEqual([
      ["p1", false],
      ["p2", true],
      ["p3", false],
    ]);
    expect(second).toEqual([
      ["p1", true],
      ["p2", false],
      ["p3", true],
    ]);
  });

  it.each([
    ["one device alone", {}, [participant("p1")]],
    ["the theorem's constants", { bound: "theorem" }, three],
    ["rounds that no plan will look back on", { rounds: 2 }, three],
    ["differential privacy", { differentialPrivacy: { epsilon: 8, delta: 1e-5, clip: 1 } }, three],
    ["a method that solves nothing", { method: "fixed" }, three],
  ] as const)("does not teach with %s", (_, change, participants) => {
    const { assignments, allocation } = planRound(request({ method: "p-sca", ...change }, [...participants]));
    expect(assignments.every(({ side }) => side === null)).toBe(true);
    expect(allocation!.devices.every(({ dither }) => dither === 0)).toBe(true);
  });
});

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
    expect(fadedGains("s", 1, "p1")).toEqual(fadedGains("s", 1, "p1"));
    expect(fadedGains("s", 2, "p1")).not.toEqual(fadedGains("s", 1, "p1"));
    expect(meanGain("s", "p1")).not.toBe(meanGain("s", "p2"));
    // Mean fading power is 1; standard error over 32 correlated channels of 500 rounds is below 0.02.
    const rounds = Array.from({ length: 500 }, (_, round) => fadedGains("s", round, "p1"));
    const mean = rounds.flat().reduce((sum, gain) => sum + gain, 0) / (500 * RADIO_CELL.subChannels);
    expect(mean / meanGain("s", "p1")).toBeGreaterThan(0.92);
    expect(mean / meanGain("s", "p1")).toBeLessThan(1.08);
  });

  it("has the capacity formula's rate (worked by hand)", () => {
    // One sub-channel with a = 1000/W at 0.1 W: 15 kHz · log₂(1 + 100) = 99.87 kbit/s.
    const gain = 1000 * 1.5 * 2e-20 * 15e3;
    expect(evenPowerRate([gain])).toBeCloseTo(15e3 * Math.log2(101), 6);
  });
});

describe("devices that are left out", () => {
  const missed = (id: string) =>
    own(id, {
      ...{ outcome: "missed-deadline", bytesDown: 0, bytesUp: 0, steps: null },
      ...{ secondsDownload: null, secondsCompute: null, secondsUpload: null },
      ...{ downlinkBytesPerSecond: null, uplinkBytesPerSecond: null, uploadLimitedBy: null },
    });
  const stalled = (rounds: number): RoundRecord[] => [
    ...[1, 2].map((round) => record(round, [own("p1"), own("p2"), missed("p3")])),
    ...Array.from({ length: rounds }, (_, i) => record(i + 3, [own("p1"), own("p2")])),
  ];

  it.each(["fixed", "random", "p-sca", "equal"] as const)(
    "by %s for stalling rest, say so, and come back by a probe",
    (method) => {
      const resting = planRound(request({ method }, three, stalled(1)));
      expect(resting.assignments.map(({ participantId }) => participantId)).toEqual(["p1", "p2"]);
      expect(resting.allocation!.devices.find(({ id }) => id === "p3")).toMatchObject({
        dropoutRate: null,
        excludedBecause: "it sent nothing in 2 rounds; it is tried again in round 6",
      });
      const { assignments, allocation } = planRound(request({ method }, three, stalled(3)));
      expect(assignments.map(({ participantId, probe }) => [participantId, probe])).toEqual([
        ["p1", false],
        ["p2", false],
        ["p3", true],
      ]);
      expect(allocation!.devices.map(({ id, excludedBecause }) => [id, excludedBecause])).toEqual([
        ["p1", null],
        ["p2", null],
        ["p3", null],
      ]);
    },
  );

  it("take part when nobody else is there", () => {
    const alone = planRound(request({ method: "fixed" }, [three[2]!], stalled(0)));
    expect(alone.assignments).toMatchObject([{ participantId: "p3", probe: false }]);
  });

  it("for energy are tried again with the steps that they may spend", () => {
    // 0.8 s at 15 W for eight steps is 12 J; p3 may spend 7.
    const change = { method: "p-sca", deviceEnergyLimitsJoules: { p3: 7 }, deadlineSeconds: 60 } as const;
    const all = [
      record(
        1,
        three.map(({ id }) => own(id)),
      ),
    ];
    const out = planRound(request(change, three, all));
    expect(out.assignments.map(({ participantId }) => participantId)).toEqual(["p1", "p2"]);
    expect(out.allocation!.devices[2]!.excludedBecause).toMatch(/^training takes more energy than allowed/);
    const without = [2, 3, 4].map((round) => record(round, [own("p1"), own("p2")]));
    const again = planRound(request(change, three, [...all, ...without]));
    expect(again.assignments[2]).toMatchObject({ participantId: "p3", probe: true, localSteps: 4 });
    // It has become cheaper meanwhile: half the steps in a quarter of the time.
    const probed = record(5, [own("p1"), own("p2"), own("p3", { steps: 4, secondsCompute: 0.2 })]);
    const cheaper = [
      probed,
      ...[6, 7].map((round) => record(round, [own("p1"), own("p2"), own("p3", { secondsCompute: 0.4 })])),
    ];
    const back = planRound(request(change, three, [...all, ...without, ...cheaper]));
    expect(back.assignments[2]).toMatchObject({ participantId: "p3", probe: false, localSteps: null });
  });
});
