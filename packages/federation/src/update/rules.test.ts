/** What every rule owes, and what each does, by hand. */
import {
  AGGREGATIONS,
  type Aggregation,
  adapterSize,
  atOnce,
  createRandom,
  DEFAULT_RUN_CONFIG,
  initialAdapter,
  shuffled,
  subAdapter,
} from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { beginFold } from "./fold.ts";
import { ruleProblem, UPDATE_RULES } from "./rules.ts";
import type { UpdateBounds } from "./update-bounds.ts";
import type { Update } from "./update-rule.ts";

const shape = {
  rank: 3,
  alpha: 6,
  modules: [
    { name: "a", inFeatures: 17, outFeatures: 11 },
    { name: "b", inFeatures: 8, outFeatures: 23 },
  ],
  dense: [{ name: "head", shape: [2, 5], initialStandardDeviation: 0.1 }],
};
const size = adapterSize(shape);
const start = initialAdapter(shape, "rules").map((value, i) => value + 0.01 * Math.sin(i));
const unbounded = {
  largest: Number.POSITIVE_INFINITY,
  rms: Number.POSITIVE_INFINITY,
  product: Number.POSITIVE_INFINITY,
};
const combine = (
  name: Aggregation,
  updates: readonly Update[],
  bounds: UpdateBounds = unbounded,
  adapter = start,
) => {
  const fold = beginFold(name, { shape, adapter, bounds, isLeftOut: () => false });
  const admissions = updates.map((update) => atOnce(fold.admit(update)));
  return { ...atOnce(fold.finish()), admissions };
};
const hex = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");
const indicesOf = (participantId: string, dropoutRate: number): Uint32Array =>
  subAdapter(shape, { seed: "s", round: 1, participantId, dropoutRate }).indices;

/** Each with a mask of its own; magnitudes from 1e-9 to 10, so that a plain sum would depend on the order. */
const masked = Array.from({ length: 13 }, (_, k): Update => {
  const random = createRandom("rules", k);
  const participantId = `p${k + 1}`;
  const indices = indicesOf(participantId, 0.9 * random.uniform());
  const changes = Float32Array.from(indices, () => random.normal() * 10 ** (-9 + 10 * random.uniform()));
  return {
    participantId,
    indices,
    changes: changes.map((c) => Math.max(-32, Math.min(32, c))),
    weight: 1 + random.below(5000),
  };
});
const everything = indicesOf("all", 0);
const alike = ["p1", "p2", "p3", "p4", "p5"].map(
  (participantId, k): Update => ({ ...masked[0]!, participantId, weight: 10 + k }),
);

describe.each(AGGREGATIONS)("%s", (name) => {
  it("does not depend on the order of arrival, bit for bit", () => {
    const bounds = { ...unbounded, largest: 4, rms: 0.5, product: 8 };
    const { adapter, contributions } = combine(name, masked, bounds);
    for (let i = 0; i < 10; i++) {
      const order = shuffled(masked, createRandom("order", i));
      const again = combine(name, order, bounds);
      expect(hex(again.adapter)).toBe(hex(adapter));
      expect([...again.contributions]).toEqual([...contributions]);
    }
  });

  it("gives finite values and shares that sum to 1, with one device too", () => {
    for (let count = 1; count <= masked.length; count++) {
      const { adapter, contributions } = combine(name, masked.slice(0, count));
      expect(adapter.every(Number.isFinite)).toBe(true);
      const shares = [...contributions.values()];
      expect(shares).toHaveLength(count);
      expect(shares.every((share) => share >= 0)).toBe(true);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    }
  });

  it("takes one device at its word, where it kept something, and leaves the rest alone", () => {
    const [only] = masked as [Update];
    const expected = start.slice();
    only.indices.forEach((index, i) => {
      expected[index] = start[index]! + only.changes[i]!;
    });
    expect(hex(combine(name, [only]).adapter)).toBe(hex(expected));
  });

  it("is the mean of updates that are all the same", () => {
    const { adapter } = combine(name, alike);
    const expected = combine("mean", alike).adapter;
    // Sums of equal values may round in their last float64 digit, seldom in the f32.
    adapter.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1.2e-7 * Math.abs(expected[i]!));
    });
  });

  it("changes only what somebody kept, and nothing without updates", () => {
    const { adapter } = combine(name, masked.slice(0, 2));
    const kept = new Set(masked.slice(0, 2).flatMap(({ indices }) => [...indices]));
    adapter.forEach((value, i) => {
      if (!kept.has(i)) expect(value).toBe(start[i]);
    });
    expect(hex(combine(name, []).adapter)).toBe(hex(start));
    expect(combine(name, []).contributions.size).toBe(0);
  });

  it("goes on when nobody has anything in common", () => {
    const updates = Array.from(
      { length: 6 },
      (_, k): Update => ({
        participantId: `p${k}`,
        indices: Uint32Array.of(2 * k, 2 * k + 1),
        changes: Float32Array.of(1, -1),
        weight: 1,
      }),
    );
    expect(combine(name, updates).adapter.every(Number.isFinite)).toBe(true);
  });

  it.runIf(name !== "mean")("leaves out who has gone against the others, still measured", () => {
    const fold = beginFold(name, {
      shape,
      adapter: start,
      bounds: unbounded,
      isLeftOut: (id) => id === "p3",
    });
    const updates = [alike[0]!, alike[1]!, { ...masked[2]!, participantId: "p3" }];
    const admissions = updates.map((update) => atOnce(fold.admit(update)));
    expect(admissions.map(({ factor }) => factor)).toEqual([1, 1, 0]);
    const { adapter, contributions } = atOnce(fold.finish());
    expect(hex(adapter)).toBe(hex(combine(name, updates.slice(0, 2)).adapter));
    expect(contributions.get("p3")).toBe(0);
    expect([...contributions.keys()]).toEqual(["p1", "p2", "p3"]);
  });

  it("does not write to what it was given", () => {
    const before = [hex(start), hex(masked[0]!.changes)];
    combine(name, masked, { ...unbounded, largest: 1e-3, rms: 1e-3, product: 1e-3 });
    expect([hex(start), hex(masked[0]!.changes)]).toEqual(before);
  });

  it.runIf(name !== "mean")("bounds an update by the round's bounds and says by how much", () => {
    const wild: Update = {
      participantId: "p1",
      indices: everything,
      changes: new Float32Array(size).fill(32),
      weight: 1,
    };
    const { adapter, admissions } = combine(name, [wild], { ...unbounded, rms: 0.25 });
    expect(admissions[0]).toMatchObject({ rms: 32, factor: 0.25 / 32 });
    adapter.forEach((value, i) => {
      expect(Math.abs(value - start[i]!)).toBeLessThan(0.2501);
    });
    expect(combine(name, [wild]).admissions[0]!.factor).toBe(1);
  });
});

