/** Worked by hand, or by numpy.corrcoef. */
import { expect, test } from "vitest";
import { matthews, pearson, positiveF1, spearman } from "./metrics.ts";

test("Matthews' correlation, of two classes and of three", () => {
  // TP 3, TN 4, FP 1, FN 2: (12 − 2) / √(4 · 5 · 5 · 6).
  const actual = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
  const predicted = [1, 1, 1, 0, 0, 0, 0, 0, 0, 1];
  expect(matthews(predicted, actual)).toBeCloseTo(10 / Math.sqrt(4 * 5 * 5 * 6), 12);
  expect(positiveF1(predicted, actual)).toBeCloseTo(6 / 9, 12);
  // Of two classes it is Pearson's correlation of zeros and ones.
  expect(matthews(predicted, actual)).toBeCloseTo(pearson(predicted, actual) as number, 12);
  // 4 of 6 right, each class twice on both sides: (4 · 6 − 12) / (36 − 12).
  expect(matthews([0, 1, 1, 0, 2, 2], [0, 1, 2, 0, 2, 1])).toBeCloseTo(0.5, 12);
  expect(matthews(actual, actual)).toBe(1);
  expect(matthews([1, 1, 1], [0, 1, 0])).toBe(0);
});

test("Pearson's and Spearman's correlations, equal values sharing a rank", () => {
  const [a, b] = [
    [1, 2, 3, 4, 5, 5],
    [2, 1, 4, 3, 7, 8],
  ];
  expect(pearson(a as number[], b as number[])).toBeCloseTo(0.8642891345808451, 12);
  expect(spearman(a as number[], b as number[])).toBeCloseTo(0.8696565534786727, 12);
  expect(pearson([1, 2, 3], [-2, -4, -6])).toBeCloseTo(-1, 12);
  expect(pearson([1, 1], [1, 2])).toBeUndefined();
  expect(spearman([1, 2, 3], [1, 10, 100])).toBeCloseTo(1, 12);
});
