/** Every gradient of a planned step against PyTorch float64, and the same step with less memory. */
import { labelsOf } from "../adapter/lora.ts";
import { maskIndices, placeMasked, toKernelOrder, toWireOrder } from "../adapter/placement.ts";
import { rescaleFactor } from "../adapter/rescale.ts";
import { createBatch } from "../data/batches.ts";
import { architectureOf } from "../models/architecture.ts";
import type { BufferId } from "../ops/buffer.ts";
import type { Engine } from "../plan/engine.ts";
import type { BaseType } from "../plan/weight.ts";
import { model, type PytorchCase } from "./pytorch.contract.ts";
import { planStep, STEP } from "./step-plan.ts";
import { uploadWeights } from "./upload.ts";
import { writeBatch } from "./write-batch.ts";

export interface GradientError {
  /** ‖g − g*‖ / ‖g*‖. */
  readonly relative: number;
  /** Largest error of an entry over the largest entry. */
  readonly largest: number;
}

/** @param recomputedBlocks of the model's two */
export async function plannedGradientError(
  engine: Engine,
  from: PytorchCase,
  recomputedBlocks = 0,
  base: BaseType = "f32",
): Promise<GradientError> {
  const gradient = await plannedGradient(engine, from, recomputedBlocks, base);
  const differences = from.gradient.map((expected, i) => (gradient[i] as number) - expected);
  return {
    relative: Math.hypot(...differences) / Math.hypot(...from.gradient),
    largest: Math.max(...differences.map(Math.abs)) / Math.max(...from.gradient.map(Math.abs)),
  };
}

/** In wire order. Disposes the engine. */
async function plannedGradient(
  engine: Engine,
  from: PytorchCase,
  recomputedBlocks: number,
  base: BaseType,
): Promise<Float32Array> {
  const architecture = architectureOf(model.config);
  await uploadWeights(engine, model, base);
  const batch = createBatch(
    from.dataset,
    Array.from({ length: from.sampleCount }, (_, row) => row),
  );
  const placement = placeMasked(from.shape, from.mask, rescaleFactor("inverted", from.dropoutRate));
  const labels = labelsOf(from.shape);
  const shape = {
    batch: batch.batchSize,
    length: batch.length,
    labels,
    placement,
    purpose: "gradient",
  } as const;
  const plan = planStep(architecture, shape, recomputedBlocks);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.adapter?.values as BufferId, toKernelOrder(from.values, placement));
  execution.write(plan.adapter?.indices as BufferId, maskIndices(from.mask));
  writeBatch(execution, plan, batch, architecture);
  const [values] = await execution.run(STEP, [plan.gradient as BufferId]);
  engine.dispose();
  return toWireOrder(values as Float32Array, placement);
}
