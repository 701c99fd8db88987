/**
 * Runs LoRA steps on WebAssembly in a browser worker. `own`: our engine, as the product trains. `tfjs`: our trainer on tfjs, which the
 * product falls back on. `stock`: tfjs's kernels untouched under the forward pass of plain-transformer.ts, autograd, and
 * tf.train.adam over one variable per factor.
 */
import { initialAdapter } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { createBatch } from "../../packages/lm/src/data/batches.ts";
import { createExpansion, placeSubAdapter } from "../../packages/lm/src/engines/tfjs/lora-dropout.ts";
import { createTensorflowTrainer } from "../../packages/lm/src/engines/tfjs/tensorflow-trainer.ts";
import { browserHost } from "../../packages/lm/src/engines/wasm/browser-host.ts";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { allTensors, type TensorSource } from "../../packages/lm/src/models/tensor-source.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";
import type { LocalTrainer } from "../../packages/lm/src/trainer/trainer.ts";
import { type KernelTime, profileStep } from "./kernel-profile.ts";
import { createPlainLoss } from "./plain-transformer.ts";
import { type ShapeName, type Workload, workload } from "./workload.ts";

export interface OpenRequest {
  readonly kind: "own" | "tfjs" | "stock";
  readonly shape: ShapeName;
  readonly base: BaseType;
  /** Threads of our WASM engine at most. */
  readonly threads: number;
  /** Whether it leaves cores to other tabs, as in the product. */
  readonly sharesCores?: boolean;
}

export interface Opened {
  readonly device: string;
  /** Weights to a trainer that can step: the large shape's from the browser's cache, as in the product. */
  readonly openMs: number;
  readonly firstStepMs: number;
}

const RATES = [0, 0.25, 0.5, 0.9];

/** Every linear memory of this worker. */
const memories: WebAssembly.Memory[] = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
};

let work: Workload;
let runSteps: (count: number) => Promise<number[]>;
let trainer: LocalTrainer | undefined;
let matrixProduct: Awaited<ReturnType<typeof openProduct>> | undefined;

serveLab({
  async open({ kind, shape, base, threads, sharesCores }: OpenRequest): Promise<Opened> {
    work = workload(shape);
    if (shape !== "S") work = await throughCache(work);
    const start = performance.now();
    const { model, adapter, dataset } = work;
    if (kind === "stock") await openStock();
    else {
      trainer =
        kind === "own"
          ? await createPlannedTrainer(await openOwn(threads, sharesCores), model, adapter, base)
          : await createTensorflowTrainer("wasm", model, adapter, { tfjsWasm: "/wasm/" });
      const opened = trainer;
      runSteps = async (count) => {
        const { steps } = await opened.trainRound(work.request(count), dataset);
        return steps.map(({ seconds }) => 1000 * seconds);
      };
    }
    const openMs = performance.now() - start;
    const [firstStepMs] = (await runSteps(1)) as [number];
    return { device: trainer?.engine.device ?? "tfjs, WebAssembly", openMs, firstStepMs };
  },

  steps: (count: number) => runSteps(count),

  /** So many rounds of ten steps at changing rates, each with an evaluation and a few tokens.
   *  @returns bytes of linear memory after them */
  async rounds(count: number): Promise<number> {
    if (!trainer) throw new Error("bench: expected a trainer of ours");
    const options = { maxTokens: 3, temperature: 0, topK: 1, seed: "bench" };
    const full = initialAdapter(work.adapter, "bench");
    for (let number = 0; number < count; number++) {
      await trainer.trainRound(work.request(10, RATES[number % RATES.length]), work.dataset);
      await trainer.evaluate(work.dataset, full);
      await trainer.generate([1, 2], options, full);
    }
    return memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  },

  /** Tokens a second of a continuation with a full adapter. */
  async generate(maxTokens: number): Promise<number> {
    if (!trainer) throw new Error("bench: expected a trainer of ours");
    const start = performance.now();
    const options = { maxTokens, temperature: 1, topK: 40, seed: "bench" };
    const ids = await trainer.generate([1, 2, 3, 4], options, initialAdapter(work.adapter, "bench"));
    return (1000 * ids.length) / (performance.now() - start);
  },

  /** GFLOP/s of a 512³ product on our engine, the best of `repeats`. */
  async matrixRate({ threads, repeats }: { threads: number; repeats: number }): Promise<number> {
    matrixProduct ??= await openProduct(threads);
    const { run } = matrixProduct;
    return (2 * MATRIX ** 3) / Math.min(...(await timed(repeats, run))) / 1e6;
  },

  /** Each kind of kernel of a step on one thread of our engine, the best of `repeats`. */
  async profile({
    base,
    dropoutRate,
    repeats,
  }: {
    base: BaseType;
    dropoutRate: number;
    repeats: number;
  }): Promise<readonly KernelTime[]> {
    const { model, adapter, size, request } = work;
    const { mask } = request(1, dropoutRate);
    const engine = await openOwn(1);
    const step = { model, adapter, mask, batch: size.batch, length: size.length, base };
    const times = await profileStep(engine, step, repeats);
    engine.dispose();
    return times;
  },
});

