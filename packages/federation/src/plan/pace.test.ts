import { createRandom, type RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { estimatePace, priceOf, progressAt } from "./pace.ts";
import { own as participant, record } from "./plan.fixture.ts";

interface World {
  readonly progress: number;
  readonly exponent: number;
  /** Standard deviation of a round's progress. */
  readonly noise?: number;
  /** Added to a round's progress. */
  readonly absurd?: Partial<Record<number, number>>;
}

type RateOf = (round: number, device: number) => number;

/** Two devices at each of two rates, in turn. */
const inTurn =
  (...rates: readonly [number, number]): RateOf =>
  (round, device) =>
    rates[(device + round) % 2] as number;
/** All at one rate, which wanders from round to round. */
const wandering =
  (...rates: readonly [number, number]): RateOf =>
  (round) =>
    rates[0] + ((round % 4) / 3) * (rates[1] - rates[0]);

/** Four devices. */
function rounds(count: number, rateOf: RateOf, world: World): RoundRecord[] {
  const { progress, exponent, noise = 0, absurd = {} } = world;
  const random = createRandom("pace", count);
  let u = 0;
  return Array.from({ length: count }, (_, i): RoundRecord => {
    const round = i + 1;
    const rates = [0, 1, 2, 3].map((k) => rateOf(round, k));
    const made = rates.map((rate) => progressAt({ progress, exponent }, 1 - rate));
    u += made.reduce((a, b) => a + b) / 4 + noise * random.normal() + (absurd[round] ?? 0);
    const own = record(
      round,
      rates.map((dropoutRate, k) => participant(`p${k}`, { dropoutRate })),
    );
    return { ...own, evaluation: own.evaluation && { ...own.evaluation, trainLoss: 3 * Math.exp(-u) } };
  });
}

describe("the pace of a run", () => {
  it.each([0, 0.2, 0.5, 0.77, 0.85])("is positive and known at a rate of %s", (rate) => {
    const pace = estimatePace(rounds(10, inTurn(rate, rate + 0.05), { progress: 0.1, exponent: 1.5 }));
    expect(pace.progress).toBeGreaterThan(0.085);
    expect(pace.progress).toBeLessThan(0.115);
  });

  it("falls with the rate, at any rate, and never below nothing", () => {
    const pace = estimatePace(rounds(10, inTurn(0.85, 0.9), { progress: 0.1, exponent: 2.2, noise: 0.001 }));
    const all = Array.from({ length: 100 }, (_, i) => progressAt(pace, 1 - i / 100));
    expect(all.every((progress, i) => progress > 0 && (i === 0 || progress < (all[i - 1] as number)))).toBe(
      true,
    );
  });

  it.each([0.9, 1.3, 1.8])(
    "finds what dropping costs where rounds differ in rate: s to the power of %s",
    (exponent) => {
      const pace = estimatePace(rounds(16, wandering(0.1, 0.7), { progress: 0.1, exponent }));
      expect(Math.abs(pace.exponent - exponent)).toBeLessThan(0.2);
      expect(pace.error).toBeLessThan(pace.doubt / 3);
      const price = priceOf({ progress: 0.1, exponent }, 0.5);
      expect(Math.abs(priceOf(pace, 0.5) - price)).toBeLessThan(0.3 * price);
    },
  );

  it.each([0.5, 1.5, 3])(
    "knows no power where rounds are alike, however their devices differ: it stays as it was for s to the power of %s",
    (exponent) => {
      const pace = estimatePace(rounds(12, inTurn(0.3, 0.5), { progress: 0.1, exponent, noise: 0.002 }));
      expect(Math.abs(pace.exponent - 1.5)).toBeLessThan(0.1);
    },
  );

  it("keeps p within what is seen, also of a run that wobbles about standing still", () => {
    const { exponent } = estimatePace(
      rounds(12, inTurn(0.3, 0.5), { progress: 1e-4, exponent: 1, noise: 0.05 }),
    );
    expect(exponent).toBeGreaterThanOrEqual(0.5);
    expect(exponent).toBeLessThanOrEqual(4);
  });

  it.each([4, -4, 0.5, -0.5])(
    "is not moved far by one round that made absurd progress, as it may be by two: %s nats",
    (by) => {
      const world = { progress: 0.1, exponent: 1.2, noise: 0.002 };
      const calm = estimatePace(rounds(14, wandering(0.3, 0.5), world));
      for (const round of [9, 13]) {
        const moved = estimatePace(rounds(14, wandering(0.3, 0.5), { ...world, absurd: { [round]: by } }));
        expect(Math.abs(moved.progress - calm.progress)).toBeLessThan(0.3 * calm.progress);
        expect(Math.abs(priceOf(moved, 0.5) - priceOf(calm, 0.5))).toBeLessThan(0.3 * priceOf(calm, 0.5));
      }
    },
  );

  it("is unknown while nothing has been made", () => {
    expect(estimatePace([])).toMatchObject({ progress: 0 });
    expect(estimatePace(rounds(6, inTurn(0.3, 0.5), { progress: -0.1, exponent: 1 }))).toMatchObject({
      progress: 0,
    });
  });
});
