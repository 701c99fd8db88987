import { describe, expect, it } from "vitest";
import { generalisationGap, varianceFactor } from "./bound.ts";
import {
  boundConstants,
  initialEstimates,
  type RoundScalars,
  updateEstimates,
  varianceCoefficient,
} from "./bound-estimates.ts";

const defaults = boundConstants(initialEstimates, 500, 2048);

function after(rounds: readonly RoundScalars[]) {
  return rounds.reduce((state, round) => updateEstimates(state, round, 1, defaults), initialEstimates);
}

const round: RoundScalars = {
  participants: [
    {
      gradientNorms: [2, 2, 2],
      exampleLosses: [1, 3],
      maskPair: { squaredDistance: 2 * varianceFactor(0.5, 1) * 7, keepRate: 0.5 },
      maskedLossRise: [0.8, 0.5].map((keepRate) => ({ keepRate, rise: 0.3 * varianceFactor(keepRate, 1) })),
    },
  ],
  curvature: { leastRitzValue: -1, meanCurvature: 4 },
  secant: { gradientChange: 6, step: 2 },
  gap: { measured: 0.25 * generalisationGap(defaults, 0.5), droppedShare: 0.5 },
};

describe("constants of the bound", () => {
  it("are the defaults until three rounds were seen", () => {
    expect(defaults).toEqual({
      lossRange: Math.log(2048),
      gradientNorm: 1,
      ridge: 0.5,
      minCurvature: 0.1,
      exampleCount: 500,
      confidence: 0.1,
      gapScale: 1,
    });
    expect(boundConstants(after([round, round]), 500, 2048)).toEqual(defaults);
    expect(boundConstants(initialEstimates, 500, 1e6).lossRange).toBe(8);
  });

  it("are then what was reported, worked by hand", () => {
    const constants = boundConstants(after([round, round, round]), 500, 2048);
    expect(constants.gradientNorm).toBeCloseTo(2, 12);
    expect(constants.lossRange).toBeCloseTo(0.98 * 2, 12);
    // A negative Ritz value is floored at a hundredth of the mean curvature; the ridge is half of that mean.
    expect(constants.minCurvature).toBeCloseTo(0.04, 12);
    expect(constants.ridge).toBeCloseTo(2, 12);
    expect(constants.gapScale).toBeCloseTo(0.25, 12);
  });

  it("forget slowly and clamp: one wild report moves a mean by a tenth of the clamp", () => {
    const wild: RoundScalars = { participants: [{ gradientNorms: [1e30] }] };
    const constants = boundConstants(after([round, round, round, wild]), 500, 2048);
    expect(constants.gradientNorm).toBeCloseTo(0.9 * 2 + 0.1 * 1e3, 9);
  });

  it("ignore what is not finite or missing", () => {
    const broken: RoundScalars = {
      participants: [
        {
          gradientNorms: [Number.NaN],
          exampleLosses: [Number.POSITIVE_INFINITY],
          maskedLossRise: [{ keepRate: 0, rise: 1 }],
        },
        { maskPair: { squaredDistance: 1, keepRate: 1 } },
      ],
      secant: { gradientChange: 1, step: 0 },
    };
    expect(after([broken, broken, broken])).toEqual(initialEstimates);
  });
});

describe("variance coefficient", () => {
  const device = { weight: 0.2, trainingLoss: 3 };
  const schedule = { learningRate: 0.01, roundsLeft: 50 };

  it("is a twentieth of the loss at first, then the measured rise", () => {
    expect(varianceCoefficient(initialEstimates, device, schedule)).toBeCloseTo(0.05 * 0.2 * 3, 12);
    expect(varianceCoefficient(after([round, round, round]), device, schedule)).toBeCloseTo(0.2 * 0.3, 12);
  });

  it("comes from gradients where only those were reported", () => {
    const { maskedLossRise: _, ...participant } = round.participants[0]!;
    const state = after(Array.from({ length: 3 }, () => ({ ...round, participants: [participant] })));
    expect(varianceCoefficient(state, device, schedule)).toBeCloseTo(
      0.5 * 3 * 0.01 ** 2 * 7 * 50 * 0.2 ** 2,
      12,
    );
  });
});
