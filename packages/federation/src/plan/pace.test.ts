import { createRandom, type RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { estimatePace, priceOf, progressAt } from "./pace.ts";
import { own, record } from "./plan.fixture.ts";

interface World {
  readonly progress: number;
  readonly exponent: number;
  /** Standard deviation of a round's progress. */
  readonly noise?: number;
  /** Added to a round's progress. */
  readonly absurd?: Partial<Record<number, number>>;
}

/** Four devices, two at each rate in turn, and what each half's leaning shows. */
function rounds(count: number, rates: readonly [number, number], world: World): RoundRecord[] {
  const { progress, exponent, noise = 0, absurd = {} } = world;
  const random = createRandom("pace", count);
  const at = (dropoutRate: number): number => progressAt({ progress, exponent }, 1 - dropoutRate);
  let u = 0;
  return Array.from({ length: count }, (_, i): RoundRecord => {
    const round = i + 1;
    u += (at(rates[0]) + at(rates[1])) / 2 + noise * random.normal() + (absurd[round] ?? 0);
    const sideOf = (k: number) => ((k + round) % 2 === 0 ? "high" : "low");
    const ids = [0, 1, 2, 3];
    const made = record(
      round,
      ids.map((k) => own(`p${k}`, { dropoutRate: rates[sideOf(k) === "high" ? 1 : 0] })),
    );
    const trainLoss = 3 * Math.exp(-u);
    const apart = (at(rates[0]) - at(rates[1])) / 2;
    return {
      ...made,
      allocation: {
        devices: ids.map((k) => ({ id: `p${k}`, dither: 0, side: sideOf(k) })),
      } as unknown as RoundRecord["allocation"],
      evaluation: {
        ...(made.evaluation as NonNullable<RoundRecord["evaluation"]>),
        trainLoss,
        contrast: {
          low: { trainLoss: trainLoss * Math.exp(-apart / 2) },
          high: { trainLoss: trainLoss * Math.exp(apart / 2) },
        },
      },
    };
  });
}

describe("the pace of a run", () => {
  it.each([0, 0.2, 0.5, 0.77, 0.85])("is positive and known at a rate of %s", (rate) => {
    const pace = estimatePace(rounds(10, [rate, rate + 0.05], { progress: 0.1, exponent: 1.5 }));
    expect(pace.progress).toBeGreaterThan(0.085);
    expect(pace.progress).toBeLessThan(0.115);
  });

  it("falls with the rate, at any rate, and never below nothing", () => {
    const pace = estimatePace(rounds(10, [0.85, 0.9], { progress: 0.1, exponent: 2.2, noise: 0.001 }));
    const all = Array.from({ length: 100 }, (_, i) => progressAt(pace, 1 - i / 100));
    expect(all.every((progress, i) => progress > 0 && (i === 0 || progress < (all[i - 1] as number)))).toBe(
      true,
    );
  });

  it.each([0.9, 1.3, 1.8])(
    "finds what dropping costs, by what sides differ in: s to the power of %s",
    (exponent) => {
      const pace = estimatePace(rounds(12, [0.3, 0.5], { progress: 0.1, exponent }));
      expect(Math.abs(pace.exponent - exponent)).toBeLessThan(0.25);
      const price = priceOf({ progress: 0.1, exponent }, 0.5);
      expect(Math.abs(priceOf(pace, 0.5) - price)).toBeLessThan(0.3 * price);
    },
  );

  it("goes by the side that a device was on, also where a rate could not be raised", () => {
    const seen = rounds(12, [0.3, 0.5], { progress: 0.1, exponent: 0.9 });
    const sideless = seen.map(
      (own): RoundRecord => ({
        ...own,
        allocation: {
          devices: own.allocation?.devices.map((device) => ({ ...device, side: null })),
        } as unknown as RoundRecord["allocation"],
      }),
    );
    expect(estimatePace(seen).exponent).toBeLessThan(1.15);
    // A record from before sides were kept compares nothing.
    const alone = seen.map(
      (own): RoundRecord => ({
        ...own,
        evaluation: own.evaluation && { ...own.evaluation, contrast: null },
      }),
    );
    expect(estimatePace(sideless)).toEqual(estimatePace(alone));
  });

  it("keeps p within what is seen, also of a run that wobbles about standing still", () => {
    const { exponent } = estimatePace(rounds(12, [0.3, 0.5], { progress: 1e-4, exponent: 1, noise: 0.05 }));
    expect(exponent).toBeGreaterThanOrEqual(0.5);
    expect(exponent).toBeLessThanOrEqual(4);
  });

  it("is not moved by a few rounds that made absurd progress", () => {
    const world = { progress: 0.1, exponent: 1.2, noise: 0.002 };
    const calm = estimatePace(rounds(14, [0.3, 0.5], world));
    for (const by of [4, -4]) {
      const moved = estimatePace(rounds(14, [0.3, 0.5], { ...world, absurd: { 9: by, 13: by } }));
      expect(Math.abs(moved.progress - calm.progress)).toBeLessThan(0.2 * calm.progress);
      expect(Math.abs(priceOf(moved, 0.5) - priceOf(calm, 0.5))).toBeLessThan(0.3 * priceOf(calm, 0.5));
    }
  });

  it("is unknown while nothing has been made", () => {
    expect(estimatePace([])).toMatchObject({ progress: 0 });
    expect(estimatePace(rounds(6, [0.3, 0.5], { progress: -0.1, exponent: 1 }))).toMatchObject({
      progress: 0,
    });
  });
});
