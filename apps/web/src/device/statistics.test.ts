import { expect, it } from "vitest";
import { mean, quantile } from "./statistics.ts";

it("interpolates between ordered values", () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([4, 1, 3, 2], 0)).toBe(1);
  expect(quantile([4, 1, 3, 2], 1)).toBe(4);
  // numpy.quantile([0, 10, 20], 0.95) = 19
  expect(quantile([0, 10, 20], 0.95)).toBeCloseTo(19, 12);
  expect(quantile([7], 0.3)).toBe(7);
  expect(() => quantile([], 0.5)).toThrow("expected at least one value");
});

it("averages", () => expect(mean([1, 2, 6])).toBe(3));
