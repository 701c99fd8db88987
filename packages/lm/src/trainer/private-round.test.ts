import { readFileSync } from "node:fs";
import { createRandom, drawDropoutMask, gatherValues, initialAdapter, keptIndices } from "@fedlodrop/run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adapterShape } from "../adapter/lora.ts";
import type { Dataset } from "../data/dataset.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { nodeHost, readModel } from "../node.ts";
import { createTrainer } from "./open.ts";
import { type ExamplePrivacy, samplingRate, trainPrivately } from "./private-round.ts";
import type { LocalTrainer } from "./trainer.ts";

const folder = new URL("../../../../models/base/", import.meta.url).pathname;

describe("a round of DP-SGD", { timeout: 120_000 }, () => {
  let model: LanguageModel;
  let trainer: LocalTrainer;
  let windows: readonly Int32Array[];
  beforeAll(async () => {
    const loaded = await readModel(folder);
    model = loaded.model;
    const ids = loaded.tokenizer.encode(readFileSync(`${folder}README.md`, "utf8"));
    windows = Array.from({ length: 6 }, (_, i) => Int32Array.from(ids.slice(16 * i, 16 * i + 17)));
    trainer = await createTrainer({ backend: "wasm", model, adapter: shape(), wasmHost: nodeHost(1) });
  }, 60_000);
  afterAll(() => trainer?.dispose());

  const shape = () => adapterShape(model.config, { rank: 4, alpha: 8, targetModules: null });
  const texts = (rows: readonly Int32Array[]): Dataset => ({ kind: "language-model", windows: rows });
  function request(localSteps: number, batchSize: number, dropoutRate: number) {
    const mask = drawDropoutMask(shape(), { seed: "dp", round: 1, participantId: "a", dropoutRate });
    const indices = keptIndices(shape(), mask);
    const random = createRandom("dp");
    const adapter = initialAdapter(shape(), "dp").map((value) => value + 0.01 * random.normal());
    return {
      ...{ mask, indices, dropoutRate, batchSeed: "dp" },
      values: gatherValues(adapter, indices),
      training: {
        localSteps,
        batchSize,
        learningRate: 2e-3,
        weightDecay: 0.01,
        rescale: "inverted" as const,
      },
    };
  }
  const open: ExamplePrivacy = { clip: 1e9, grain: 2 ** -40, uniform: () => 0.5, addNoise: () => {} };

  it.each([0, 0.4])(
    "is the trainer's own round when everybody is drawn, nothing clipped or added (γ %f)",
    async (rate) => {
      const asked = request(4, windows.length, rate);
      const plain = await trainer.trainRound(asked, texts(windows));
      const ours = await trainPrivately(trainer, shape(), asked, texts(windows), open);
      ours.steps.forEach(({ loss, gradientNorm }, i) => {
        expect(loss / plain.steps[i]!.loss).toBeCloseTo(1, 4);
        expect(gradientNorm / plain.steps[i]!.gradientNorm).toBeCloseTo(1, 3);
      });
      const distance = Math.hypot(...ours.delta.map((value, i) => value - plain.delta[i]!));
      expect(distance / Math.hypot(...plain.delta)).toBeLessThan(0.02);
    },
  );

  it("lets one text move the sum by the clipping norm at most, and sums are all that it goes on from", async () => {
    const [clip, grain] = [0.05, 2 ** -14];
    const sumsOf = async (rows: readonly Int32Array[]) => {
      const sums: Float64Array[] = [];
      const addNoise = (sum: Float64Array): void => {
        sums.push(sum.slice());
        sum.fill(0);
      };
      const asked = request(2, rows.length, 0.4);
      const { delta } = await trainPrivately(trainer, shape(), asked, texts(rows), {
        ...open,
        clip,
        grain,
        addNoise,
      });
      // Nothing but decay is left of a step whose sum was all taken away.
      const decayed = asked.values.map((value) => value * (1 - 2e-3 * 0.01) ** 2 - value);
      expect(Math.hypot(...delta.map((value, i) => value - decayed[i]!))).toBeLessThan(1e-5);
      return sums;
    };
    const [all] = await sumsOf(windows);
    const [without] = await sumsOf(windows.slice(1));
    const moved = grain * Math.hypot(...all!.map((value, i) => value - without![i]!));
    expect(all!.every(Number.isInteger)).toBe(true);
    // Cut to grains before they are added up: not a grain a value more.
    expect(moved).toBeLessThanOrEqual(clip);
    expect(moved).toBeGreaterThan(0.9 * clip);
  });

  it("draws each text with the same probability, independently", async () => {
    const random = createRandom("drawn");
    let drawn = 0;
    const counting = {
      gradient: async (_: Dataset, adapter: Float32Array) => {
        drawn++;
        return new Float32Array(adapter.length);
      },
      evaluate: async () => ({ loss: 1, exampleLossSpread: 0, count: 1 }),
    };
    const uniform = () => random.uniform();
    await trainPrivately(counting, shape(), request(200, 2, 0.9), texts(windows), { ...open, uniform });
    expect(samplingRate(windows.length, 2)).toBeCloseTo(1 / 3);
    // 400 expected, with a deviation of √(1200 · 1/3 · 2/3) = 16.
    expect(Math.abs(drawn - 400)).toBeLessThan(65);
  });
});
