import { expect, it } from "vitest";
import { fromFloat16Bits, toFloat16Bits } from "./float16.ts";

/** Every half by its definition, in exact float64 arithmetic. */
const reference = (half: number): number => {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction / 1024 : 1 + fraction / 1024) * 2 ** (Math.max(exponent, 1) - 15);
};

it("reads all 65536 halves, and writes each back", () => {
  for (let half = 0; half < 65536; half++) {
    const value = fromFloat16Bits(half);
    if (!Object.is(value, reference(half))) expect.fail(`half ${half}: ${value}, not ${reference(half)}`);
    if (!Number.isNaN(value) && toFloat16Bits(value) !== half)
      expect.fail(`half ${half} is not written back`);
  }
  expect(Number.isNaN(fromFloat16Bits(toFloat16Bits(Number.NaN)))).toBe(true);
});

it("rounds to nearest, ties to even, between every two neighbouring halves", () => {
  for (let half = 0; half < 0x7bff; half++) {
    const low = reference(half);
    const high = reference(half + 1);
    const middle = (low + high) / 2; // Exact, also in f32.
    const even = half % 2 === 0 ? half : half + 1;
    const below = Math.fround(middle - (high - low) / 64);
    const above = Math.fround(middle + (high - low) / 64);
    if (toFloat16Bits(middle) !== even) expect.fail(`tie above half ${half}`);
    if (toFloat16Bits(below) !== half || toFloat16Bits(above) !== half + 1) expect.fail(`near half ${half}`);
    if (toFloat16Bits(-middle) !== (even | 0x8000)) expect.fail(`tie below half -${half}`);
  }
});

it("overflows to infinity from 65520 on", () => {
  expect(fromFloat16Bits(toFloat16Bits(65519.99))).toBe(65504);
  expect(fromFloat16Bits(toFloat16Bits(65520))).toBe(Number.POSITIVE_INFINITY);
  expect(fromFloat16Bits(toFloat16Bits(-1e30))).toBe(Number.NEGATIVE_INFINITY);
});
