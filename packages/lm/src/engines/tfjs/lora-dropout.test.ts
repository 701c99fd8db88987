import { adapterSize, drawDropoutMask, gatherValues, keptIndices } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { adapterShape } from "../../adapter/lora.ts";
import { rescaleFactor } from "../../adapter/rescale.ts";
import { model } from "../../trainer/pytorch.contract.ts";
import { createExpansion, placeFullAdapter, placeSubAdapter } from "./lora-dropout.ts";
import { openEngine } from "./open.ts";

const shape = adapterShape(model.config, {
  rank: 3,
  alpha: 6,
  targetModules: ["attn.c_attn"],
  labels: 2,
});
const full = Float32Array.from({ length: adapterSize(shape) }, (_, i) => i + 1);
const mask = drawDropoutMask(shape, { seed: "m", round: 1, participantId: "a", dropoutRate: 0.4 });

test("kept values land in Aᵀ and scaled Bᵀ, dropped columns and rows are zero", async () => {
  await (await openEngine("cpu", {})).run(async () => undefined);
  const productFactor = rescaleFactor("inverted", 0.4);
  const placement = placeSubAdapter(shape, mask, productFactor);
  const expansion = createExpansion(shape, placement);
  const slots = new Float32Array(placement.slotCount);
  slots.set(gatherValues(full, keptIndices(shape, mask)));
  const factors = expansion.expand(tf.tensor1d(slots));
  let offset = 0;
  shape.modules.forEach(({ name, inFeatures, outFeatures }, position) => {
    const { keptColumns, keptRows } = mask[position] as (typeof mask)[number];
    const { down, up } = factors.modules.get(name) as { down: tf.Tensor2D; up: tf.Tensor2D };
    const [loraAt, loraBt] = [down.arraySync(), up.arraySync()];
    for (let column = 0; column < inFeatures; column++)
      for (let r = 0; r < 3; r++)
        expect(loraAt[column]?.[r]).toBe(
          keptColumns.includes(column) ? full[offset + r * inFeatures + column] : 0,
        );
    offset += 3 * inFeatures;
    for (let row = 0; row < outFeatures; row++)
      for (let r = 0; r < 3; r++) {
        const value = keptRows.includes(row) ? (full[offset + row * 3 + r] as number) : 0;
        // α/r = 2, g = 1/0.36.
        expect(loraBt[r]?.[row]).toBeCloseTo((2 * value) / 0.36, 2);
      }
    offset += 3 * outFeatures;
  });
  const head = factors.dense.get("score") as tf.Tensor2D;
  expect(head.shape).toEqual([16, 2]);
  expect(head.arraySync()[4]?.[1]).toBe(full[offset + 16 + 4]);
});

test("a variable has as many slots as kept values, rounded up past at least one zero to a multiple of 4", () => {
  for (const dropoutRate of [0, 0.1, 0.33, 0.5, 0.9]) {
    const drawn = drawDropoutMask(shape, { seed: "m", round: 1, participantId: "a", dropoutRate });
    const { valueCount, slotCount, scale } = placeSubAdapter(shape, drawn, 1);
    expect(valueCount).toBe(keptIndices(shape, drawn).length);
    expect(slotCount % 4).toBe(0);
    expect(slotCount - valueCount).toBeGreaterThan(0);
    expect(slotCount - valueCount).toBeLessThanOrEqual(4);
    expect(scale.subarray(valueCount).every((factor) => factor === 0)).toBe(true);
  }
});

test("the full adapter is placed whole and unscaled but for α/r", () => {
  const { valueCount, scale } = placeFullAdapter(shape);
  expect(valueCount).toBe(adapterSize(shape));
  expect(new Set(scale.subarray(0, valueCount))).toEqual(new Set([1, 2]));
});

test("inverted dropout makes the masked product equal the full one in expectation", () => {
  // B·A of rank 1 from ones: each of the 16 × 48 products is kept when its column and its row are.
  const one = adapterShape(model.config, { rank: 1, alpha: 1, targetModules: ["attn.c_attn"] });
  let sum = 0;
  const draws = 400;
  for (let round = 0; round < draws; round++) {
    const drawn = drawDropoutMask(one, { seed: "e", round, participantId: "a", dropoutRate: 0.5 });
    const [module] = drawn;
    if (!module) throw new Error("no mask");
    sum +=
      rescaleFactor("inverted", 0.5) * Number(module.keptColumns.includes(3) && module.keptRows.includes(7));
  }
  // Mean of 400 draws of 4·Bernoulli(1/4): standard deviation 0.087.
  expect(Math.abs(sum / draws - 1)).toBeLessThan(0.3);
});
