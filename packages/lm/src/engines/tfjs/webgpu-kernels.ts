/** Our WebGPU kernels in tfjs's registry, by family: in place of tfjs's own, which still serve what ours cannot, or
 *  under names of ours (fused.ts). */

import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { GELU_CUBIC, GELU_SLOPE } from "./differentiable.ts";
import { FUSED_KERNELS } from "./fused.ts";
import {
  crossEntropyGradientProgram,
  crossEntropyProgram,
  geluGradientProgram,
  geluProgram,
  layerNormGradientProgram,
  layerNormProgram,
} from "./webgpu-fused-programs.ts";
import {
  matMulProgram,
  type OwnProgram,
  partialSumsProgram,
  type Reduction,
  reduceRowsProgram,
  softmaxProgram,
} from "./webgpu-programs.ts";

/** Kernels that are chosen together. `rows` holds all that give one row to one invocation; `gelu` is element-wise. */
export type KernelFamily = "matmul" | "softmax" | "rows" | "gelu";

/** Runs one of our programs; the engine's version watches its first use for validation errors. */
export type RunProgram = (program: OwnProgram, inputs: readonly tf.TensorInfo[]) => tf.TensorInfo;

type KernelArguments = Parameters<tf.KernelFunc>[0];
/** `stock` runs tfjs's kernel of that name; the fused ones have none and never ask. */
type Kernel = (args: KernelArguments, stock: () => tf.TensorInfo) => tf.TensorInfo;

const BACKEND = "webgpu";
/** Sums beyond one row's worth are split into this many partial sums. */
const PARTIAL_SUMS = 256;

