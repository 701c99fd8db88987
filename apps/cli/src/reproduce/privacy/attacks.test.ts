import { adapterShape, createTrainer, type Dataset, maskedGradient } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { createRandom, gatherValues, initialAdapter, subAdapter } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { shipped } from "../../shipped.ts";
import { invert } from "./inversion.ts";
import { ATTACKS, judge, type Trial } from "./membership.ts";

const { model } = await readModel(shipped("models/base"));
const shape = adapterShape(model.config, { rank: 4, alpha: 8, targetModules: null });
const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });
const training = {
  localSteps: 1,
  batchSize: 1,
  sequenceLength: 8,
  learningRate: 1e-3,
  weightDecay: 0,
  rescale: "inverted" as const,
};
const random = createRandom("attacks");
const adapter = initialAdapter(shape, "a").map((value) => value + 0.02 * random.normal());
const texts = Array.from({ length: 6 }, () => Int32Array.from({ length: 7 }, () => 1 + random.below(2000)));

describe("an attacker's gradient", () => {
  it.each([0, 0.4])(
    "is the one that the device's step took, at a dropout rate of %f",
    async (dropoutRate) => {
      const own = subAdapter(shape, { seed: "s", round: 1, participantId: "p1", dropoutRate });
      const values = gatherValues(adapter, own.indices);
      const dataset: Dataset = { kind: "language-model", windows: [texts[0]!] };
      const request = { mask: own.mask, dropoutRate, values, training, batchSeed: "b" };
      const { delta, steps } = await trainer.trainRound(request, dataset);
      const gradient = await maskedGradient(
        trainer,
        shape,
        { dropoutRate, rescale: "inverted", indices: own.indices, values },
        dataset,
      );
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
      expect(norm / steps[0]!.gradientNorm).toBeCloseTo(1, 4);
      // A first step of AdamW is the gradient's sign.
      const wrong = gradient.filter(
        (value, i) => Math.abs(value) > 1e-5 * norm && Math.sign(value) !== -Math.sign(delta[i]!),
      );
      expect(wrong).toHaveLength(0);
    },
  );
});

describe("inversion", () => {
  it("finds a text that nothing hides, and not one under as much noise as there is update", async () => {
    const task = {
      trainer,
      shape,
      adapter,
      training,
      texts,
      vocabulary: [...texts.flatMap((t) => [...t])],
      candidates: 12,
    };
    const open = await invert(task, { dropoutRate: 0, localSteps: 1, noise: 0 }, 2);
    expect(open.rank).toBe(1);
    expect(open.found).toBeGreaterThan(0.6);
    const hidden = await invert(task, { dropoutRate: 0, localSteps: 1, noise: 100 }, 2);
    expect(hidden.found).toBeLessThan(open.found);
  }, 60_000);
});

describe("membership", () => {
  /** Losses that fall by `gap` where a text was trained on; texts differ far more than that. */
  const trials = (gap: number): Trial[] =>
    Array.from({ length: 24 }, (_, run) => {
      const draw = createRandom("run", run);
      const isMember = Array.from({ length: 60 }, () => draw.uniform() < 0.5);
      return {
        isMember,
        losses: isMember.map((is, k) => 3 + 0.2 * k - (is ? gap : 0) + 0.1 * draw.normal()),
      };
    });
  const areaOf = (attack: keyof typeof ATTACKS, gap: number): number => {
    const all = trials(gap);
    const base = all[0]!.losses.map((_, k) => 3 + 0.2 * k);
    const scores = ATTACKS[attack](all, base);
    const areas = all.map(({ isMember }, run) => judge(scores[run]!, isMember).area);
    return areas.reduce((sum, area) => sum + area, 0) / areas.length;
  };

  it("is guessed where training leaves no trace, and told where it does, by shadows best where texts differ", () => {
    for (const attack of ["loss", "calibrated", "lira"] as const)
      expect(Math.abs(areaOf(attack, 0) - 0.5)).toBeLessThan(0.05);
    // Two normal distributions 2 deviations apart: Φ(2/√2) = 0.921.
    expect(areaOf("calibrated", 0.2)).toBeCloseTo(0.921, 1);
    expect(areaOf("lira", 0.2)).toBeGreaterThan(0.87);
    expect(areaOf("loss", 0.2)).toBeLessThan(0.55);
  });

  it("is counted at a rate of false alarms of one in twenty", () => {
    const isMember = Array.from({ length: 200 }, (_, i) => i < 100);
    const certain = isMember.map((is, i) => (is ? 1000 : 0) + i);
    expect(judge(certain, isMember)).toEqual({ area: 1, foundAtFivePercent: 1 });
    const same = judge(Array(200).fill(1), isMember);
    expect(same).toEqual({ area: 0.5, foundAtFivePercent: 0 });
  });
});
