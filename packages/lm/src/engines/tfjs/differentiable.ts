/**
 * Operations with hand-written gradients: cheaper than what autograd would compose, and only for what is trained
 * (frozen parameters get no gradient at all). The trainers' tests check all of them against PyTorch.
 */
import * as tf from "@tensorflow/tfjs";
import { fusedCrossEntropy, fusedGelu, fusedLayerNorm, hasFused } from "./fused.ts";

/** A frozen matrix and its stored transpose: x·Wᵀ runs far faster as a plain product on every backend we have. */
export interface FrozenMatrix {
  readonly weight: tf.Tensor2D;
  readonly transposed: tf.Tensor2D;
}

/** x·W, with a gradient for x alone. */
export function frozenMatMul(x: tf.Tensor2D, { weight, transposed }: FrozenMatrix): tf.Tensor2D {
  return tf.customGrad((input) => ({
    value: tf.matMul(input as tf.Tensor2D, weight),
    gradFunc: (dy: tf.Tensor) => tf.matMul(dy as tf.Tensor2D, transposed),
  }))(x) as tf.Tensor2D;
}

/** Frozen layer normalisation over the last axis: gain · (x − mean)/√(variance + ε) + bias. */
export function layerNorm(
  x: tf.Tensor2D,
  { gain, bias }: { readonly gain: tf.Tensor1D; readonly bias: tf.Tensor1D },
  epsilon: number,
): tf.Tensor2D {
  if (hasFused("layerNorm")) return fusedLayerNorm(x, gain, bias, epsilon);
  return tf.customGrad((input, save) => {
    const centred = tf.sub(input as tf.Tensor2D, tf.mean(input as tf.Tensor2D, -1, true));
    const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    const normalised = tf.mul(centred, inverseDeviation);
    (save as tf.GradSaveFunc)([normalised, inverseDeviation]);
    return {
      value: tf.add(tf.mul(normalised, gain), bias),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xHat, inverse] = saved as [tf.Tensor, tf.Tensor];
        const scaled = tf.mul(dy, gain);
        const projection = tf.mul(xHat, tf.mean(tf.mul(scaled, xHat), -1, true));
        return tf.mul(inverse, tf.sub(tf.sub(scaled, tf.mean(scaled, -1, true)), projection));
      },
    };
  })(x) as tf.Tensor2D;
}

export const GELU_SLOPE = 2 * Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = GELU_SLOPE * 0.044715;

/** GPT-2's tanh GELU, written as x·σ(2√(2/π)(x + 0.044715x³)): the same function, and σ is the faster kernel. */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  if (hasFused("gelu")) return fusedGelu(x);
  return tf.customGrad((input, save) => {
    const square = tf.square(input as tf.Tensor2D);
    const gate = tf.sigmoid(tf.mul(input as tf.Tensor2D, tf.add(tf.mul(square, GELU_CUBIC), GELU_SLOPE)));
    const value = tf.mul(input as tf.Tensor2D, gate);
    (save as tf.GradSaveFunc)([square, gate, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x2, sigma, y] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const slope = tf.add(tf.mul(x2, 3 * GELU_CUBIC), GELU_SLOPE);
        return tf.mul(dy, tf.add(sigma, tf.mul(tf.mul(y, tf.sub(1, sigma)), slope)));
      },
    };
  })(x) as tf.Tensor2D;
}

/** −log softmax(logits)[target] per row, nats. @param logits [N, classes] @param targets N class ids (host)
 *  @returns [N] */
export function crossEntropy(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  if (hasFused("crossEntropy")) return fusedCrossEntropy(logits, targets);
  const [, classes] = logits.shape;
  return tf.customGrad((z, save) => {
    const shifted = tf.sub(z as tf.Tensor2D, tf.max(z as tf.Tensor2D, -1, true)); // largest entry 0: exp cannot overflow
    const exponentials = tf.exp(shifted);
    const sums = tf.sum(exponentials, -1, true); // [N, 1]
    const flatTargets = tf.tensor1d(
      targets.map((target, row) => row * classes + target),
      "int32",
    );
    const picked = tf.gather(tf.reshape(shifted, [-1]), flatTargets); // [N]
    (save as tf.GradSaveFunc)([exponentials, sums]);
    return {
      value: tf.sub(tf.log(tf.reshape(sums, [-1])), picked),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [e, total] = saved as [tf.Tensor, tf.Tensor];
        const oneHot = tf.oneHot(tf.tensor1d(targets, "int32"), classes);
        return tf.mul(tf.sub(tf.div(e, total), oneHot), tf.reshape(dy, [-1, 1]));
      },
    };
  })(logits) as tf.Tensor1D;
}
