/**
 * Runs LoRA steps of shape S in a browser worker. `own`: as the product trains, through the Trainer. The two others
 * leave tfjs's kernels untouched and use tf.train.adam over one variable per factor; `stock` with the forward pass
 * of plain-transformer.ts, `own-on-stock` with the product's.
 */
import { type Backend, createTrainer } from "@fedlodrop/lm";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { createBatch } from "../../packages/lm/src/data/batches.ts";
import {
  type AdapterTensors,
  createExpansion,
  placeSubAdapter,
} from "../../packages/lm/src/engines/tfjs/lora-dropout.ts";
import { batchLoss } from "../../packages/lm/src/engines/tfjs/loss.ts";
import { uploadModel } from "../../packages/lm/src/engines/tfjs/transformer.ts";
import { createPlainLoss } from "./plain-transformer.ts";
import { adapter, BATCH_SIZE, DROPOUT_RATE, dataset, LEARNING_RATE, mask, model, values } from "./shape.ts";

export type StepKind = "own" | "own-on-stock" | "stock";

export interface StepRun {
  readonly milliseconds: readonly number[];
  readonly losses: readonly number[];
}

export interface StepCost {
  readonly dispatches: number;
  readonly pipelines: number;
  readonly tensors: number;
  readonly bytes: number;
  readonly gpuBytes: number | undefined;
}

let runSteps: (count: number) => Promise<StepRun>;

serveLab({
  async open({ backend, kind }: { backend: Backend; kind: StepKind }): Promise<unknown> {
    if (kind !== "own") {
      await openStock(backend, kind);
      return undefined;
    }
    const trainer = await createTrainer({ backend, model, adapter, wasmBase: "/wasm/" });
    runSteps = async (localSteps) => {
      const { steps } = await trainer.trainRound(
        {
          mask,
          dropoutRate: DROPOUT_RATE,
          values,
          training: {
            localSteps,
            batchSize: BATCH_SIZE,
            learningRate: LEARNING_RATE,
            weightDecay: 0,
            rescale: "none",
          },
          batchSeed: "bench",
        },
        dataset,
      );
      return { milliseconds: steps.map((s) => 1000 * s.seconds), losses: steps.map((s) => s.loss) };
    };
    return trainer.engine;
  },

  steps: (count: number) => runSteps(count),

  /** What one step costs beside time: a round of two steps less a round of one. */
  async cost(): Promise<StepCost> {
    const counted = countWebgpu();
    await runSteps(1);
    const one = counted().dispatches;
    await runSteps(2);
    const { dispatches, pipelines } = counted();
    const { numTensors, numBytes, ...rest } = tf.memory();
    return {
      dispatches: dispatches - one - one,
      pipelines,
      tensors: numTensors,
      bytes: numBytes,
      gpuBytes: (rest as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU,
    };
  },

  /** The engine's own rate at a plain 512 × 512 × 512 product, GFLOP/s. */
  async matmulRate(): Promise<number> {
    const size = 512;
    const [a, b] = [tf.randomUniform([size, size], -1, 1, "float32", 1), tf.ones([size, size])];
    const once = async (): Promise<number> => {
      const start = performance.now();
      const product = tf.matMul(a, b);
      await tf.tidy(() => tf.slice(product, [0, 0], [1, 1])).data();
      product.dispose();
      return performance.now() - start;
    };
    await once();
    const times: number[] = [];
    for (let i = 0; i < 9; i++) times.push(await once());
    tf.dispose([a, b]);
    return (2 * size ** 3) / (times.sort((x, y) => x - y)[4] as number) / 1e6;
  },
});

async function openStock(backend: Backend, kind: Exclude<StepKind, "own">): Promise<void> {
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths("/wasm/");
  await tf.setBackend(backend);
  await tf.ready();
  const placement = placeSubAdapter(adapter, mask, 1);
  const expansion = createExpansion(adapter, placement);
  const loss = stockLoss(kind);
  runSteps = async (count) => {
    const variables = tf.tidy(() => splitFactors(values).map((part) => tf.variable(tf.tensor1d(part))));
    const zeros = tf.zeros([placement.slotCount - placement.valueCount]) as tf.Tensor1D;
    const optimizer = tf.train.adam(LEARNING_RATE);
    const run = { milliseconds: [] as number[], losses: [] as number[] };
    for (let step = 0; step < count; step++) {
      const start = performance.now();
      const value = optimizer.minimize(
        () => loss(expansion.expand(tf.concat([...variables, zeros]))),
        true,
        variables,
      ) as tf.Scalar;
      run.losses.push((await value.data())[0] as number);
      value.dispose();
      run.milliseconds.push(performance.now() - start);
    }
    tf.dispose([...variables, zeros]);
    optimizer.dispose();
    return run;
  };
}

function stockLoss(kind: Exclude<StepKind, "own">): (factors: AdapterTensors) => tf.Scalar {
  const batch = createBatch(dataset, [0, 1, 2, 3]);
  if (batch.target.kind !== "next-tokens") throw new Error("bench: expected a language-model batch");
  if (kind === "stock") return createPlainLoss(batch.ids, batch.target.ids);
  const transformer = uploadModel(model);
  return (factors) => batchLoss(transformer, batch, factors);
}

/** The kept values of each factor apart, as a per-layer implementation holds them. */
function splitFactors(kept: Float32Array): Float32Array[] {
  let offset = 0;
  return mask.flatMap(({ keptColumns, keptRows }) =>
    [keptColumns, keptRows].map(({ length }) => {
      const part = kept.slice(offset, offset + adapter.rank * length);
      offset += part.length;
      return part;
    }),
  );
}

/** Counts dispatches and compiled pipelines from now on; zero on other backends. */
function countWebgpu(): () => { dispatches: number; pipelines: number } {
  const counts = { dispatches: 0, pipelines: 0 };
  if (tf.getBackend() === "webgpu") {
    const backend = tf.backend() as unknown as {
      device: { createComputePipeline: (...values: unknown[]) => unknown };
      runWebGPUProgram: (...values: unknown[]) => unknown;
    };
    const run = backend.runWebGPUProgram.bind(backend);
    backend.runWebGPUProgram = (...call) => {
      counts.dispatches++;
      return run(...call);
    };
    const compile = backend.device.createComputePipeline.bind(backend.device);
    backend.device.createComputePipeline = (...call) => {
      counts.pipelines++;
      return compile(...call);
    };
  }
  return () => ({ ...counts });
}
