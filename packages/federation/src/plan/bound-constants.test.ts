import type { ParticipantRound, RoundEvaluation, RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { estimateConstants, measuresCurvature, regressVariance } from "./bound-constants.ts";

/** Losses 4 + easier or harder texts + progress + A·γ/(1−γ), with A = 0.3. */
const record = (round: number, rates: readonly (number | null)[]): RoundRecord =>
  ({
    round,
    participants: rates.flatMap((dropoutRate, k) =>
      dropoutRate === null
        ? []
        : [
            {
              id: `p${k}`,
              dropoutRate,
              sampleCount: 10 + k,
              trainLoss: 4 + 0.7 * k - 0.2 * round + (0.3 * dropoutRate) / (1 - dropoutRate),
            } as ParticipantRound,
          ],
    ),
  }) as unknown as RoundRecord;

it("finds what masks add to the loss under texts of unlike difficulty and progress", () => {
  const records = [record(1, [0.1, 0.5, 0.3]), record(2, [0.4, 0.2, 0.3]), record(3, [0.2, 0.6, 0.1])];
  expect(regressVariance(records)).toBeCloseTo(0.3, 6);
  expect(regressVariance([...records, record(4, [0.5, null, 0.2])])).toBeCloseTo(0.3, 4);
});

it("says nothing when rates did not differ", () => {
  expect(regressVariance([record(1, [0.3, 0.3]), record(2, [0.5, 0.5])])).toBeNull();
  expect(regressVariance([])).toBeNull();
});

describe("absurd figures of one participant among five", () => {
  const rates = [0.1, 0.5, 0.3, 0.2, 0.6];
  const told = (round: number, lies: Partial<ParticipantRound>): RoundRecord => {
    const honest = record(round, round % 2 ? rates : rates.toReversed());
    return {
      ...honest,
      participants: honest.participants.map((participant, k) => ({
        ...participant,
        outcome: "aggregated",
        gradientNorm95: 2 + 0.1 * k,
        lossSpread: 1 + 0.1 * k,
        ...(k === 0 && lies),
      })),
      evaluation: null,
    };
  };
  const constants = (lies: Partial<ParticipantRound>) =>
    estimateConstants(
      [1, 2, 3, 4].map((round) => told(round, lies)),
      100,
    );

  it.each([{ gradientNorm95: 1e9 }, { lossSpread: 1e4 }, { gradientNorm95: 0, lossSpread: 0 }])(
    "%o do not move the constants beyond what the honest ones say",
    (lies) => {
      const { gradientNorm, lossRange } = constants(lies);
      expect(gradientNorm).toBeGreaterThanOrEqual(2);
      expect(gradientNorm).toBeLessThanOrEqual(2.4);
      expect(lossRange).toBeGreaterThanOrEqual(1);
      expect(lossRange).toBeLessThanOrEqual(1.4);
    },
  );

  it("a loss of 10,000 nats moves what masks cost no more than six deviations do", () => {
    const honest = constants({}).varianceCoefficient;
    expect(honest).toBeCloseTo(0.3, 6);
    // Unbounded the slope would follow the lie by thousands, and end at its limit of half the loss, 2.
    expect(Math.abs(constants({ trainLoss: 1e4 }).varianceCoefficient - honest)).toBeLessThan(0.3);
  });
});

describe("what evaluations measure", () => {
  const evaluated = (
    round: number,
    exampleLossSpread: number | null,
    curvature: RoundEvaluation["curvature"],
  ): RoundRecord => ({
    ...record(round, [0.1, 0.5]),
    participants: record(round, [0.1, 0.5]).participants.map((participant) => ({
      ...participant,
      outcome: "aggregated",
      update: null,
      lossSpread: 1.5,
    })),
    evaluation: { testLoss: 4, trainLoss: 3, testAccuracy: null, testF1: null, exampleLossSpread, curvature },
  });
  const saddle = { mean: 0.02, least: -3 };

  it("replaces the defaults once there are three observations of it", () => {
    const after = (records: RoundRecord[]) => estimateConstants(records, 100);
    const two = [evaluated(1, 4, saddle), evaluated(2, 4, null), evaluated(3, null, saddle)];
    expect(after(two)).toMatchObject({ source: "estimated", ridge: 0.5, minCurvature: 0.1 });
    // Until then the spread of batch means stands in.
    expect(after(two).lossRange).toBeCloseTo(1.5, 12);
    const { ridge, minCurvature, lossRange } = after([...two, evaluated(4, 4, saddle)]);
    expect([ridge, minCurvature, lossRange]).toEqual([0.01, 0.02 / 100, 4].map((v) => expect.closeTo(v, 12)));
  });

  it("is averaged over rounds, the last one with a tenth", () => {
    const records = [1, 1, 1, 2].map((mean, i) => evaluated(i + 1, 4 * mean, { mean, least: 0.2 * mean }));
    const { ridge, minCurvature, lossRange } = estimateConstants(records, 100);
    expect([ridge, minCurvature, lossRange]).toEqual([0.55, 0.22, 4.4].map((v) => expect.closeTo(v, 12)));
  });

  it("is kept in range, and says nothing of a ridge where the mean curvature is not positive", () => {
    const constants = (mean: number, least: number) =>
      estimateConstants(
        [1, 2, 3].map((round) => evaluated(round, 100, { mean, least })),
        100,
      );
    expect(constants(1000, 500)).toMatchObject({ ridge: 10, minCurvature: 10, lossRange: 20 });
    expect(constants(1e-7, -1)).toMatchObject({ ridge: 1e-4, minCurvature: 1e-6 });
    for (const mean of [0, -0.5])
      expect(constants(mean, -3)).toMatchObject({ ridge: 0.5, minCurvature: 0.1 });
  });
});

describe("measuresCurvature", () => {
  const measured = (rounds: number) =>
    Array.from({ length: rounds }, (_, i) => i + 1).filter((round) => measuresCurvature(round, rounds));

  it("is every other round that a plan can look at", () => {
    expect(measured(9)).toEqual([1, 3, 5, 7]);
    expect(measured(7)).toEqual([1, 3, 5]);
  });

  it("is no round of a run that ends before there are enough of them", () => {
    expect(measured(6)).toEqual([]);
    expect(measured(4)).toEqual([]);
  });
});
