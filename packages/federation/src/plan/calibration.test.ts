import { generalisationGap, varianceFactor } from "@fedlodrop/allocation";
import {
  type BoundEstimate,
  createRandom,
  median,
  type RoundEvaluation,
  type RoundRecord,
} from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { recordsInSight } from "../round/rounds.ts";
import { EVALUATION_LAG } from "../round/run-state.ts";
import { estimateConstants } from "./bound-constants.ts";
import { whoseTurn } from "./dither.ts";

/** A round's progress is pace · s^exponent; the gap grows by slope + bend · u a step of it. */
interface World {
  readonly pace: number;
  readonly exponent: number;
  readonly slope: number;
  readonly bend: number;
  /** Of losses, as a share of them. */
  readonly noise: number;
}

const IDS = ["p0", "p1", "p2", "p3"];
const EVERY_ROUND = { compareWith: null, evaluateOn: { kind: "coordinator" } } as const;
const MOST_DROPPED = 0.9;
const FIRST_LOSS = 3;
/** The gap grows by less than the training loss falls, until u is 1.1. */
const LEARNING: World = { pace: 0.12, exponent: 1.2, slope: 1, bend: 0, noise: 0.001 };

const v = (dropoutRate: number): number => varianceFactor(1 - dropoutRate, 1);

/** Rounds of four devices, as rates are raised in turn (dither.ts). */
function rounds(
  count: number,
  { pace, exponent, slope, bend, noise }: World,
  [low, high]: readonly [number, number] = [0.2, 0.4],
  absurd: Partial<Record<number, number>> = {},
): RoundRecord[] {
  const random = createRandom("rounds", count, noise);
  const noisy = (value: number): number => value * Math.exp(noise * random.normal());
  let u = 0;
  return Array.from({ length: count }, (_, i) => {
    const round = i + 1;
    const raised = whoseTurn(IDS, round, EVERY_ROUND);
    const rateOf = (id: string): number => (raised.has(id) ? high : low);
    u += (pace * IDS.reduce((sum, id) => sum + (1 - rateOf(id)) ** exponent, 0)) / IDS.length;
    const trainLoss = FIRST_LOSS * Math.exp(-u);
    const gap = slope * u + (bend * u * u) / 2;
    return {
      round,
      participants: IDS.map((id) => ({
        id,
        outcome: "aggregated",
        sampleCount: 10,
        dropoutRate: rateOf(id),
        trainLoss: 3,
        gradientNorm95: 1,
        lossSpread: 2,
      })),
      allocation: {
        devices: IDS.map((id) => ({ id, dither: rateOf(id) - low })),
        constants: { varianceCoefficient: pace * exponent * trainLoss },
      },
      evaluation: {
        trainLoss: noisy(trainLoss),
        testLoss: noisy(trainLoss + gap) + (absurd[round] ?? 0),
        exampleLossSpread: 2,
      },
    } as unknown as RoundRecord;
  });
}

const after = (records: RoundRecord[], roundsLeft = 10): BoundEstimate =>
  estimateConstants(records, 160, { form: "calibrated", maxDropoutRate: MOST_DROPPED, roundsLeft });

/** Where the calibrated bound has its least. */
const rateOf = (constants: BoundEstimate): number =>
  least((rate) => constants.varianceCoefficient * v(rate) + gapAt(constants, rate));

const gapAt = (constants: BoundEstimate, rate: number): number =>
  generalisationGap(constants, 1 - (1 - rate) ** 2);

/** Held-out loss that these rounds at a rate end with, from u on. */
const endAt = ({ pace, exponent, slope, bend }: World, u: number, rate: number, count = 4): number => {
  const end = u + count * pace * (1 - rate) ** exponent;
  return FIRST_LOSS * Math.exp(-end) + slope * end + (bend * end * end) / 2;
};

/** By trying all of 0 to 0.9. */
function least(of: (rate: number) => number): number {
  const rates = Array.from({ length: 901 }, (_, i) => i / 1000);
  return rates.reduce((best, rate) => (of(rate) < of(best) ? rate : best));
}

