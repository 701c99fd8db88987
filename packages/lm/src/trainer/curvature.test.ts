import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { leastEigenvalue, leastRitzValue, type Multiply, meanDiagonal } from "./curvature.ts";

const times =
  (matrix: readonly (readonly number[])[]): Multiply =>
  async (vector) =>
    Float64Array.from(matrix, (row) =>
      row.reduce((sum, value, column) => sum + value * (vector[column] as number), 0),
    );

/** −1 2 −1 on the diagonals: eigenvalues 2 − 2cos(kπ/(n+1)), k = 1 … n. */
const secondDifference = (size: number): number[][] =>
  Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)),
  );

describe("the smallest eigenvalue", () => {
  it("of a tridiagonal matrix is known in closed form", () => {
    for (const size of [1, 2, 7, 30])
      expect(leastEigenvalue(Array(size).fill(2), Array(size - 1).fill(-1))).toBeCloseTo(
        2 - 2 * Math.cos(Math.PI / (size + 1)),
        12,
      );
  });

  it("is what Lanczos finds when its steps span the space, also with negative curvature", async () => {
    const find = (matrix: number[][]) =>
      leastRitzValue(times(matrix), matrix.length, matrix.length, -100, createRandom("lanczos"));
    expect(await find(secondDifference(12))).toBeCloseTo(2 - 2 * Math.cos(Math.PI / 13), 10);
    // Eigenvalues −1 and 3.
    expect(
      await find([
        [1, 2],
        [2, 1],
      ]),
    ).toBeCloseTo(-1, 12);
    // Every direction is an eigenvector: the first step closes the span.
    expect(
      await find([
        [5, 0, 0],
        [0, 5, 0],
        [0, 0, 5],
      ]),
    ).toBeCloseTo(5, 12);
  });

  it("is approached from above by few steps", async () => {
    const matrix = secondDifference(40).map((row, i) => row.map((value, j) => (i === j ? value + i : value)));
    const after = (steps: number, floor = 0) =>
      leastRitzValue(times(matrix), 40, steps, floor, createRandom("few"));
    const least = await after(40);
    const few = await Promise.all([2, 5, 10].map(after));
    expect(few.toSorted((a, b) => b - a)).toEqual(few);
    expect(few[2]).toBeGreaterThan(least);
    expect(few[0]).toBeLessThan(21);
    // A floor between two of its values stops it at the lower one.
    expect(await after(40, (few[0] as number) - 1e-9)).toBe(await after(3));
  });
});

describe("the mean of the diagonal", () => {
  it("is exact on a diagonal matrix and unbiased on another", async () => {
    const diagonal = [
      [3, 0, 0],
      [0, -1, 0],
      [0, 0, 7],
    ];
    expect(await meanDiagonal(times(diagonal), 3, 1, createRandom("one"))).toBe(3);
    expect(await meanDiagonal(times(secondDifference(20)), 20, 400, createRandom("many"))).toBeCloseTo(2, 1);
  });

  it("repeats from the same seed", async () => {
    const once = () => meanDiagonal(times(secondDifference(9)), 9, 2, createRandom("same"));
    expect(await once()).toBe(await once());
  });
});
