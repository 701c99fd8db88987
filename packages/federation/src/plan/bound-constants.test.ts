import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { estimateConstants } from "./bound-constants.ts";
import { regressVariance } from "./masked-losses.ts";

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
      { form: "theorem", maxDropoutRate: 0.9, roundsLeft: 10 },
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
