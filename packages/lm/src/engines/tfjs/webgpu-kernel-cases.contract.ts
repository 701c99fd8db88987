/** Our programs for tfjs's WebGPU backend, each run into poisoned buffers and compared with sums in double precision. */
import { createRandom } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { GELU_CUBIC, GELU_SLOPE } from "./differentiable.ts";
import { type DeviceWatch, validatedRun, watchDevice } from "./webgpu.ts";
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
  reduceRowsProgram,
  softmaxProgram,
} from "./webgpu-programs.ts";

/** A program that writes nothing: the poison itself is under test. */
const SILENT = "silent";

type Case = readonly [name: string, run: () => Promise<number>];

/** The largest error of each. */
export function* kernelCases(): Generator<Case> {
  const backend = tf.backend() as WebGPUBackend;
  const watch: DeviceWatch = watchDevice(backend.device);
  const random = createRandom("kernels");
  const draw = (size: number) => Float32Array.from({ length: size }, () => random.normal());

  /** Runs a program into recycled buffers full of NaN, and compares. */
  const errorOf = async (
    program: OwnProgram,
    inputs: readonly (Float32Array | Int32Array)[],
    expected: (index: number) => number,
  ): Promise<number> => {
    const size = tf.util.sizeFromShape(program.program.outputShape);
    // The backend reuses a freed buffer of the same size: a dropped dispatch would show these NaNs.
    for (const poison of Array.from({ length: 4 }, () => tf.mul(tf.fill([size], Number.NaN), 1))) {
      await poison.data();
      poison.dispose();
    }
    const tensors = inputs.map((values) =>
      tf.tensor1d(values, values instanceof Int32Array ? "int32" : "float32"),
    );
    const output = tf.engine().makeTensorFromTensorInfo(validatedRun(backend, watch)(program, tensors));
    const got = (await watch.orFailure(output.data())) as Float32Array;
    await watch.settled();
    tf.dispose([...tensors, output]);
    return got.reduce((worst, value, i) => {
      const difference = Math.abs(value - expected(i));
      return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    }, 0);
  };

  const matMulCases = [
    [1, 20, 24, 12],
    [1, 19, 20, 7],
    [3, 9, 8, 16],
    [1, 64, 256, 8],
    [1, 3, 2, 5],
    [2, 1, 12, 4],
  ] as const;
  for (const [batch, rows, columns, inner] of matMulCases)
    for (const [transposeA, transposeB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const)
      for (const [sharedA, sharedB] of batch > 1
        ? ([
            [false, false],
            [true, false],
            [false, true],
          ] as const)
        : ([[true, true]] as const)) {
        const name = `matmul ${batch}×[${rows},${inner}]·[${inner},${columns}] ${transposeA ? "T" : "N"}${transposeB ? "T" : "N"} ${sharedA ? "shared " : ""}${sharedB ? "shared" : ""}`;
        yield [
          name,
          () => {
            const a = draw((sharedA ? 1 : batch) * rows * inner);
            const b = draw((sharedB ? 1 : batch) * inner * columns);
            const sizes = { batch, rows, columns, inner, transposeA, transposeB, sharedA, sharedB };
            return errorOf(matMulProgram(sizes), [a, b], (index) => {
              const column = index % columns;
              const row = Math.floor(index / columns) % rows;
              const matrix = Math.floor(index / (columns * rows));
              let sum = 0;
              for (let k = 0; k < inner; k++)
                sum +=
                  (a[
                    (sharedA ? 0 : matrix * rows * inner) + (transposeA ? k * rows + row : row * inner + k)
                  ] as number) *
                  (b[
                    (sharedB ? 0 : matrix * inner * columns) +
                      (transposeB ? column * inner + k : k * columns + column)
                  ] as number);
              return sum;
            });
          },
        ];
      }

  for (const columns of [8, 7, 1]) {
    const rows = 21;
    const row = (values: Float32Array, index: number) => [
      ...values.subarray(Math.floor(index) * columns, (Math.floor(index) + 1) * columns),
    ];
    yield [
      `softmax ${rows}×${columns}`,
      () => {
        const x = draw(rows * columns);
        return errorOf(softmaxProgram(rows, columns), [x], (index) => {
          const exponentials = row(x, index / columns).map(Math.exp);
          return (exponentials[index % columns] as number) / exponentials.reduce((p, q) => p + q);
        });
      },
    ];
    for (const kind of ["sum", "mean", "max"] as const)
      yield [
        `${kind} ${rows}×${columns}`,
        () => {
          const x = draw(rows * columns);
          return errorOf(reduceRowsProgram(kind, rows, columns), [x], (index) => {
            const values = row(x, index);
            if (kind === "max") return Math.max(...values);
            return values.reduce((p, q) => p + q) / (kind === "mean" ? columns : 1);
          });
        },
      ];
  }
  for (const columns of [8, 7]) {
    const rows = 5;
    const at = (values: Float32Array, row: number) => [
      ...values.subarray(row * columns, (row + 1) * columns),
    ];
    const normalised = (values: readonly number[]) => {
      const mean = values.reduce((p, q) => p + q) / columns;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
      const inverse = 1 / Math.sqrt(variance + 0.01);
      return { inverse, hat: values.map((value) => (value - mean) * inverse) };
    };
    const [x, dy, gain, bias] = [draw(rows * columns), draw(rows * columns), draw(columns), draw(columns)];
    yield [
      `layer norm of ${columns}`,
      () =>
        errorOf(layerNormProgram(rows, columns, 0.01), [x, gain, bias], (index) => {
          const { hat } = normalised(at(x, Math.floor(index / columns)));
          const column = index % columns;
          return (hat[column] as number) * (gain[column] as number) + (bias[column] as number);
        }),
    ];
    yield [
      `gradient of layer norm of ${columns}`,
      () =>
        errorOf(layerNormGradientProgram(rows, columns, 0.01), [x, gain, dy], (index) => {
          const row = Math.floor(index / columns);
          const { inverse, hat } = normalised(at(x, row));
          const t = at(dy, row).map((value, column) => value * (gain[column] as number));
          // The Jacobian written out: (δ − 1/n − x̂ᵢx̂ⱼ/n)/σ.
          const column = index % columns;
          return t.reduce((sum, value, j) => {
            const same = j === column ? 1 : 0;
            return (
              sum + inverse * value * (same - (1 + (hat[column] as number) * (hat[j] as number)) / columns)
            );
          }, 0);
        }),
    ];
    const targets = Int32Array.from({ length: rows }, () => random.below(columns));
    const scale = draw(rows);
    const probabilities = (row: number) => {
      const exponentials = at(x, row).map(Math.exp);
      const total = exponentials.reduce((p, q) => p + q);
      return exponentials.map((value) => value / total);
    };
    yield [
      `cross-entropy of ${columns}`,
      () =>
        errorOf(
          crossEntropyProgram(rows, columns),
          [x, targets],
          (row) => -Math.log(probabilities(row)[targets[row] as number] as number),
        ),
    ];
    yield [
      `gradient of cross-entropy of ${columns}`,
      () =>
        errorOf(crossEntropyGradientProgram(rows, columns), [x, targets, scale], (index) => {
          const [row, column] = [Math.floor(index / columns), index % columns];
          const oneHot = targets[row] === column ? 1 : 0;
          return ((probabilities(row)[column] as number) - oneHot) * (scale[row] as number);
        }),
    ];
  }
  for (const size of [24, 21]) {
    const [x, dy] = [draw(size), draw(size)];
    const tanhGelu = (value: number) =>
      0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
    yield [
      `gelu of ${size}`,
      () => errorOf(geluProgram(size, GELU_SLOPE, GELU_CUBIC), [x], (index) => tanhGelu(x[index] as number)),
    ];
    yield [
      `gradient of gelu of ${size}`,
      () =>
        errorOf(geluGradientProgram(size, GELU_SLOPE, GELU_CUBIC), [x, dy], (index) => {
          const [value, step] = [x[index] as number, 1e-5];
          return ((dy[index] as number) * (tanhGelu(value + step) - tanhGelu(value - step))) / (2 * step);
        }),
    ];
  }
  yield [
    SILENT,
    () => {
      const { program, uniforms } = partialSumsProgram(64, 64);
      const silent = {
        ...program,
        shaderKey: "silent",
        getUserCode: () => "fn main(index : i32) { if (uniforms.size < 0) { result[index] = A[index]; } }",
      };
      return errorOf({ program: silent, uniforms }, [draw(64)], () => 0);
    },
  ];
  yield [
    "partial sums of 1001 in 16",
    () => {
      const x = draw(1001);
      return errorOf(partialSumsProgram(1001, 16), [x], (part) =>
        x.reduce((sum, value, i) => (i % 16 === part ? sum + value : sum), 0),
      );
    },
  ];
}