/** One value for each keeper of coordinate 0; null did not keep it. */
const atCoordinate = (values: readonly (number | null)[]): Update[] =>
  values.map((value, k) => ({
    participantId: `p${k}`,
    indices: value === null ? Uint32Array.of(1) : Uint32Array.of(0, 1),
    changes: value === null ? Float32Array.of(0) : Float32Array.of(value, 0),
    weight: k === 0 ? 100 : 1,
  }));
const zero = new Float32Array(size);
const first = (name: Aggregation, values: readonly (number | null)[]): number =>
  combine(name, atCoordinate(values), unbounded, zero).adapter[0]!;

describe("by hand", () => {
  it("mean weighs by samples; unbounded, it is ruined by one", () => {
    expect(first("mean", [1, 2])).toBeCloseTo((100 + 2) / 101, 6);
    expect(combine("mean", masked, { ...unbounded, rms: 1e-9 }).admissions[0]!.factor).toBe(1);
  });

  it("median is among the keepers, one voice each", () => {
    expect(first("median", [9, 1, 2])).toBe(2);
    expect(first("median", [9, 1, null, 2, 4, null])).toBe(3);
    expect(first("median", [null, -5])).toBe(-5);
  });

  it("trimmed mean leaves out a quarter of the round at each end, wherever they kept", () => {
    expect(first("trimmed-mean", [1, 2, 3, 4])).toBe(2.5);
    expect(first("trimmed-mean", [32, 1, 2, -32])).toBe(1.5);
    // Eight in the round: two go at each end even where five kept the coordinate.
    expect(first("trimmed-mean", [32, 31, 1, 2, 3, null, null, null])).toBe(3);
    expect(first("trimmed-mean", [32, 1, null, null, null, null, null, null])).toBe(16.5);
  });

  it("krum leaves out those without company, and says so", () => {
    const random = createRandom("krum");
    const near = Array.from(
      { length: 7 },
      (_, k): Update => ({
        participantId: `p${k}`,
        indices: indicesOf(`p${k}`, 0.5),
        changes: Float32Array.from(indicesOf(`p${k}`, 0.5), () => 0.1 + 0.01 * random.normal()),
        weight: 1,
      }),
    );
    const far = near.slice(0, 2).map((update, k) => ({
      ...update,
      participantId: `x${k}`,
      changes: update.changes.map((change) => (k === 0 ? -change : 10 * random.normal())),
    }));
    const { adapter, contributions } = combine("krum", [...far, ...near], unbounded, zero);
    expect(contributions.get("x0")).toBe(0);
    expect(contributions.get("x1")).toBe(0);
    expect(adapter.every((value) => value === 0 || (value > 0.05 && value < 0.15))).toBe(true);
  });
});

describe("memory", () => {
  it("is bounded, beforehand and in words, where a rule keeps every update", () => {
    const problem = (aggregation: Aggregation, maxParticipants: number) =>
      ruleProblem({ ...DEFAULT_RUN_CONFIG, aggregation, maxParticipants }, 590_000);
    for (const name of AGGREGATIONS) {
      const streams = UPDATE_RULES[name].memory === "streaming";
      expect(problem(name, 64)).toBeNull();
      expect(problem(name, 10_000) === null).toBe(streams);
    }
    expect(problem("median", 10_000)).toBe(
      "aggregation: median keeps every update until the round closes, which takes 47200 MB for 10000 participants; " +
        "expected at most 1074 MB: take clipped-mean, or fewer participants",
    );
  });
});
