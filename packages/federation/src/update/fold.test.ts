import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";
import { atOnce, createRandom, drawDropoutMask, keptIndices, shuffled } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { type Admission, beginFold, type FoldedRound, outOfRange } from "./fold.ts";
import { MAX_ABSOLUTE_CHANGE, type Update } from "./update-rule.ts";

const bounds = {
  largest: Number.POSITIVE_INFINITY,
  rms: Number.POSITIVE_INFINITY,
  product: Number.POSITIVE_INFINITY,
};

interface FoldAtOnce {
  readonly count: number;
  admit(update: Update): Admission;
  finish(): FoldedRound;
}

/** A plain mean into an adapter of one dense parameter, whose values need not be a product's. */
function meanOf(size: number, adapter = new Float32Array(size)): FoldAtOnce {
  const dense = [{ name: "values", shape: [size], initialStandardDeviation: 0 }];
  const shape = { rank: 1, alpha: 1, modules: [], dense };
  const fold = beginFold("mean", { shape, adapter, bounds, isLeftOut: () => false });
  return {
    get count() {
      return fold.count;
    },
    admit: (update) => atOnce(fold.admit(update)),
    finish: () => atOnce(fold.finish()),
  };
}

describe("the exact mean", () => {
  it("is the sample-weighted mean over those who kept a coordinate (worked by hand)", () => {
    const fold = meanOf(4, Float32Array.of(10, 10, 10, 10));
    fold.admit({
      participantId: "b",
      changes: Float32Array.of(1, 2),
      indices: Uint32Array.of(0, 1),
      weight: 3,
    });
    fold.admit({
      participantId: "a",
      changes: Float32Array.of(4, -8),
      indices: Uint32Array.of(1, 2),
      weight: 1,
    });
    expect(fold.count).toBe(2);
    // 0: 1 alone; 1: (3·2 + 1·4)/4 = 2.5; 2: −8 alone; 3: kept by nobody.
    const { adapter, contributions } = fold.finish();
    expect([...adapter]).toEqual([11, 12.5, 2, 10]);
    expect([...contributions]).toEqual([
      ["a", 0.25],
      ["b", 0.75],
    ]);
  });

  const shape = {
    rank: 3,
    alpha: 6,
    modules: [
      { name: "a", inFeatures: 17, outFeatures: 11 },
      { name: "b", inFeatures: 8, outFeatures: 23 },
    ],
    dense: [{ name: "head", shape: [2, 5], initialStandardDeviation: 0.1 }],
  };
  const size = 3 * (17 + 11 + 8 + 23) + 10;
  const updates = Array.from({ length: 40 }, (_, k) => {
    const random = createRandom("aggregate", k);
    const dropoutRate = 0.9 * random.uniform();
    const indices = keptIndices(
      shape,
      drawDropoutMask(shape, { seed: "s", round: 1, participantId: `p${k}`, dropoutRate }),
    );
    // Magnitudes from 1e-9 to 10: a plain float64 sum would round differently in each order.
    const changes = Float32Array.from(indices, () => random.normal() * 10 ** (-9 + 10 * random.uniform()));
    return {
      participantId: `p${k}`,
      indices,
      changes: changes.map((c) => Math.max(-32, Math.min(32, c))),
      weight: 1 + random.below(5000),
    };
  });
  const aggregate = (order: typeof updates): Float32Array => {
    const fold = meanOf(size);
    for (const update of order) fold.admit(update);
    return fold.finish().adapter;
  };

  it("agrees with a dense float64 reference", () => {
    const sums = new Float64Array(size);
    const weights = new Float64Array(size);
    for (const { indices, changes, weight } of updates)
      indices.forEach((index, i) => {
        sums[index]! += weight * changes[i]!;
        weights[index]! += weight;
      });
    const result = aggregate(updates);
    result.forEach((value, i) => {
      const expected = weights[i] === 0 ? 0 : sums[i]! / weights[i]!;
      // f32 rounds the result: half an ulp is 6e-8 relative; the reference's own rounding is far below.
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-7 * Math.abs(expected) + 1e-15);
    });
  });

  it("does not depend on the order of arrival, bit for bit", () => {
    const first = Buffer.from(aggregate(updates).buffer).toString("hex");
    for (let i = 0; i < 20; i++) {
      const order = shuffled(updates, createRandom("order", i));
      expect(Buffer.from(aggregate(order).buffer).toString("hex")).toBe(first);
    }
  });

  it("stays exact at the edge of its range", () => {
    const run = (order: readonly number[]): number => {
      const fold = meanOf(1);
      for (const [k, change] of order.entries())
        fold.admit({
          participantId: `p${k}`,
          changes: Float32Array.of(change),
          indices: Uint32Array.of(0),
          weight: MAX_SAMPLE_COUNT,
        });
      return fold.finish().adapter[0]!;
    };
    // Float64 alone would lose the small term between the two large ones.
    const small = 2 ** -60;
    expect(run([32, small, -32])).toBe(run([32, -32, small]));
    expect(run([32, small, -32])).toBe(Math.fround(small / 3));
  });

  it("says which value is out of range", () => {
    expect(atOnce(outOfRange(Float32Array.of(0, -MAX_ABSOLUTE_CHANGE)))).toBeNull();
    expect(atOnce(outOfRange(Float32Array.of(0, 33)))).toMatch(/got 33 at value 1/);
    expect(atOnce(outOfRange(Float32Array.of(Number.NaN)))).toMatch(/NaN/);
  });

  it("throws on a broken contract", () => {
    const fold = meanOf(2);
    const admit = (change: number, places: readonly number[], weight: number, participantId = "p1") =>
      fold.admit({
        participantId,
        changes: Float32Array.of(change),
        indices: Uint32Array.from(places),
        weight,
      });
    expect(() => admit(1, [0, 1], 1)).toThrow(/expected 2 changes, got 1/);
    for (const weight of [0, 1.5, MAX_SAMPLE_COUNT + 1, Number.NaN])
      expect(() => admit(1, [0], weight)).toThrow(/whole weight/);
    expect(() => admit(100, [0], 1)).toThrow(/within ±32/);
    expect(fold.count).toBe(0);
    admit(1, [0], 1);
    expect(() => admit(1, [0], 1)).toThrow("aggregate: expected one update of p1, got a second");
  });
});