/** Progress after rounds at 0.2 and 0.4. */
const reached = (count: number, { pace, exponent }: World): number =>
  (count * pace * (0.8 ** exponent + 0.6 ** exponent)) / 2;

describe("calibrated constants", () => {
  it("recover what a round makes and what dropping takes off it", () => {
    const constants = after(rounds(8, LEARNING));
    expect(constants).toMatchObject({ form: "calibrated", source: "estimated" });
    const loss = FIRST_LOSS * Math.exp(-reached(8, LEARNING));
    // A v(s) is what dropping takes off the fall of the loss at the rate that is best.
    const rate = rateOf(constants);
    const cost = loss * LEARNING.pace * (1 - (1 - rate) ** LEARNING.exponent);
    expect(Math.abs(constants.varianceCoefficient * v(rate) - cost)).toBeLessThan(
      3 * constants.varianceError * v(rate),
    );
    expect(constants.varianceError).toBeLessThan(0.4 * constants.varianceCoefficient);
  });

  it.each([
    ["as much as it may", { ...LEARNING, slope: 0.2 }],
    ["so as to arrive where the held-out loss is least", LEARNING],
    ["the more where the gap bends", { ...LEARNING, bend: 0.5 }],
  ])("choose the rate that ends best: learning %s", (_, world) => {
    const end = (rate: number): number => endAt(world, reached(8, world), rate);
    const best = least(end);
    const rate = rateOf(after(rounds(8, world)));
    const worst = Math.max(end(0), end(MOST_DROPPED));
    // By a mean over what the gap may do: where ends are much alike the rate is not told exactly.
    expect(end(rate) - end(best)).toBeLessThan(0.04);
    expect(end(rate) - end(best)).toBeLessThan(0.15 * (worst - end(best)));
  });

  it("look as far ahead as the run goes on, and no further than four rounds", () => {
    // Near enough to where the held-out loss turns that one round more gets there at full rates, and four go beyond.
    const records = rounds(12, LEARNING);
    const u = reached(12, LEARNING);
    const best = (count: number): number => least((rate) => endAt(LEARNING, u, rate, count));
    expect([best(1), best(4)]).toEqual([0, expect.closeTo(0.6, 1)]);
    const rates = [1, 2, 3, 4].map((left) => rateOf(after(records, left)));
    for (const [i, rate] of rates.slice(1).entries())
      expect(rate).toBeGreaterThan((rates[i] as number) + 0.03);
    expect(rateOf(after(records, 10))).toBe(rates.at(-1));
  });

  it("drop much once the training loss goes to zero while the held-out loss rises", () => {
    const byHeart = { pace: 0.8, exponent: 1.2, slope: 0.3, bend: 0, noise: 0.03 };
    const records = rounds(8, byHeart);
    expect(records.at(-1)?.evaluation?.trainLoss).toBeLessThan(0.1);
    // Dropping nothing ends worst: nothing is left to be learned, and the gap grows on.
    expect(rateOf(after(records))).toBeGreaterThan(0.55);
  });

  it("drop nothing before anything is known, and next to nothing while the held-out loss falls as the training loss does", () => {
    expect(rateOf(after([]))).toBe(0);
    expect(rateOf(after(rounds(6, { ...LEARNING, slope: 0.1 })))).toBeLessThan(0.1);
  });

  it("still drop when a run has forgotten how it began, and has long been near a training loss of zero", () => {
    const byHeart = { pace: 0.8, exponent: 1.2, slope: 0.3, bend: 0, noise: 0.03 };
    const falling = rounds(12, byHeart);
    const last = falling.at(-1)?.evaluation as RoundEvaluation;
    const random = createRandom("near zero");
    // For 48 rounds more nothing moves but for noise.
    const still = rounds(48, { ...byHeart, pace: 0 }).map((record): RoundRecord => {
      const noisy = (value: number): number => value * Math.exp(0.03 * random.normal());
      const evaluation = {
        ...last,
        trainLoss: noisy(last.trainLoss as number),
        testLoss: noisy(last.testLoss),
      };
      return { ...record, round: 12 + record.round, evaluation };
    });
    const sixty = [...falling, ...still];
    for (const count of [30, 40, 50, 60]) {
      const seen = recordsInSight(sixty.slice(0, count), count + EVALUATION_LAG);
      expect(seen.length).toBeLessThan(30);
      expect(rateOf(after([...seen]))).toBeGreaterThan(0.3);
    }
  });

  it("move no faster than the evidence does, however few and noisy the texts", () => {
    for (const noise of [0.01, 0.03, 0.1]) {
      const all = rounds(16, { ...LEARNING, noise });
      const rates = Array.from({ length: 14 }, (_, i) => rateOf(after(all.slice(0, i + 3))));
      const steps = rates.slice(1).map((rate, i) => Math.abs(rate - (rates[i] as number)));
      expect(Math.max(...steps)).toBeLessThan(0.45);
      expect(median(steps)).toBeLessThan(0.2);
    }
  });

  it("say that they do not know while nothing has been compared, and where losses only wobble", () => {
    expect(after([])).toMatchObject({ form: "calibrated", source: "default" });
    expect(after(rounds(1, LEARNING)).source).toBe("default");
    for (const count of [4, 6, 8, 12]) {
      const still = rounds(count, { ...LEARNING, pace: 0, noise: 0.05 });
      expect(after(still).source).toBe("default");
    }
  });

  it("are not steered by one absurd round", () => {
    const world = { ...LEARNING, noise: 0.003 };
    const calm = rateOf(after(rounds(12, world)));
    // A round that counted in full would take all dropping away, or drop the most.
    for (const absurd of [5, -2.5])
      expect(Math.abs(rateOf(after(rounds(12, world, [0.2, 0.4], { 9: absurd }))) - calm)).toBeLessThan(0.15);
  });

  it("are in an arm what they would be alone: numbers that leave gaps and rounds of nobody are no rounds", () => {
    const world = { ...LEARNING, noise: 0.003 };
    const alone = rounds(10, world);
    const arm = alone.map((record): RoundRecord => ({ ...record, round: 2 * record.round - 1 }));
    const deserted = { ...arm[0], round: 4, participants: [], evaluation: null } as unknown as RoundRecord;
    expect(after(arm)).toEqual(after(alone));
    expect(after([...arm.slice(0, 2), deserted, ...arm.slice(2)])).toEqual(after(alone));
  });

  it("foresee the gap two rounds on, with a band that their own errors make", () => {
    const records = rounds(8, LEARNING);
    const told = records.map((record): RoundRecord => {
      const before = after(records.filter(({ round }) => round <= record.round - 2));
      const allocation = {
        ...record.allocation,
        constants: before,
        // As if the plan had been for the best rate.
        generalisationTerm: before.gapOffset + gapAt(before, rateOf(before)),
      };
      return { ...record, allocation } as unknown as RoundRecord;
    });
    const constants = after(told);
    const rate = rateOf(constants);
    const soon = reached(8, LEARNING) + LEARNING.pace * (1 - rate) ** LEARNING.exponent;
    const band = constants.gapDeviation as number;
    expect(Math.abs(constants.gapOffset + gapAt(constants, rate) - LEARNING.slope * soon)).toBeLessThan(
      2 * band,
    );
    expect(band).toBeLessThan(0.2);
    expect(after(told.slice(0, 4)).gapDeviation).toBeNull();
  });

  it("cap rates by θ only once rounds have told what masks cost, and the loss falls", () => {
    expect(after(rounds(12, LEARNING)).rateCap).toBeGreaterThan(0.6);
    expect(after(rounds(2, LEARNING)).rateCap).toBeNull();
    // A loss that rises says nothing of rates.
    expect(after(rounds(12, { ...LEARNING, pace: -0.05 })).rateCap).toBeNull();
  });

  it("leave the theorem's to who asks for them, and to runs that nobody evaluates", () => {
    expect(
      estimateConstants(rounds(6, LEARNING), 160, {
        ...{ form: "theorem", maxDropoutRate: MOST_DROPPED, roundsLeft: 10 },
      }),
    ).toMatchObject({
      form: "theorem",
      gapScale: 1,
    });
    const unseen = rounds(6, LEARNING).map((record) => ({ ...record, evaluation: null }));
    expect(after(unseen).form).toBe("theorem");
  });
});
