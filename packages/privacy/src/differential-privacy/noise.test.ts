import { randomBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { seededBytes } from "../secure-aggregation/rehearsal.fixture.ts";
import { clipFactor, discreteGaussian, grainOf, secureUniform } from "./noise.ts";

describe("discrete Gaussian noise", () => {
  it.each([0.6, 3, 1000.5])("has the probabilities of the definition at σ = %d", (deviation) => {
    const uniform = secureUniform(seededBytes("noise", deviation));
    const draws = 40_000;
    const width = Math.max(1, Math.round(deviation / 2));
    const cell = (x: number) => Math.round(x / width);
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const at = cell(discreteGaussian(deviation, uniform));
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    const mass = (x: number) => Math.exp(-(x * x) / (2 * deviation * deviation));
    const reach = Math.ceil(9 * deviation);
    const expected = new Map<number, number>();
    let total = 0;
    for (let x = -reach; x <= reach; x++) {
      total += mass(x);
      expected.set(cell(x), (expected.get(cell(x)) ?? 0) + mass(x));
    }
    let [square, cells] = [0, 0];
    for (const [at, m] of expected) {
      const wanted = (draws * m) / total;
      if (wanted < 20) continue;
      square += ((counts.get(at) ?? 0) - wanted) ** 2 / wanted;
      cells++;
    }
    // χ² with `cells` degrees: beyond five deviations chance does not go.
    expect(square).toBeLessThan(cells + 5 * Math.sqrt(2 * cells));
  });

  it("is another one each time", () => {
    const draw = () => discreteGaussian(1e6, secureUniform(randomBytes));
    expect(new Set([draw(), draw(), draw()]).size).toBe(3);
  });
});

describe("clipping", () => {
  it("shortens what is too long, and nothing else", () => {
    expect(clipFactor(Float32Array.of(3, 4), 10)).toBe(1);
    expect(clipFactor(Float32Array.of(3, 4), 1)).toBeCloseTo(0.2, 6);
    expect(clipFactor(Float32Array.of(3, 4), 1)).toBeLessThan(0.2);
    expect(clipFactor(new Float32Array(4), 1)).toBe(1);
  });

  it("knows the grain that noise hides", () => {
    expect(grainOf(2 ** 20)).toBe(1);
    expect(grainOf(1.9 * 2 ** 20)).toBe(1);
    expect(grainOf(0.001)).toBe(2 ** -30);
  });
});
