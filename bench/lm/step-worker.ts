/**
 * Runs LoRA steps in a browser worker. `own`: our engine, as the product trains. `tfjs`: our trainer on tfjs, which the
 * product falls back on. `stock`: tfjs's kernels untouched under the forward pass of plain-transformer.ts, autograd, and
 * tf.train.adam over one variable per factor.
 */
import type { Backend } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { fullIndices, placeMasked, toKernelOrder } from "../../packages/lm/src/adapter/placement.ts";
import { createBatch } from "../../packages/lm/src/data/batches.ts";
import { createExpansion, placeSubAdapter } from "../../packages/lm/src/engines/tfjs/lora-dropout.ts";
import { createTensorflowTrainer } from "../../packages/lm/src/engines/tfjs/tensorflow-trainer.ts";
import { browserHost } from "../../packages/lm/src/engines/wasm/browser-host.ts";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { architectureOf } from "../../packages/lm/src/models/architecture.ts";
import type { BufferId } from "../../packages/lm/src/ops/buffer.ts";
import type { Engine } from "../../packages/lm/src/plan/engine.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";
import { planStep, STEP } from "../../packages/lm/src/trainer/step-plan.ts";
import type { LocalTrainer } from "../../packages/lm/src/trainer/trainer.ts";
import { uploadWeights } from "../../packages/lm/src/trainer/upload.ts";
import { writeBatch } from "../../packages/lm/src/trainer/write-batch.ts";
import { createPlainLoss } from "./plain-transformer.ts";
import { type ShapeName, type Workload, workload } from "./shape.ts";

export interface OpenRequest {
  readonly kind: "own" | "tfjs" | "stock";
  readonly backend: Exclude<Backend, "cpu">;
  readonly shape: ShapeName;
  readonly base: BaseType;
  /** Threads of our WASM engine at most. */
  readonly threads: number;
}

export interface Opened {
  readonly device: string;
  /** Weights from host memory to a trainer that can step. */
  readonly openMs: number;
  readonly firstStepMs: number;
}

let work: Workload;
let runSteps: (count: number) => Promise<number[]>;
let openEngine: () => Promise<Engine>;
let trainer: LocalTrainer | undefined;

