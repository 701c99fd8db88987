/**
 * The LoRA step in real Chromium, ours against stock tfjs, paired in one run: `npx tsx bench/lm-step.ts`.
 * The two take turns, so that a busy machine slows both; medians of the step times, and of the ratios of neighbours.
 * `--quick` runs a fifth of the steps.
 */
import type { EngineDescription } from "@fedlodrop/lm";
import { type LabPage, openLab } from "../packages/lm/lab/open-lab.ts";
import { BATCH_SIZE, SEQUENCE_LENGTH, stepFlops } from "./lm/shape.ts";
import type { StepCost, StepKind, StepRun } from "./lm/step-worker.ts";

/** Least speed-up over the stock step that counts as passing. */
const FLOORS = { wasm: 2.7, webgpu: 8 } as const;
type Measured = keyof typeof FLOORS;
const KINDS: readonly StepKind[] = ["own", "own-on-stock", "stock"];
const STEPS_PER_TURN: Readonly<Record<Measured, number>> = { wasm: 10, webgpu: 3 };
const TURNS = process.argv.includes("--quick") ? 1 : 5;
const BACKENDS = (Object.keys(FLOORS) as Measured[]).filter((b) => !process.argv.includes(`--no-${b}`));
const TOKENS = BATCH_SIZE * SEQUENCE_LENGTH;

const lab = await openLab(new URL("./lm/step-worker.ts", import.meta.url).pathname);
let passed = true;
try {
  console.log(
    `LoRA step, shape S: vocabulary 1024, width 128, 4 layers, 4 heads, batch ${BATCH_SIZE} × ${SEQUENCE_LENGTH} tokens, rank 8 on 4 matrices a layer, dropout rate 0.5; WebGPU is SwiftShader (CPU)`,
  );
  for (const backend of BACKENDS) passed = (await compare(backend)) && passed;
} finally {
  await lab.close();
}
process.exitCode = passed ? 0 : 1;

async function compare(backend: Measured): Promise<boolean> {
  const runs: StepsOf[] = [];
  for (const kind of KINDS) runs.push(await openRun(backend, kind));
  const [own, , stock] = runs as [StepsOf, StepsOf, StepsOf];
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    for (const run of runs) {
      const { milliseconds } = await run.page.call<StepRun>("steps", STEPS_PER_TURN[backend]);
      run.milliseconds.push(milliseconds);
    }
    ratios.push(
      median(stock.milliseconds[turn] as readonly number[]) /
        median(own.milliseconds[turn] as readonly number[]),
    );
  }
  const rate = await own.page.call<number>("matmulRate");

  console.log(`\n${backend} (${own.engine?.device}), kernels: ${describeKernels(own.engine)}`);
  row("", "first step ms", "step ms", "tokens/s", "dispatches", "tensors", "MB", "later pipelines");
  for (const { page, kind, firstMs, milliseconds } of runs) {
    const { dispatches, pipelines, tensors, bytes, gpuBytes } = await page.call<StepCost>("cost");
    const stepMs = median(milliseconds.flat());
    row(
      kind,
      firstMs.toFixed(0),
      stepMs.toFixed(1),
      ((1000 * TOKENS) / stepMs).toFixed(0),
      backend === "webgpu" ? `${dispatches}` : "-",
      `${tensors}`,
      `${((gpuBytes ?? bytes) / 1e6).toFixed(1)}`,
      backend === "webgpu" ? `${pipelines}` : "-",
    );
    await page.close();
  }
  const achieved = stepFlops() / median(own.milliseconds.flat()) / 1e6;
  console.log(
    `own: the matrix products of a step, ${(stepFlops() / 1e9).toFixed(2)} GFLOP, at ${achieved.toFixed(1)} GFLOP/s: ${((100 * achieved) / rate).toFixed(0)} % of this engine's 512³ product (${rate.toFixed(1)} GFLOP/s)`,
  );
  const ratio = median(ratios);
  const holds = ratio >= FLOORS[backend];
  console.log(
    `own is ${ratio.toFixed(2)}× as fast as stock (turns ${ratios.map((r) => r.toFixed(2)).join(", ")}); floor ${FLOORS[backend]}×: ${holds ? "holds" : "MISSED"}`,
  );
  return holds;
}

interface StepsOf {
  readonly kind: StepKind;
  readonly page: LabPage;
  readonly engine: EngineDescription | undefined;
  readonly firstMs: number;
  /** Step times of each turn. */
  readonly milliseconds: (readonly number[])[];
}

async function openRun(backend: Measured, kind: StepKind): Promise<StepsOf> {
  const page = await lab.openPage();
  const engine = await page.call<EngineDescription | undefined>("open", { backend, kind });
  const [firstMs] = (await page.call<StepRun>("steps", 1)).milliseconds as [number];
  return { kind, page, engine, firstMs, milliseconds: [] };
}

function describeKernels(engine: EngineDescription | undefined): string {
  const ms = (seconds: number): string => `${(1000 * seconds).toFixed(1)} ms`;
  return (engine?.kernels ?? [])
    .map(({ kernel, chosen, seconds }) =>
      seconds
        ? `${kernel} ${chosen} (${Object.entries(seconds)
            .map(([form, time]) => `${form} ${ms(time)}`)
            .join(", ")})`
        : `${kernel} ${chosen}`,
    )
    .join(", ");
}

function row(...cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(16))).join(""));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
