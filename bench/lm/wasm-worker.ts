/** Times the WASM engine in a browser worker, for bench/wasm-engine.ts. */
import { parseConfig } from "@fedlodrop/lm";
import { createRandom, drawDropoutMask, gatherValues, initialAdapter, keptIndices } from "@fedlodrop/run";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { adapterShape } from "../../packages/lm/src/adapter/lora.ts";
import { browserHost } from "../../packages/lm/src/engines/wasm/browser-host.ts";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { parameterShapes } from "../../packages/lm/src/models/checkpoint.ts";
import type { LanguageModel } from "../../packages/lm/src/models/language-model.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";
import type { LocalTrainer } from "../../packages/lm/src/trainer/trainer.ts";
import { type KernelTime, profileStep } from "./kernel-profile.ts";
import * as small from "./shape.ts";

export type BenchShape = "S" | "GPT-2 124M";

export interface BenchTerms {
  readonly shape: BenchShape;
  readonly base: BaseType;
  readonly threads: number;
  readonly dropoutRate: number;
}

let trainer: LocalTrainer;
let work: ReturnType<typeof workOf>;
let terms: BenchTerms;

serveLab({
  /** @returns what the engine says of itself */
  async open(given: BenchTerms): Promise<string> {
    terms = given;
    work = workOf(given.shape);
    const engine = await openEngine(given.threads);
    trainer = await createPlannedTrainer(engine, work.model, work.adapter, given.base);
    if (given.shape !== "S") work = { ...work, model: { ...work.model, weights: new Map() } }; // half a gigabyte
    return engine.description.device;
  },

  /** @returns milliseconds of each step of a round */
  async steps(localSteps: number): Promise<readonly number[]> {
    const { adapter, dataset, batch } = work;
    const { dropoutRate } = terms;
    const mask = drawDropoutMask(adapter, { seed: "bench", round: 1, participantId: "bench", dropoutRate });
    const values = gatherValues(initialAdapter(adapter, "bench"), keptIndices(adapter, mask));
    const options = { batchSize: batch, learningRate: 1e-3, weightDecay: 0, rescale: "inverted" } as const;
    const request = { mask, dropoutRate, values, training: { ...options, localSteps }, batchSeed: "bench" };
    const { steps } = await trainer.trainRound(request, dataset);
    return steps.map(({ seconds }) => 1000 * seconds);
  },

  /** @returns tokens per second of a continuation with a full adapter */
  async generate(maxTokens: number): Promise<number> {
    const adapter = initialAdapter(work.adapter, "bench");
    const start = performance.now();
    const options = { maxTokens, temperature: 1, topK: 40, seed: "bench" };
    const ids = await trainer.generate([1, 2, 3, 4], options, adapter);
    return (1000 * ids.length) / (performance.now() - start);
  },

  /** @returns GFLOP/s of a 512³ product, the best of `repeats` */
  async matrixRate(repeats: number): Promise<number> {
    const size = 512;
    const engine = await openEngine(terms.threads);
    const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
    const shape = { inFeatures: size, outFeatures: size } as const;
    await engine.upload({ kind: "matrix", name: "w", ...shape, base: "f32", order: "out-in", values });
    const buffer = (name: string) =>
      ({ name, kind: "state", type: "f32", size: size * size, slot: null }) as const;
    const call = { kind: "linear", x: 0, weight: "w", bias: null, residual: null, out: 1 } as const;
    const execution = await engine.prepare({
      buffers: [buffer("x"), buffer("out")],
      segments: { run: [{ ...call, rows: size, ...shape }] },
      slotBytes: [],
      totalBytes: 8 * size * size,
    });
    execution.write(0, values);
    let best = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const start = performance.now();
      await execution.run("run");
      best = Math.min(best, performance.now() - start);
    }
    engine.dispose();
    return (2 * size ** 3) / best / 1e6;
  },

  async profile({
    dropoutRate,
    repeats,
  }: {
    dropoutRate: number;
    repeats: number;
  }): Promise<readonly KernelTime[]> {
    const { model, adapter, batch, length } = workOf(terms.shape);
    const mask = drawDropoutMask(adapter, { seed: "bench", round: 1, participantId: "bench", dropoutRate });
    const engine = await openEngine(1);
    const times = await profileStep(
      engine,
      { model, adapter, mask, batch, length, base: terms.base },
      repeats,
    );
    engine.dispose();
    return times;
  },
});

function openEngine(threads: number): ReturnType<typeof openWasmEngine> {
  const host = browserHost();
  return openWasmEngine({ ...host, threads: Math.min(threads, host.threads) });
}

function workOf(shape: BenchShape) {
  if (shape === "S")
    return {
      model: small.model as LanguageModel,
      adapter: small.adapter,
      dataset: small.dataset,
      batch: small.BATCH_SIZE,
      length: small.SEQUENCE_LENGTH,
    };
  const sizes = { vocab_size: 50_257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 };
  const config = parseConfig({ model_type: "gpt2", eos_token_id: 50_256, ...sizes });
  const weights: LanguageModel["weights"] = new Map(
    [...parameterShapes(config)].map(([name, dimensions]) => {
      const size = dimensions.reduce((product, extent) => product * extent, 1);
      const mean = /ln_.*weight/.test(name) ? 1 : 0;
      const values = Float32Array.from({ length: size }, (_, i) => mean + 0.02 * Math.sin(12.9898 * i));
      return [name, { shape: dimensions, values }];
    }),
  );
  const random = createRandom("124M");
  return {
    model: { config, weights } as LanguageModel,
    adapter: adapterShape(config, { rank: 8, alpha: 16, targetModules: ["attn.c_attn"] }),
    dataset: {
      kind: "language-model" as const,
      windows: [Int32Array.from({ length: 65 }, () => random.below(50_257))],
    },
    batch: 1,
    length: 64,
  };
}