/** Puts a family in place; the returned function puts things back as they were. */
export function installFamily(family: KernelFamily, run: RunProgram): () => void {
  const restores = Object.entries(familyKernels(family, run)).map(([kernelName, kernel]) => {
    const stock = tf.getKernel(kernelName, BACKEND) as tf.KernelConfig | undefined;
    const kernelFunc = (args: KernelArguments): tf.TensorInfo =>
      kernel(args, () => stock?.kernelFunc(args) as tf.TensorInfo);
    if (stock) tf.unregisterKernel(kernelName, BACKEND);
    tf.registerKernel({
      ...stock,
      kernelName,
      backendName: BACKEND,
      kernelFunc: kernelFunc as tf.KernelFunc,
    });
    return () => {
      tf.unregisterKernel(kernelName, BACKEND);
      if (stock) tf.registerKernel(stock);
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

function familyKernels(family: KernelFamily, run: RunProgram): Readonly<Record<string, Kernel>> {
  switch (family) {
    case "matmul":
      return { BatchMatMul: matMul(run) };
    case "softmax":
      return { Softmax: softmax(run) };
    case "rows":
      return {
        Sum: reduce("sum", run),
        Mean: reduce("mean", run),
        Max: reduce("max", run),
        [FUSED_KERNELS.layerNorm]: layerNorm(layerNormProgram, ["x", "gain", "bias"], run),
        [FUSED_KERNELS.layerNormGradient]: layerNorm(layerNormGradientProgram, ["x", "gain", "dy"], run),
        [FUSED_KERNELS.crossEntropy]: crossEntropy(run),
        [FUSED_KERNELS.crossEntropyGradient]: crossEntropyGradient(run),
      };
    case "gelu":
      return {
        [FUSED_KERNELS.gelu]: gelu(geluProgram, ["x"], run),
        [FUSED_KERNELS.geluGradient]: gelu(geluGradientProgram, ["x", "dy"], run),
      };
    default:
      return family satisfies never;
  }
}

function layerNorm(program: typeof layerNormProgram, names: readonly string[], run: RunProgram): Kernel {
  return ({ inputs, attrs }) => {
    const { shape } = inputs.x as tf.TensorInfo;
    const [rows, columns] = shape as [number, number];
    const { epsilon } = attrs as { epsilon: number };
    return { ...run(program(rows, columns, epsilon), flatInputs(inputs, names)), shape };
  };
}

function gelu(program: typeof geluProgram, names: readonly string[], run: RunProgram): Kernel {
  return ({ inputs }) => {
    const { shape } = inputs.x as tf.TensorInfo;
    return { ...run(program(size(shape), GELU_SLOPE, GELU_CUBIC), flatInputs(inputs, names)), shape };
  };
}

function crossEntropy(run: RunProgram): Kernel {
  return ({ inputs }) => {
    const [rows, classes] = (inputs.logits as tf.TensorInfo).shape as [number, number];
    return run(crossEntropyProgram(rows, classes), flatInputs(inputs, ["logits", "targets"]));
  };
}

function crossEntropyGradient(run: RunProgram): Kernel {
  return ({ inputs }) => {
    const { shape } = inputs.logits as tf.TensorInfo;
    const program = crossEntropyGradientProgram(...(shape as [number, number]));
    return { ...run(program, flatInputs(inputs, ["logits", "targets", "dy"])), shape };
  };
}

function flatInputs(inputs: tf.NamedTensorInfoMap, names: readonly string[]): tf.TensorInfo[] {
  return names.map((name) => flat(inputs[name] as tf.TensorInfo));
}

function matMul(run: RunProgram): Kernel {
  return ({ inputs, attrs, backend }, stock) => {
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [batchA, batchB] = [size(a.shape.slice(0, -2)), size(b.shape.slice(0, -2))];
    if (!isFloat(a, backend) || !isFloat(b, backend) || (batchA !== batchB && batchA !== 1 && batchB !== 1))
      return stock();
    const rows = transposeA ? aColumns : aRows;
    const columns = transposeB ? bRows : bColumns;
    const product = run(
      matMulProgram({
        batch: Math.max(batchA, batchB),
        rows,
        columns,
        inner: transposeA ? aRows : aColumns,
        transposeA,
        transposeB,
        sharedA: batchA === 1,
        sharedB: batchB === 1,
      }),
      [flat(a), flat(b)],
    );
    const batchShape = (batchA >= batchB ? a : b).shape.slice(0, -2);
    return { ...product, shape: [...batchShape, rows, columns] };
  };
}

function softmax(run: RunProgram): Kernel {
  return ({ inputs, backend }, stock) => {
    const logits = inputs.logits as tf.TensorInfo;
    if (!isFloat(logits, backend)) return stock();
    const columns = logits.shape.at(-1) as number;
    const program = softmaxProgram(size(logits.shape) / columns, columns);
    return { ...run(program, [flat(logits)]), shape: logits.shape };
  };
}

function reduce(kind: Reduction, run: RunProgram): Kernel {
  return ({ inputs, attrs = {}, backend }, stock) => {
    const x = inputs.x as tf.TensorInfo;
    const axes = reducedAxes(x.shape.length, attrs);
    const trailing = axes.every((axis, i) => axis === x.shape.length - axes.length + i);
    if (!isFloat(x, backend) || !trailing) return stock();
    const shape = attrs.keepDims
      ? x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
      : x.shape.slice(0, x.shape.length - axes.length);
    const columns = size(x.shape.slice(x.shape.length - axes.length));
    const rows = size(x.shape) / columns;
    if (rows > 1 || columns <= PARTIAL_SUMS)
      return { ...run(reduceRowsProgram(kind, rows, columns), [flat(x)]), shape };
    if (kind !== "sum") return stock();
    const partial = run(partialSumsProgram(columns, PARTIAL_SUMS), [flat(x)]);
    const total = run(reduceRowsProgram("sum", 1, PARTIAL_SUMS), [partial]);
    (backend as WebGPUBackend).disposeData(partial.dataId);
    return { ...total, shape };
  };
}

/** The attribute is called reductionIndices (Max) or axis (Sum, Mean), and may be absent for "all". */
function reducedAxes(rank: number, attrs: tf.NamedAttrMap): readonly number[] {
  const given = (attrs.reductionIndices ?? attrs.axis) as number | readonly number[] | undefined;
  const axes =
    given === undefined || given === null ? Array.from({ length: rank }, (_, axis) => axis) : [given].flat();
  return axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((p, q) => p - q);
}

/** Whether the buffer holds floats: a tensor cast from int32 says float32 but keeps the integers' buffer. */
function isFloat(tensor: tf.TensorInfo, backend: unknown): boolean {
  return (backend as WebGPUBackend).tensorMap.get(tensor.dataId).dtype === "float32";
}

/** The same data seen as one row, so that shader keys do not depend on shapes. */
const flat = (tensor: tf.TensorInfo): tf.TensorInfo => ({ ...tensor, shape: [size(tensor.shape)] });
const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