/** Width of the square product that a step's rate is compared with. */
const MATRIX = 512;

/** That product, on an engine of its own. */
async function openProduct(threads: number): Promise<{ run(): Promise<unknown> }> {
  const engine = await openOwn(threads);
  const values = Float32Array.from({ length: MATRIX * MATRIX }, (_, i) => Math.sin(i));
  const shape = { inFeatures: MATRIX, outFeatures: MATRIX } as const;
  await engine.upload({ kind: "matrix", name: "w", ...shape, base: "f32", order: "out-in", values });
  const buffer = (name: string) =>
    ({ name, kind: "state", type: "f32", size: MATRIX * MATRIX, slot: null }) as const;
  const call = { kind: "linear", x: 0, weight: "w", bias: null, residual: null, out: 1 } as const;
  const execution = await engine.prepare({
    buffers: [buffer("x"), buffer("out")],
    segments: { run: [{ ...call, rows: MATRIX, ...shape }] },
    slotBytes: [],
    totalBytes: 8 * MATRIX ** 2,
  });
  execution.write(0, values);
  return { run: () => execution.run("run") };
}

/** The same workload with its weights drawn already, and kept where a browser keeps what it downloaded. */
async function throughCache(drawn: Workload): Promise<Workload> {
  const { shapes, read } = drawn.model.tensors;
  const cache = await caches.open(drawn.size.vocabulary.toString());
  for (const key of shapes.keys())
    if (!(await cache.match(`/${key}`)))
      await cache.put(`/${key}`, new Response((await read(key)) as Float32Array<ArrayBuffer>));
  const tensors: TensorSource = {
    shapes,
    async read(key) {
      const kept = await cache.match(`/${key}`);
      if (!kept) throw new Error(`bench: expected ${key} in the cache`);
      return new Float32Array(await kept.arrayBuffer());
    },
  };
  return { ...drawn, model: { ...drawn.model, tensors } };
}

async function timed(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

/** With as many threads, whoever else is there, unless the tabs are to share the cores. */
function openOwn(threads: number, sharesCores = false): ReturnType<typeof openWasmEngine> {
  const { joinTabs, ...host } = browserHost();
  return openWasmEngine({
    ...host,
    threads: Math.min(threads, host.threads),
    ...(sharesCores && joinTabs && { joinTabs }),
  });
}

async function openStock(): Promise<void> {
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths("/wasm/");
  await tf.setBackend("wasm");
  await tf.ready();
  const { mask, values, training } = work.request(1);
  const placement = placeSubAdapter(work.adapter, mask, 1);
  const expansion = createExpansion(work.adapter, placement);
  const batch = createBatch(work.dataset, [0, 1, 2, 3]);
  if (batch.target.kind !== "next-tokens") throw new Error("bench: expected a language-model batch");
  const loss = createPlainLoss(
    work.model,
    await allTensors(work.model.tensors),
    ...([batch.ids, batch.target.ids, work.size.batch, work.size.length] as const),
  );
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
