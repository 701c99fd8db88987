import { expect, test } from "vitest";
import { median, quantile } from "./quantile.ts";

test("quantiles are interpolated (worked by hand), whatever the order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 0], 0.25)).toBe(2.5);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile(new Set([1, 2, 3, 4, 5]), 0.9)).toBeCloseTo(4.6, 12);
  expect(quantile([-5, -1], 0)).toBe(-5);
});

test("an infinity beside the position does not spoil its neighbour", () => {
  expect(median([1, 2, Number.POSITIVE_INFINITY])).toBe(2);
});

test("nothing has no median", () => {
  expect(median([])).toBeNaN();
});
