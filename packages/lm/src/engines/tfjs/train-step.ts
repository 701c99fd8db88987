/** One optimiser step on the kept values: forward, backward, AdamW. */
import * as tf from "@tensorflow/tfjs";
import type { Batch } from "../../data/batches.ts";
import { type AdamWOptions, type AdamWState, initAdamW, updateAdamW } from "./adamw.ts";
import type { createExpansion } from "./lora-dropout.ts";
import { batchLoss } from "./loss.ts";
import type { TransformerTensors } from "./transformer.ts";

/** What a round trains: the padded vector of kept values and its optimiser state. */
export interface TrainingState {
  readonly slots: tf.Tensor1D;
  readonly optimizer: AdamWState;
}

export type Expansion = ReturnType<typeof createExpansion>;

/** @param values kept values in wire order */
export function initTraining(values: Float32Array, slotCount: number): TrainingState {
  return { slots: tf.tensor1d(padToSlots(values, slotCount)), optimizer: initAdamW(slotCount) };
}

/** Kept values followed by the zero slots. */
export function padToSlots(values: Float32Array, slotCount: number): Float32Array {
  const padded = new Float32Array(slotCount);
  padded.set(values);
  return padded;
}

/** Loss of the batch and its gradient over the slots. */
export function lossAndGradient(
  model: TransformerTensors,
  expansion: Expansion,
  batch: Batch,
  slots: tf.Tensor1D,
): { readonly loss: tf.Scalar; readonly gradient: tf.Tensor1D } {
  const { value, grad } = tf.valueAndGrad((x) => batchLoss(model, batch, expansion.expand(x as tf.Tensor1D)))(
    slots,
  );
  return { loss: value as tf.Scalar, gradient: grad as tf.Tensor1D };
}

/** The next state, and one tensor [loss, gradient norm] so that a step needs a single readback.
 *  Disposes `state`; the caller disposes what is returned. */
export function trainStep(
  model: TransformerTensors,
  expansion: Expansion,
  batch: Batch,
  state: TrainingState,
  options: AdamWOptions,
): { readonly state: TrainingState; readonly report: tf.Tensor1D } {
  const next = tf.tidy(() => {
    const { loss, gradient } = lossAndGradient(model, expansion, batch, state.slots);
    const { values, state: optimizer } = updateAdamW(gradient, state.optimizer, state.slots, options);
    const report = tf.stack([loss, tf.sqrt(tf.sum(tf.square(gradient)))]) as tf.Tensor1D;
    return { slots: values, mean: optimizer.mean, variance: optimizer.variance, report };
  });
  disposeTraining(state);
  const { slots, mean, variance, report } = next;
  return { state: { slots, optimizer: { step: state.optimizer.step + 1, mean, variance } }, report };
}

export function disposeTraining({ slots, optimizer }: TrainingState): void {
  tf.dispose([slots, optimizer.mean, optimizer.variance]);
}
