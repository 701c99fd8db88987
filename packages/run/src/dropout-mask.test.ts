import { describe, expect, it } from "vitest";
import { adapterLayout, adapterSize, initialAdapter } from "./adapter.ts";
import { drawDropoutMask, gatherValues, keptCount, keptIndices, keptValueCount } from "./dropout-mask.ts";

const shape = {
  rank: 2,
  alpha: 4,
  modules: [
    { name: "m0", inFeatures: 3, outFeatures: 4 },
    { name: "m1", inFeatures: 20, outFeatures: 10 },
  ],
  dense: [{ name: "head", shape: [2, 3], initialStandardDeviation: 0.02 }],
};
const key = { seed: "s", round: 5, participantId: "p3", dropoutRate: 0.4 };

describe("dropout masks", () => {
  it("are the same on both sides and different in each round, participant and seed", () => {
    const indices = (change: Partial<typeof key> = {}) =>
      keptIndices(shape, drawDropoutMask(shape, { ...key, ...change }));
    expect(indices()).toEqual(indices());
    for (const change of [{ round: 6 }, { participantId: "p4" }, { seed: "t" }])
      expect(indices(change)).not.toEqual(indices());
  });

  it("keep exactly ⌈(1−γ)n⌉", () => {
    expect([0, 0.1, 0.25, 0.7, 0.95].map((rate) => keptCount(10, rate))).toEqual([10, 9, 8, 3, 1]);
    expect(keptCount(1, 0.9)).toBe(1);
    for (const rate of [-0.1, 1, Number.NaN]) expect(() => keptCount(10, rate)).toThrow("[0, 1)");
    const [first, second] = drawDropoutMask(shape, key);
    expect([first!.keptColumns.length, first!.keptRows.length]).toEqual([2, 3]);
    expect([second!.keptColumns.length, second!.keptRows.length]).toEqual([12, 6]);
  });

  it("keep each column with probability (1−γ) and pairs as without replacement", () => {
    const rounds = 4000;
    const kept = new Array(20).fill(0);
    let both = 0;
    for (let round = 1; round <= rounds; round++) {
      const columns = drawDropoutMask(shape, { ...key, round })[1]!.keptColumns;
      for (const column of columns) kept[column]++;
      if (columns.includes(0) && columns.includes(1)) both++;
    }
    // Four standard errors of a share: 4·√(p(1−p)/4000).
    for (const count of kept) expect(Math.abs(count / rounds - 0.6)).toBeLessThan(0.031);
    expect(Math.abs(both / rounds - (12 * 11) / (20 * 19))).toBeLessThan(0.031);
  });

  it("name flat positions by the layout, dense parameters whole (worked by hand)", () => {
    const mask = [
      { keptColumns: Uint32Array.of(0, 2), keptRows: Uint32Array.of(1) },
      { keptColumns: Uint32Array.of(7), keptRows: Uint32Array.of(0, 9) },
    ];
    expect([...keptIndices(shape, mask)]).toEqual([
      ...[0, 2, 3, 5], // loraA [2, 3] at 0: columns 0 and 2 of both rows
      ...[8, 9], // loraB [4, 2] at 6: row 1
      ...[21, 41], // loraA [2, 20] at 14: column 7
      ...[54, 55, 72, 73], // loraB [10, 2] at 54: rows 0 and 9
      ...[74, 75, 76, 77, 78, 79], // the head
    ]);
  });

  it("count what they keep", () => {
    for (const dropoutRate of [0, 0.1, 0.33, 0.5, 0.9, 0.95])
      expect(keptValueCount(shape, dropoutRate)).toBe(
        keptIndices(shape, drawDropoutMask(shape, { ...key, dropoutRate })).length,
      );
    expect(keptValueCount(shape, 0)).toBe(adapterSize(shape));
  });

  it("gather in wire order", () => {
    expect([...gatherValues(Float32Array.of(5, 6, 7), Uint32Array.of(0, 2))]).toEqual([5, 7]);
  });
});

describe("the initial adapter", () => {
  const values = initialAdapter(shape, "s");
  const slice = (name: string) => {
    const { offset, size } = adapterLayout(shape).find((entry) => entry.name === name)!;
    return values.subarray(offset, offset + size);
  };
  it("changes nothing: loraB is zero, loraA is within ±1/√n", () => {
    expect([...slice("m0.loraB"), ...slice("m1.loraB")].every((value) => value === 0)).toBe(true);
    expect(slice("m1.loraA").every((value) => value !== 0 && Math.abs(value) <= 1 / Math.sqrt(20))).toBe(
      true,
    );
    expect(slice("head").every((value) => value !== 0 && Math.abs(value) < 0.1)).toBe(true);
  });
  it("follows the seed", () => {
    expect(initialAdapter(shape, "s")).toEqual(values);
    expect(initialAdapter(shape, "t")).not.toEqual(values);
  });
  it("lies in one flat vector without gaps", () => {
    expect(adapterLayout(shape).map(({ name, offset, size }) => [name, offset, size])).toEqual([
      ["m0.loraA", 0, 6],
      ["m0.loraB", 6, 8],
      ["m1.loraA", 14, 40],
      ["m1.loraB", 54, 20],
      ["head", 74, 6],
    ]);
    expect(adapterSize(shape)).toBe(80);
  });
});
