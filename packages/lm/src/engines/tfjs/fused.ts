/**
 * Operations that an engine may run as one kernel each way instead of composing them. The kernels' names are ours;
 * a backend without them composes (differentiable.ts). Gradients are for activations alone, as there.
 */
import * as tf from "@tensorflow/tfjs";

export const FUSED_KERNELS = {
  layerNorm: "LayerNormRows",
  layerNormGradient: "LayerNormRowsGradient",
  gelu: "TanhGelu",
  geluGradient: "TanhGeluGradient",
  crossEntropy: "CrossEntropyRows",
  crossEntropyGradient: "CrossEntropyRowsGradient",
} as const;

/** Whether the current backend has both kernels of an operation. */
export function hasFused(operation: "layerNorm" | "gelu" | "crossEntropy"): boolean {
  return tf.getKernel(FUSED_KERNELS[operation], tf.getBackend()) !== undefined;
}

export function fusedLayerNorm(
  x: tf.Tensor2D,
  gain: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon: number,
): tf.Tensor2D {
  return withGradient(
    x,
    (input) => run("layerNorm", { x: input, gain, bias }, { epsilon }),
    (dy, input) => run("layerNormGradient", { x: input, gain, dy }, { epsilon }),
  );
}

export function fusedGelu(x: tf.Tensor2D): tf.Tensor2D {
  return withGradient(
    x,
    (input) => run("gelu", { x: input }),
    (dy, input) => run("geluGradient", { x: input, dy }),
  );
}

/** @returns [N] */
export function fusedCrossEntropy(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  const classes = tf.tensor1d(targets, "int32");
  return withGradient(
    logits,
    (z) => run("crossEntropy", { logits: z, targets: classes }),
    (dy, z) => run("crossEntropyGradient", { logits: z, targets: classes, dy }),
  );
}

function withGradient<T extends tf.Tensor>(
  x: tf.Tensor2D,
  forward: (x: tf.Tensor) => tf.Tensor,
  backward: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor,
): T {
  return tf.customGrad((input, save) => {
    (save as tf.GradSaveFunc)([input as tf.Tensor]);
    return {
      value: forward(input as tf.Tensor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => backward(dy, saved[0] as tf.Tensor),
    };
  })(x) as T;
}

function run(
  kernel: keyof typeof FUSED_KERNELS,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs: tf.NamedAttrMap = {},
): tf.Tensor {
  return tf.engine().runKernel(FUSED_KERNELS[kernel], inputs, attrs);
}
