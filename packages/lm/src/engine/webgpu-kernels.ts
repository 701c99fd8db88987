/** Our WebGPU kernels in tfjs's registry, by family; what a family cannot do it hands to tfjs's own kernel. */

import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import {
  matMulProgram,
  type OwnProgram,
  partialSumsProgram,
  type Reduction,
  reduceRowsProgram,
  softmaxProgram,
} from "./webgpu-programs.ts";

/** Kernels that are chosen together. */
export const KERNEL_FAMILIES = ["matmul", "softmax", "reduce"] as const;
export type KernelFamily = (typeof KERNEL_FAMILIES)[number];

/** Runs one of our programs; the engine's version watches its first use for validation errors. */
export type RunProgram = (program: OwnProgram, inputs: readonly tf.TensorInfo[]) => tf.TensorInfo;

type KernelArguments = Parameters<tf.KernelFunc>[0];
type Kernel = (args: KernelArguments, stock: () => tf.TensorInfo) => tf.TensorInfo;

/** Sums beyond one row's worth are split into this many partial sums. */
const PARTIAL_SUMS = 256;

/** Puts a family in place; the returned function puts tfjs's kernels back. */
export function installFamily(family: KernelFamily, run: RunProgram): () => void {
  const restores = Object.entries(familyKernels(family, run)).map(([name, kernel]) => {
    const stock = tf.getKernel(name, "webgpu");
    const kernelFunc = (args: KernelArguments): tf.TensorInfo =>
      kernel(args, () => stock.kernelFunc(args) as tf.TensorInfo);
    replaceKernel({ ...stock, kernelFunc: kernelFunc as tf.KernelFunc });
    return () => replaceKernel(stock);
  });
  return () => {
    for (const restore of restores) restore();
  };
}

function replaceKernel(config: tf.KernelConfig): void {
  tf.unregisterKernel(config.kernelName, config.backendName);
  tf.registerKernel(config);
}

function familyKernels(family: KernelFamily, run: RunProgram): Readonly<Record<string, Kernel>> {
  switch (family) {
    case "matmul":
      return { BatchMatMul: matMul(run) };
    case "softmax":
      return { Softmax: softmax(run) };
    case "reduce":
      return { Sum: reduce("sum", run), Mean: reduce("mean", run), Max: reduce("max", run) };
    default:
      return family satisfies never;
  }
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
