/** Every single gradient of the autograd engines against PyTorch float64. */
import * as tf from "@tensorflow/tfjs";
import { rescaleFactor } from "../../adapter/rescale.ts";
import { createBatch } from "../../data/batches.ts";
import { allTensors } from "../../models/tensor-source.ts";
import { model, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { createExpansion, placeSubAdapter } from "./lora-dropout.ts";
import { initTraining, lossAndGradient } from "./train-step.ts";
import { uploadModel } from "./transformer.ts";

/** Relative error of the whole gradient on the current backend, ‖g − g*‖ / ‖g*‖, and its largest entry's. */
export async function gradientError(
  from: PytorchCase,
): Promise<{ readonly relative: number; readonly largest: number }> {
  const placement = placeSubAdapter(from.shape, from.mask, rescaleFactor("inverted", from.dropoutRate));
  const expansion = createExpansion(from.shape, placement);
  const transformer = uploadModel(model.config, await allTensors(model.tensors));
  const { slots, optimizer } = initTraining(from.values, placement.slotCount);
  const batch = createBatch(
    from.dataset,
    Array.from({ length: from.sampleCount }, (_, row) => row),
  );
  const gradient = tf.tidy(() => lossAndGradient(transformer, expansion, batch, slots).gradient);
  const got = await gradient.data();
  const differences = from.gradient.map((expected, i) => (got[i] as number) - expected);
  const padding = got.slice(from.gradient.length);
  if (padding.some((value) => value !== 0)) throw new Error("gradient: expected zero slots to stay zero");
  tf.dispose([gradient, slots, optimizer.mean, optimizer.variance]);
  expansion.dispose();
  transformer.dispose();
  const magnitude = Math.max(...from.gradient.map(Math.abs));
  return {
    relative: Math.hypot(...differences) / Math.hypot(...from.gradient),
    largest: Math.max(...differences.map(Math.abs)) / magnitude,
  };
}
