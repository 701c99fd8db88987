/**
 * AdamW over one flat vector: a dozen element-wise kernels a step, however many matrices the vector holds.
 * Source: Decoupled Weight Decay Regularization (Loshchilov & Hutter, arXiv 1711.05101), algorithm 2, as PyTorch has it.
 */
import * as tf from "@tensorflow/tfjs";
import { BETA1, BETA2, EPSILON } from "../../trainer/adamw.ts";

export interface AdamWState {
  /** Updates done so far. */
  readonly step: number;
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

export interface AdamWOptions {
  readonly learningRate: number;
  readonly weightDecay: number;
}

export function initAdamW(size: number): AdamWState {
  return { step: 0, mean: tf.zeros([size]), variance: tf.zeros([size]) };
}

/** New values and state; the old tensors stay the caller's to dispose. */
export function updateAdamW(
  gradient: tf.Tensor1D,
  state: AdamWState,
  values: tf.Tensor1D,
  { learningRate, weightDecay }: AdamWOptions,
): { readonly values: tf.Tensor1D; readonly state: AdamWState } {
  const step = state.step + 1;
  const mean = tf.add(tf.mul(state.mean, BETA1), tf.mul(gradient, 1 - BETA1)) as tf.Tensor1D;
  const variance = tf.add(
    tf.mul(state.variance, BETA2),
    tf.mul(tf.square(gradient), 1 - BETA2),
  ) as tf.Tensor1D;
  const deviation = tf.add(tf.sqrt(tf.mul(variance, 1 / (1 - BETA2 ** step))), EPSILON);
  const change = tf.mul(tf.div(mean, deviation), learningRate / (1 - BETA1 ** step));
  const decayed = weightDecay === 0 ? values : tf.mul(values, 1 - learningRate * weightDecay);
  return { values: tf.sub(decayed, change) as tf.Tensor1D, state: { step, mean, variance } };
}
