import { epsilonOf } from "@fedlodrop/privacy";
import { atOnce, createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { beginFold as beginFoldInPieces, type RoundTerms } from "./fold.ts";
import type { RoundPrivacy } from "./noisy-mean.ts";
import { ruleProblem } from "./rules.ts";
import type { Update } from "./update-rule.ts";

const shape = { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 2000, outFeatures: 2000 }], dense: [] };
const adapter = new Float32Array(4000).fill(0.5);
const random = createRandom("noisy-mean");
const privacy: RoundPrivacy = { clip: 2, noiseMultiplier: 0.5, uniform: () => 1 - random.uniform() };
const terms: RoundTerms = {
  shape,
  adapter,
  bounds: { largest: 32, rms: 32, product: 32 },
  isLeftOut: () => false,
  privacy,
};
const beginFold = (name: "mean", of: RoundTerms) => {
  const fold = beginFoldInPieces(name, of);
  return {
    admit: (update: Update) => atOnce(fold.admit(update)),
    finish: () => atOnce(fold.finish()),
  };
};
const everywhere = Uint32Array.from({ length: 4000 }, (_, i) => i);

/** What two devices that keep everything, and a third that keeps a half, make of it. */
function round(change: number, noise: Partial<RoundPrivacy> = {}) {
  const fold = beginFold("mean", { ...terms, privacy: { ...privacy, ...noise } });
  const admissions = ["p1", "p2"].map((participantId) =>
    fold.admit({
      participantId,
      weight: 7,
      indices: everywhere,
      changes: new Float32Array(4000).fill(change),
    }),
  );
  const half = everywhere.subarray(0, 2000);
  fold.admit({ participantId: "p3", weight: 1000, indices: half, changes: new Float32Array(2000) });
  return { admissions, ...fold.finish() };
}

const spread = (values: Float32Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

describe("the mean with noise", () => {
  it("clips every update, weighs all the same, and adds noise by how many kept a value", () => {
    const { adapter: noisy, admissions, contributions } = round(1);
    // 4000 ones are √4000 long: they come down to a norm of 2.
    expect(admissions[0]).toMatchObject({ factor: expect.closeTo(2 / Math.sqrt(4000), 6) });
    expect(contributions).toEqual(new Map(["p1", "p2", "p3"].map((id) => [id, 1 / 3])));
    const [by3, by2] = [noisy.subarray(0, 2000), noisy.subarray(2000)];
    // Deviation 0.5 · 2 on each sum; a deviation estimated from 2000 draws is within 8 %.
    expect(spread(by3)).toBeGreaterThan(0.92 / 3);
    expect(spread(by3)).toBeLessThan(1.08 / 3);
    expect(spread(by2)).toBeGreaterThan(0.92 / 2);
    expect(spread(by2)).toBeLessThan(1.08 / 2);
  });

  it("comes down to the mean of the clipped changes when there is next to no noise", () => {
    const { adapter: noisy } = round(1, { noiseMultiplier: 1e-9 });
    const clipped = 2 / Math.sqrt(4000);
    expect(noisy[0]).toBeCloseTo(0.5 + (2 * clipped) / 3, 5);
    expect(noisy[3999]).toBeCloseTo(0.5 + clipped, 5);
  });

  it("leaves alone what nobody kept", () => {
    const fold = beginFold("mean", terms);
    fold.admit({ participantId: "p1", weight: 1, indices: Uint32Array.of(3), changes: Float32Array.of(0.1) });
    const { adapter: noisy } = fold.finish();
    expect(noisy.filter((value) => value !== 0.5)).toHaveLength(1);
  });

  it("hides who took part as well as the accountant says, as far as a thousand rounds can tell", () => {
    // The likelihood ratio test between a device that sends its most and one that sends nothing.
    const epsilon = epsilonOf({ noiseMultiplier: 1, samplingRate: 1 }, 1, 0.05);
    const trials = 1000;
    const once = (change: number): number => {
      const fold = beginFold("mean", { ...terms, privacy: { ...privacy, noiseMultiplier: 1 } });
      fold.admit({
        participantId: "p1",
        weight: 1,
        indices: Uint32Array.of(0),
        changes: Float32Array.of(change),
      });
      return (fold.finish().adapter[0] as number) - 0.5;
    };
    let [hits, alarms] = [0, 0];
    for (let i = 0; i < trials; i++) {
      if (once(2) > 1) hits++;
      if (once(0) > 1) alarms++;
    }
    // P[hit] ≤ e^ε P[alarm] + δ
    expect(hits / trials).toBeLessThan(Math.exp(epsilon) * (alarms / trials) + 0.05 + 0.05);
    expect(hits).toBeGreaterThan(alarms);
  }, 60_000);
});

describe("rules that look at single updates", () => {
  it("are refused together with differential privacy, in plain words", () => {
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 1 };
    const config = {
      ...{ maxParticipants: 8, differentialPrivacy, quorum: 1 },
      ...{ secureAggregation: false, compareWith: null, examplePrivacy: null },
      evaluateOn: { kind: "coordinator" } as const,
    };
    expect(ruleProblem({ ...config, aggregation: "median" }, 100)).toContain("expected mean");
    expect(ruleProblem({ ...config, aggregation: "clipped-mean" }, 100)).toContain("expected mean");
    expect(ruleProblem({ ...config, aggregation: "mean" }, 100)).toBeNull();
    const compareWith = { method: "fedlora", dropoutRate: 0 } as const;
    expect(ruleProblem({ ...config, aggregation: "mean", compareWith }, 100)).toContain("one arm");
    expect(ruleProblem({ ...config, aggregation: "median", differentialPrivacy: null }, 100)).toBeNull();

    const onDevices = { ...config, aggregation: "mean", evaluateOn: { kind: "devices", every: 1 } } as const;
    expect(ruleProblem(onDevices, 100)).toBeNull();
    expect(ruleProblem({ ...onDevices, examplePrivacy: differentialPrivacy }, 100)).toContain("would tell");
    expect(ruleProblem({ ...onDevices, differentialPrivacy: null, compareWith }, 100)).toContain("own arm");
  });

  it("are refused with an ε that no noise keeps", () => {
    const promise = { epsilon: 0.003, delta: 1e-5, clip: 1 };
    const none = { differentialPrivacy: null, examplePrivacy: null };
    const config = {
      ...{ maxParticipants: 8, quorum: 1, aggregation: "mean" as const },
      ...{ secureAggregation: false, compareWith: null },
      evaluateOn: { kind: "coordinator" } as const,
    };
    for (const promised of [
      { ...none, differentialPrivacy: promise },
      { ...none, examplePrivacy: promise },
    ])
      expect(ruleProblem({ ...config, ...promised }, 100)).toBe(
        "epsilon: expected more than 0.0035 at δ = 0.00001, got 0.003: no noise keeps less",
      );
  });
});
