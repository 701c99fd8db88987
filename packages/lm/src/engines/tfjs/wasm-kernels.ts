/**
 * Our BatchMatMul over tfjs 4.22's on WASM. Its XNNPACK path serves only an untransposed, unbatched product
 * (23–28 GFLOP/s at 512³); transposed or batched operands fall to a scalar loop ten times slower, and autograd asks
 * for those in every step. So: transpose explicitly, then run each matrix of the batch through the fast path, as
 * views into the WASM heap without a copy.
 */
import * as tf from "@tensorflow/tfjs";

/** What we use of tfjs's BackendWasm; the numbering of tensors is private there. */
interface WasmBackend {
  dataIdNextNumber: number;
  readonly dataIdMap: {
    get(dataId: object): { readonly id: number; readonly memoryOffset: number };
  };
  readonly wasm: {
    cwrap(name: string, result: null, parameters: readonly string[]): (...values: unknown[]) => void;
    readonly tfjs: {
      registerTensor(id: number, size: number, memoryOffset: number): void;
      disposeData(id: number): void;
    };
  };
  makeOutput(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
  disposeData(dataId: object): void;
}

const FLOAT_BYTES = 4;

/** Replaces the kernel; the returned function puts tfjs's own back. */
export function installWasmKernels(): () => void {
  const stock = tf.getKernel("BatchMatMul", "wasm");
  const transposeKernel = tf.getKernel("Transpose", "wasm");
  let multiply: ((...values: unknown[]) => void) | undefined;

  const run = (kernel: tf.KernelConfig, args: object): tf.TensorInfo =>
    kernel.kernelFunc(args as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;

  const transposeLast = (x: tf.TensorInfo, backend: WasmBackend): tf.TensorInfo => {
    const perm = x.shape.map((_, axis) => axis);
    perm.push(...perm.splice(-2).reverse());
    return run(transposeKernel, { inputs: { x }, backend, attrs: { perm } });
  };

  const kernelFunc = (args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo => {
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
    const backend = args.backend as WasmBackend;
    const left = transposeA ? transposeLast(a, backend) : a; // [..., M, K]
    const right = transposeB ? transposeLast(b, backend) : b; // [..., K, N]
    const [leftBatch, rightBatch] = [left, right].map(({ shape }) => size(shape.slice(0, -2)));
    let product: tf.TensorInfo;
    if (leftBatch === 1 && rightBatch === 1)
      product = run(stock, {
        inputs: { a: left, b: right },
        backend,
        attrs: { transposeA: false, transposeB: false },
      });
    else if (leftBatch === rightBatch) {
      multiply ??= backend.wasm.cwrap("BatchMatMul", null, [
        ...["number", "array", "number"], // a: id, shape, rank
        ...["number", "array", "number"], // b
        ...["number", "number", "number"], // transposeA, transposeB, output id
      ]);
      product = multiplyBatches(backend, multiply, left, right);
    } else product = run(stock, { ...args, attrs: { transposeA, transposeB } });
    if (left !== a) backend.disposeData(left.dataId);
    if (right !== b) backend.disposeData(right.dataId);
    return product;
  };

  const replace = (config: tf.KernelConfig): void => {
    tf.unregisterKernel("BatchMatMul", "wasm");
    tf.registerKernel(config);
  };
  replace({ ...stock, kernelFunc: kernelFunc as tf.KernelFunc });
  return () => replace(stock);
}

function multiplyBatches(
  backend: WasmBackend,
  multiply: (...values: unknown[]) => void,
  left: tf.TensorInfo,
  right: tf.TensorInfo,
): tf.TensorInfo {
  const [rows, inner] = left.shape.slice(-2) as [number, number];
  const columns = right.shape.at(-1) as number;
  const product = backend.makeOutput([...left.shape.slice(0, -1), columns], "float32");
  const view = (tensor: tf.TensorInfo, batch: number, values: number): number => {
    const id = backend.dataIdNextNumber++;
    const { memoryOffset } = backend.dataIdMap.get(tensor.dataId);
    backend.wasm.tfjs.registerTensor(id, values, memoryOffset + batch * values * FLOAT_BYTES);
    return id;
  };
  const leftShape = shapeBytes([1, rows, inner]);
  const rightShape = shapeBytes([1, inner, columns]);
  for (let batch = 0; batch < size(left.shape.slice(0, -2)); batch++) {
    const ids = [
      view(left, batch, rows * inner),
      view(right, batch, inner * columns),
      view(product, batch, rows * columns),
    ];
    multiply(ids[0], leftShape, 3, ids[1], rightShape, 3, 0, 0, ids[2]);
    // Ends the views; the heap memory behind them belongs to the tensors.
    for (const id of ids) backend.wasm.tfjs.disposeData(id);
  }
  return product;
}

const shapeBytes = (shape: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(shape).buffer);
const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
