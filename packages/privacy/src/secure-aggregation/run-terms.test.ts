import { createRandom, DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { largestChange, maskedBytes, secureTermsOf } from "./run-terms.ts";

/** How far AdamW takes a value that starts at 0, by its definition. */
function travelled(gradients: readonly number[], learningRate: number, weightDecay: number): number {
  let [value, m, v] = [0, 0, 0];
  gradients.forEach((gradient, i) => {
    m = 0.9 * m + 0.1 * gradient;
    v = 0.999 * v + 0.001 * gradient ** 2;
    const [mean, square] = [m / (1 - 0.9 ** (i + 1)), v / (1 - 0.999 ** (i + 1))];
    value -= learningRate * weightDecay * value;
    value -= (learningRate * mean) / (Math.sqrt(square) + 1e-8);
  });
  return Math.abs(value);
}

describe("the largest change of a round", () => {
  it("is never passed by AdamW, whatever the gradients, and is not much more than it can be", () => {
    const random = createRandom("gradients");
    for (let trial = 0; trial < 400; trial++) {
      const localSteps = 1 + random.below(60);
      const growth = random.uniform() * 3;
      const gradients = Array.from({ length: localSteps }, (_, i) =>
        trial % 2 ? random.normal() * Math.exp(growth * i * random.uniform()) : 1.1 ** i,
      );
      const weightDecay = trial % 3 ? 0 : 0.1;
      const limit = largestChange({ localSteps, learningRate: 2e-3, weightDecay });
      expect(travelled(gradients, 2e-3, weightDecay)).toBeLessThanOrEqual(limit * (1 + 1e-9));
    }
    const steady = travelled(Array(8).fill(1), 2e-3, 0);
    expect(steady).toBeCloseTo(8 * 2e-3, 6);
    expect(largestChange({ localSteps: 8, learningRate: 2e-3, weightDecay: 0 })).toBeLessThan(1.05 * steady);
  });
});

describe("a round's terms", () => {
  const shape = { rank: 1, alpha: 1, modules: [], dense: [] };
  const round = { runId: "r", shape, round: 2, cohortSize: 64 };

  it("take eight bytes a value for usual rounds, and three under noise", () => {
    expect(maskedBytes(DEFAULT_RUN_CONFIG, 64, 64 * 200)).toBe(8);
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 1 };
    expect(maskedBytes({ ...DEFAULT_RUN_CONFIG, differentialPrivacy }, 64, 64)).toBe(3);
  });

  it("ask for coarser grains and room for noise under differential privacy", () => {
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 0.001 };
    const config = { ...DEFAULT_RUN_CONFIG, differentialPrivacy };
    const plain = secureTermsOf({ ...round, config: DEFAULT_RUN_CONFIG, noiseMultiplier: null });
    const noisy = secureTermsOf({ ...round, config, noiseMultiplier: 3 });
    expect(plain).toMatchObject({ fractionBits: 54, largestNoise: 0 });
    expect(noisy.limit).toBe(0.001);
    expect(noisy.fractionBits).toBeLessThan(54);
    expect(noisy.largestNoise).toBeGreaterThan(0);
  });
});
