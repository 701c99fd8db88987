import { describe, expect, it } from "vitest";
import { medianSeconds, trainingSeconds, transferBitsPerSecond } from "./link-estimates.ts";

describe("training time", () => {
  it("recovers a line, from the last eight rounds only", () => {
    const line = (keepRate: number) => ({ keepRate, seconds: 3 + 0.5 * keepRate });
    const stale = { keepRate: 0.5, seconds: 99 };
    const fit = trainingSeconds([stale, ...[0.2, 0.9, 0.4, 0.6, 0.3, 0.8, 0.5, 0.7].map(line)])!;
    expect(fit.fixed).toBeCloseTo(3, 10);
    expect(fit.perKeepRate).toBeCloseTo(0.5, 10);
  });

  it("passes through the mean with parts of at least 0, whatever the noise", () => {
    for (const [a, b] of [
      [5, 1],
      [1, 5],
      [0.01, 9],
    ] as const) {
      const fit = trainingSeconds([
        { keepRate: 0.2, seconds: a },
        { keepRate: 0.8, seconds: b },
      ])!;
      expect(fit.fixed).toBeGreaterThanOrEqual(0);
      expect(fit.perKeepRate).toBeGreaterThanOrEqual(0);
      expect(fit.fixed + 0.5 * fit.perKeepRate).toBeCloseTo((a + b) / 2, 10);
    }
  });

  it("guesses the slope from one keep rate, so that the seen time is kept", () => {
    const fit = trainingSeconds([{ keepRate: 0.5, seconds: 2.1 }])!;
    expect(fit.fixed + 0.5 * fit.perKeepRate).toBeCloseTo(2.1, 12);
    expect(fit.perKeepRate / fit.fixed).toBeCloseTo(0.1, 12);
    expect(trainingSeconds([])).toBeNull();
  });
});

it("transfer rate is the harmonic mean of the last five long transfers", () => {
  const transfer = (bytes: number, seconds: number) => ({ bytes, seconds });
  // 1 MB/s and 3 MB/s: harmonic mean 1.5 MB/s = 12 Mbit/s. Short ones do not count.
  const history = [transfer(1e6, 1), transfer(100, 1e-6), transfer(3e6, 1), transfer(10, 5)];
  expect(transferBitsPerSecond(history)).toBeCloseTo(12e6, 3);
  const old = Array.from({ length: 5 }, () => transfer(1e6, 1));
  expect(transferBitsPerSecond([transfer(1e6, 100), ...old])).toBeCloseTo(8e6, 3);
  expect(transferBitsPerSecond([transfer(100, 1)])).toBeNull();
});

it("the median round trip is not moved by a stall", () => {
  expect(medianSeconds([0.02, 9, 0.03])).toBe(0.03);
  expect(medianSeconds([0.02, 0.04])).toBeCloseTo(0.03, 12);
  expect(medianSeconds([])).toBeNull();
});
