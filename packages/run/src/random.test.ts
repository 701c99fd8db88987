import { expect, it } from "vitest";
import { createRandom, sampleWithoutReplacement, shuffled } from "./random.ts";

it("repeats its stream from the same words and differs for others", () => {
  const words = (...parts: (string | number)[]): number[] => {
    const random = createRandom(...parts);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  expect(words("seed", 3, "p1")).toEqual(words("seed", 3, "p1"));
  expect(words("seed", 3, "p1")).not.toEqual(words("seed", 3, "p2"));
  expect(words("ab", "c")).not.toEqual(words("a", "bc"));
  // Pinned: a change here changes every mask of every stored run.
  expect(words("golden").slice(0, 3)).toEqual([3081497296, 1187441772, 1016599523]);
});

it("draws integers below a bound evenly", () => {
  const random = createRandom("below");
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.below(7)]++;
  // χ² with 6 degrees of freedom: below 22.5 with probability 0.999.
  expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5);
});

it("takes the remainder exactly, also beyond 31 bits", () => {
  for (const bound of [1, 3, 65_537, 2 ** 31 - 1, 2 ** 31 + 5, 3 * 2 ** 30, 2 ** 32 - 1, 2 ** 32]) {
    const [fast, plain] = [createRandom("remainder"), createRandom("remainder")];
    const limit = 2n ** 32n - (2n ** 32n % BigInt(bound));
    for (let i = 0; i < 1000; i++) {
      let value = BigInt(plain.uint32());
      while (value >= limit) value = BigInt(plain.uint32());
      expect(fast.below(bound)).toBe(Number(value % BigInt(bound)));
    }
  }
});

it("draws standard normal deviates", () => {
  const random = createRandom("normal");
  const values = Array.from({ length: 40_000 }, () => random.normal());
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  // Four standard errors: 4/√40000 and 4·√(2/40000).
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.029);
});

it("samples ascending subsets without replacement", () => {
  const random = createRandom("sample");
  for (let i = 0; i < 200; i++) {
    const size = 1 + random.below(40);
    const sample = sampleWithoutReplacement(size, random.below(size + 1), random);
    expect([...new Set(sample)].sort((a, b) => a - b)).toEqual([...sample]);
    expect([...sample].every((index) => index < size)).toBe(true);
  }
  // Pinned, as above.
  expect([...sampleWithoutReplacement(20, 7, createRandom("golden"))]).toEqual([0, 6, 7, 8, 12, 14, 16]);
  expect(() => sampleWithoutReplacement(3, 4, random)).toThrow("from 0 to 3, got 4");
});

it("shuffles a copy", () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const result = shuffled(items, createRandom("shuffle"));
  expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...result].sort()).toEqual(items);
  expect(result).not.toEqual(items);
});
