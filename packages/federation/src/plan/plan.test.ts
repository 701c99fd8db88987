import { type AllocationRecord, DEFAULT_RUN_CONFIG, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { estimateConstants } from "./bound-constants.ts";
import { own, participant, record, request, three } from "./plan.fixture.ts";
import { type PlanOptions, planRound } from "./plan.ts";

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

  it("teaches with half of the rates, all, the other half and none, in turn, and says so", () => {
    const raisedIn = (round: number): readonly string[] => {
      const seen = Array.from({ length: round - 1 }, (_, i) =>
        record(i + 1, [own("p1"), own("p2"), own("p3")]),
      );
      const { assignments, allocation } = planRound(request({ method: "p-sca", rounds: 20 }, three, seen));
      return assignments.flatMap(({ participantId, dropoutRate }, k) => {
        const { dither, dropoutRate: told } = allocation!.devices[k]!;
        expect(told).toBe(dropoutRate);
        return dither > 0 ? [participantId] : [];
      });
    };
    expect([1, 2, 3, 4, 5].map(raisedIn)).toEqual([
      ["p1", "p3"],
      ["p1", "p2", "p3"],
      ["p2"],
      [],
      ["p1", "p3"],
    ]);
  });

  it.each([
    ["one device alone", {}, [participant("p1")]],
    ["differential privacy", { differentialPrivacy: { epsilon: 8, delta: 1e-5, clip: 1 } }, three],
    ["secure aggregation", { secureAggregation: true, aggregation: "mean" }, three],
  ] as const)("teaches with %s, too", (_, change, participants) => {
    const { allocation } = planRound(request({ method: "p-sca", ...change }, [...participants]));
    expect(allocation!.devices.some(({ dither }) => dither > 0)).toBe(true);
  });

  it.each([
    ["the theorem's constants", { bound: "theorem" }, three],
    ["rounds that no plan will look back on", { rounds: 2 }, three],
    ["a method that solves nothing", { method: "fixed" }, three],
  ] as const)("does not teach with %s", (_, change, participants) => {
    const { allocation } = planRound(request({ method: "p-sca", ...change }, [...participants]));
    expect(allocation!.devices.every(({ dither }) => dither === 0)).toBe(true);
  });
});

describe("θ", () => {
  /** Rounds that got far at first and do not any more: masks of the largest rates would now raise the training loss. */
  function slowingDown(): RoundRecord[] {
    let progress = 0;
    const { allocation } = planRound(request({ method: "p-sca" }, three));
    return Array.from({ length: 14 }, (_, i) => {
      const round = i + 1;
      const dropoutRate = round % 2 === 0 ? 0.2 : 0.4;
      progress += (round <= 8 ? 0.3 : 0.03) * (1 - dropoutRate) ** 1.2;
      const trainLoss = 3 * Math.exp(-progress);
      const slowLink = { dropoutRate, secondsUpload: 1, uplinkBytesPerSecond: 1e5 };
      const told = record(
        round,
        three.map(({ id }) => own(id, { ...slowLink, secondsCompute: id === "p3" ? 1.2 : 0.8 })),
      );
      const evaluation = { ...told.evaluation!, trainLoss, testLoss: trainLoss + 0.8 * progress };
      return { ...told, evaluation, allocation };
    });
  }
  const records = slowingDown();
  const uncapped: PlanOptions = { estimate: (...of) => ({ ...estimateConstants(...of), rateCap: null }) };
  const planned = (change: Partial<RunConfig>, options?: PlanOptions) =>
    planRound(request({ rounds: 40, ...change }, three, records), options).allocation!;
  const theta = planned({ method: "p-sca" }).constants.rateCap!;
  const greatest = ({ devices }: AllocationRecord) => {
    const admitted = devices.flatMap(({ dropoutRate, dither }) =>
      dropoutRate === null ? [] : [{ dropoutRate, dither }],
    );
    return {
      solved: Math.max(...admitted.map(({ dropoutRate, dither }) => dropoutRate - dither)),
      taught: Math.max(...admitted.map(({ dropoutRate, dither }) => (dither > 0 ? dropoutRate : 0))),
      granted: Math.max(...admitted.map(({ dropoutRate }) => dropoutRate)),
    };
  };
  const everyone = ({ devices }: AllocationRecord): boolean =>
    devices.every(({ dropoutRate }) => dropoutRate !== null);

  it.each(["branch-and-bound", "p-sca", "greedy", "equal"] as const)(
    "caps what is solved for and what teaching adds, when time is short: %s",
    (method) => {
      const short = { method, deadlineSeconds: 2.7 } as const;
      const capped = planned(short);
      expect(capped.constants.rateCap).toBeLessThan(DEFAULT_RUN_CONFIG.maxDropoutRate);
      // With the link shared as it is best, all can be on time at θ.
      if (method === "branch-and-bound" || method === "p-sca") expect(everyone(capped)).toBe(true);
      expect(greatest(capped).granted).toBeCloseTo(theta, 9);
      const free = greatest(planned(short, uncapped));
      expect(free.solved).toBeGreaterThan(theta);
      expect(free.taught).toBeGreaterThan(theta);
    },
  );

  it("keeps out whom only a larger rate would let in: by time and by energy", () => {
    for (const limit of [{ deadlineSeconds: 2.4 }, { deviceEnergyLimitsJoules: { p3: 18.3 } }]) {
      const change = { method: "branch-and-bound", deadlineSeconds: 60, ...limit } as const;
      const free = planned(change, uncapped);
      expect(everyone(free)).toBe(true);
      expect(greatest(free).solved).toBeGreaterThan(theta);
      const capped = planned(change);
      expect(capped.devices.map(({ excludedBecause }) => excludedBecause === null)).toEqual([
        true,
        true,
        false,
      ]);
      expect(greatest(capped).granted).toBeCloseTo(theta, 9);
    }
  });
});
