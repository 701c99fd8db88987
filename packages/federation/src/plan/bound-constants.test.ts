import { generalisationGap, varianceFactor } from "@fedlodrop/allocation";
import { createRandom, type ParticipantRound, type RoundRecord } from "@fedlodrop/run";
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
      "theorem",
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

describe("calibrated constants", () => {
  const TRUE = { variance: 0.12, gap: 0.3 };

  /** Rounds of four devices at 0.2 and 0.4 in turn, whose two leanings differ by what the true constants say and noise. */
  function taught(rounds: number, noise: number, more: Partial<Record<number, number>> = {}): RoundRecord[] {
    const random = createRandom("taught", rounds, noise);
    return Array.from({ length: rounds }, (_, i) => {
      const round = i + 1;
      const rateOf = (k: number): number => ((k + round) % 2 === 0 ? 0.4 : 0.2);
      // Three quarters of a leaning's weight is its own side's.
      const at = (own: number, other: number, of: (s: number) => number): number =>
        (3 * of(1 - own) + of(1 - other)) / 4;
      const difference = (of: (s: number) => number): number => at(0.4, 0.2, of) - at(0.2, 0.4, of);
      const trains = TRUE.variance * difference((s) => varianceFactor(s, 1)) + noise * random.normal();
      const heldOut =
        TRUE.variance * difference((s) => varianceFactor(s, 1)) -
        TRUE.gap * difference((s) => 1 - s * s) +
        0.3 * noise * random.normal();
      return {
        round,
        participants: [0, 1, 2, 3].map((k) => ({
          id: `p${k}`,
          outcome: "aggregated",
          sampleCount: 10,
          dropoutRate: rateOf(k),
          trainLoss: 3,
          gradientNorm95: 1,
          lossSpread: 2,
        })),
        allocation: {
          devices: [0, 1, 2, 3].map((k) => ({ id: `p${k}`, dither: rateOf(k) - 0.2 })),
          constants: { varianceCoefficient: TRUE.variance },
        },
        evaluation: {
          trainLoss: 3,
          testLoss: 3.2 + 0.05 * round,
          exampleLossSpread: 2,
          contrast: {
            low: { trainLoss: 3, testLoss: 3.2 },
            high: { trainLoss: 3 + trains, testLoss: 3.2 + heldOut + (more[round] ?? 0) },
          },
        },
      } as unknown as RoundRecord;
    });
  }
  const after = (records: RoundRecord[]) => estimateConstants(records, 160, "calibrated");
  /** What dropping everything takes off the gap, as the constants have it. */
  const gapOf = (constants: ReturnType<typeof after>): number =>
    generalisationGap(constants, 0) - generalisationGap(constants, 1);

  it("recovers what the rounds were made with, within its own errors", () => {
    const constants = after(taught(12, 0.002));
    expect(constants).toMatchObject({ form: "calibrated", source: "estimated" });
    expect(Math.abs(constants.varianceCoefficient - TRUE.variance)).toBeLessThan(3 * constants.varianceError);
    expect(constants.varianceError).toBeLessThan(0.06);
    expect(Math.abs(gapOf(constants) / TRUE.gap - 1)).toBeLessThan(0.25);
  });

  it("caps rates by θ only once rounds have told what masks cost, and the loss falls", () => {
    const falling = taught(12, 0.002).map((record) => ({
      ...record,
      evaluation: record.evaluation && { ...record.evaluation, trainLoss: 3 - 0.05 * record.round },
    }));
    const { rateCap, varianceCoefficient } = after(falling);
    // v(θ) = fall/A + mean v of the rounds' rates, two at 0.2 and two at 0.4.
    const factor = 0.05 / varianceCoefficient + (varianceFactor(0.8, 1) + varianceFactor(0.6, 1)) / 2;
    expect(rateCap).toBeCloseTo(factor / (1 + factor), 6);
    expect(after(falling.slice(0, 2)).rateCap).toBeNull();
    // A loss that stands still says nothing of rates.
    const still = falling.map((record) => ({
      ...record,
      evaluation: record.evaluation && { ...record.evaluation, trainLoss: 3 + 0.2 * record.round },
    }));
    expect(after(still).rateCap).toBeNull();
  });

  it("comes closer with less noise", () => {
    const { varianceCoefficient } = after(taught(12, 1e-4));
    expect(varianceCoefficient).toBeCloseTo(TRUE.variance, 1);
    expect(gapOf(after(taught(12, 1e-4))) / TRUE.gap).toBeCloseTo(1, 1);
  });

  it("says that it does not know while nothing has been compared, and where noise drowns it", () => {
    expect(after([])).toMatchObject({ form: "calibrated", source: "default" });
    expect(after(taught(8, 0.4)).source).toBe("default");
  });

  it("is not steered by one absurd round", () => {
    const calm = gapOf(after(taught(12, 0.01)));
    for (const absurd of [5, -5]) {
      const moved = gapOf(after(taught(12, 0.01, { 9: absurd }))) / calm;
      expect(Math.abs(moved - 1)).toBeLessThan(0.25);
    }
  });

  it("foresees a gap that grows, with a band", () => {
    const { gapOffset, gapDeviation } = after(taught(12, 0.01));
    expect(gapDeviation).toBeLessThan(1e-6);
    const constants = after(taught(12, 0.01));
    const level = (generalisationGap(constants, 0.36) + generalisationGap(constants, 0.64)) / 2;
    // Two rounds after the twelfth, at the rates of those before.
    expect(gapOffset + level).toBeCloseTo(0.2 + 0.05 * 14, 6);
  });

  it("sees a gap that grows although the training loss is zero", () => {
    const learned = taught(12, 0.001).map((record) => ({
      ...record,
      evaluation: record.evaluation && { ...record.evaluation, trainLoss: 1e-4 },
    }));
    expect(gapOf(after(learned)) / TRUE.gap).toBeCloseTo(1, 0);
    expect(after(learned).varianceCoefficient).toBeCloseTo(TRUE.variance, 1);
  });

  it("leaves the theorem's constants to who asks for them, and to runs that nobody evaluates", () => {
    expect(estimateConstants(taught(6, 0.01), 160, "theorem")).toMatchObject({
      form: "theorem",
      gapScale: 1,
    });
    const unseen = taught(6, 0.01).map((record) => ({ ...record, evaluation: null }));
    expect(after(unseen).form).toBe("theorem");
  });
});
