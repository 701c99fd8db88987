/** Times the WASM engine in a browser worker, for bench/wasm-engine.ts. */
import { drawDropoutMask, initialAdapter } from "@fedlodrop/run";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { browserHost } from "../../packages/lm/src/engines/wasm/browser-host.ts";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { createPlannedTrainer } from "../../packages/lm/src/trainer/planned-trainer.ts";
import type { LocalTrainer } from "../../packages/lm/src/trainer/trainer.ts";
import { type KernelTime, profileStep } from "./kernel-profile.ts";
import { type ShapeName, type Workload, workload } from "./workload.ts";

export interface BenchTerms {
  readonly shape: ShapeName;
  readonly base: BaseType;
  readonly threads: number;
  readonly dropoutRate: number;
}

let trainer: LocalTrainer;
let work: Workload;
let terms: BenchTerms;

serveLab({
  /** @returns what the engine says of itself */
  async open(given: BenchTerms): Promise<string> {
    terms = given;
    work = workload(given.shape);
    const engine = await openEngine(given.threads);
    trainer = await createPlannedTrainer(engine, work.model, work.adapter, given.base);
    return engine.description.device;
  },

  /** @returns milliseconds of each step of a round */
  async steps(localSteps: number): Promise<readonly number[]> {
    const { steps } = await trainer.trainRound(work.request(localSteps, terms.dropoutRate), work.dataset);
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
    const { model, adapter, size } = work;
    const mask = drawDropoutMask(adapter, { seed: "bench", round: 1, participantId: "bench", dropoutRate });
    const engine = await openEngine(1);
    const times = await profileStep(
      engine,
      { model, adapter, mask, batch: size.batch, length: size.length, base: terms.base },
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