serveLab({
  async open({ kind, backend, shape, base, threads }: OpenRequest): Promise<Opened> {
    work = workload(shape);
    openEngine = async () => {
      const host = browserHost();
      return openWasmEngine({ ...host, threads: Math.min(threads, host.threads) });
    };
    const start = performance.now();
    const { model, adapter, dataset } = work;
    if (kind === "stock") await openStock(backend);
    else {
      trainer =
        kind === "own"
          ? await createPlannedTrainer(await openEngine(), model, adapter, base)
          : await createTensorflowTrainer(backend, model, adapter, { wasmBase: "/wasm/" });
      const opened = trainer;
      runSteps = async (count) => {
        const { steps } = await opened.trainRound(work.request(count), dataset);
        return steps.map(({ seconds }) => 1000 * seconds);
      };
    }
    // Our engines took copies; the product drops the host's weights here too.
    if (kind !== "stock") (model.weights as Map<string, unknown>).clear();
    const openMs = performance.now() - start;
    const [firstStepMs] = (await runSteps(1)) as [number];
    return { device: trainer?.engine.device ?? backend, openMs, firstStepMs };
  },

  steps: (count: number) => runSteps(count),

  /** Milliseconds of an engine's plain products 512 × 512 × 512. */
  async matmul(count: number): Promise<number[]> {
    const size = 512;
    const engine = await openEngine();
    const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
    const matrix = { kind: "matrix", name: "w", inFeatures: size, outFeatures: size } as const;
    await engine.upload({ ...matrix, base: "f32", order: "out-in", values });
    const buffer = { type: "f32", size: size * size, slot: null } as const;
    const product = { kind: "linear", x: 0, weight: "w", bias: null, residual: null, out: 1 } as const;
    const execution = await engine.prepare({
      buffers: [
        { ...buffer, name: "x", kind: "input" },
        { ...buffer, name: "y", kind: "state" },
        { ...buffer, name: "done", kind: "output", size: 1 },
      ],
      segments: {
        run: [
          { ...product, rows: size, inFeatures: size, outFeatures: size },
          { kind: "add", a: 1, b: 1, out: 2, size: 1 },
        ],
      },
      slotBytes: [],
      totalBytes: 8 * size * size,
    });
    execution.write(0, values);
    const times = await timed(count + 1, () => execution.run("run", [2]));
    engine.dispose();
    return times.slice(1);
  },

  /** Milliseconds of the LoRA calls of a step alone, at dropout rates that take turns: [turn][rate]. */
  async lora({ rates, turns }: { rates: readonly number[]; turns: number }): Promise<number[][]> {
    const engine = await openEngine();
    const fresh = workload("S");
    const model = architectureOf(fresh.model);
    await uploadWeights(engine, model, "f32");
    const batch = createBatch(fresh.dataset, [0, 1, 2, 3]);
    const executions = await Promise.all(
      rates.map(async (rate) => {
        const { mask, values } = fresh.request(1, rate);
        const placement = placeMasked(fresh.adapter, mask, 1);
        const sizes = { batch: batch.batchSize, length: batch.length, labels: null } as const;
        const step = planStep(model, { ...sizes, placement, purpose: "train" });
        const lora = step.plan.segments[STEP]?.filter(({ kind }) => kind.startsWith("lora-")) ?? [];
        const plan = { ...step.plan, segments: { ...step.plan.segments, lora } };
        const execution = await engine.prepare(plan);
        execution.write(step.adapter?.values as BufferId, toKernelOrder(values, placement));
        const kept = mask.flatMap((module) => [...module.keptColumns, ...module.keptRows]);
        const indices = rate === 0 ? fullIndices(fresh.adapter) : Int32Array.from(kept);
        execution.write(step.adapter?.indices as BufferId, indices);
        writeBatch(execution, step, batch);
        return { execution, report: step.report };
      }),
    );
    const once = async (): Promise<number[]> => {
      const times: number[] = [];
      for (const { execution, report } of executions) {
        await execution.run(STEP, [report]); // real numbers for the LoRA calls to work on
        const [first = 0] = await timed(1, () => execution.run("lora", [report]));
        times.push(first);
      }
      return times;
    };
    for (let warm = 0; warm < 5; warm++) await once();
    const all: number[][] = [];
    for (let turn = 0; turn < turns; turn++) all.push(await once());
    engine.dispose();
    return all;
  },
});

async function timed(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

async function openStock(backend: OpenRequest["backend"]): Promise<void> {
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths("/wasm/");
  await tf.setBackend(backend);
  await tf.ready();
  const { mask, values, training } = work.request(1);
  const placement = placeSubAdapter(work.adapter, mask, 1);
  const expansion = createExpansion(work.adapter, placement);
  const batch = createBatch(work.dataset, [0, 1, 2, 3]);
  if (batch.target.kind !== "next-tokens") throw new Error("bench: expected a language-model batch");
  const loss = createPlainLoss(work.model, batch.ids, batch.target.ids, work.size.batch, work.size.length);
  const variables = tf.tidy(() => splitFactors(values).map((part) => tf.variable(tf.tensor1d(part))));
  const zeros = tf.zeros([placement.slotCount - placement.valueCount]) as tf.Tensor1D;
  const optimizer = tf.train.adam(training.learningRate);
  runSteps = (count) =>
    timed(count, async () => {
      const value = optimizer.minimize(
        () => loss(expansion.expand(tf.concat([...variables, zeros]))),
        true,
        variables,
      ) as tf.Scalar;
      await value.data();
      value.dispose();
    });
}

/** The kept values of each factor apart, as a per-layer implementation holds them. */
function splitFactors(kept: Float32Array): Float32Array[] {
  let offset = 0;
  return work.request(1).mask.flatMap(({ keptColumns, keptRows }) =>
    [keptColumns, keptRows].map(({ length }) => {
      const part = kept.slice(offset, offset + work.adapter.rank * length);
      offset += part.length;
      return part;
    }),
  );
}
