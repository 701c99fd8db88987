/**
 * The LoRA step in real Chromium, ours against its peers, paired in one run: `npx tsx bench/lm-step.ts`.
 * Candidates take turns, so that a busy machine slows all; medians, and medians of the ratios of neighbours. Peers: our
 * own trainer on tfjs, stock tfjs, and PyTorch where Debian's python3-torch is installed. `--only S,124M,lora,generation`
 * picks parts, `--quick` runs a third of the turns, `--no-webgpu` and `--no-stock` leave candidates out.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { MODEL_FILES } from "@fedlodrop/run";
import { type Lab, type LabPage, openLab } from "../packages/lm/lab/open-lab.ts";
import type { BaseType } from "../packages/lm/src/plan/weight.ts";
import type { GenerationRun } from "./lm/generation-worker.ts";
import { SHAPES, type ShapeName, stepFlops, workload } from "./lm/shape.ts";
import type { Opened, OpenRequest } from "./lm/step-worker.ts";
import { openTorch, type Torch, torchVersion } from "./lm/torch.ts";

const has = (flag: string): boolean => process.argv.includes(flag);
const only = process.argv[process.argv.indexOf("--only") + 1]?.split(",");
const PARTS = has("--only") && only ? only : ["S", "124M", "lora", "generation"];
const TURNS = has("--quick") ? 3 : 9;
const THREADS = Math.min(2, availableParallelism());

interface Candidate {
  readonly name: string;
  readonly opened: Opened | null;
  /** Milliseconds of each turn's steps. */
  readonly turns: number[][];
  step(count: number): Promise<readonly number[]>;
  readonly page: LabPage | null;
  memory: number;
  close(): Promise<void>;
}

const lab = await openLab(new URL("./lm/step-worker.ts", import.meta.url).pathname);
const torch = torchVersion();
console.log(torch ? `PyTorch ${torch} is a peer` : "no PyTorch here (apt-get install python3-torch)");
try {
  if (PARTS.includes("S")) await compareSteps("S", 6);
  if (PARTS.includes("124M")) await compareSteps("GPT-2 124M", 1);
  if (PARTS.includes("lora")) await compareRates();
} finally {
  await lab.close();
}
if (PARTS.includes("generation")) await measureGeneration();

async function compareSteps(shape: ShapeName, stepsPerTurn: number): Promise<void> {
  const { batch, length } = SHAPES[shape];
  const isLarge = shape !== "S";
  const wanted: [string, Omit<OpenRequest, "shape">][] = [
    ["own wasm, one thread", own("wasm", 1)],
    [`own wasm, ${THREADS} threads`, own("wasm", THREADS)],
  ];
  if (isLarge) wanted.push([`own wasm int8, ${THREADS} threads`, own("wasm", THREADS, "int8")]);
  else {
    wanted.push(["our tfjs wasm", { ...own("wasm", 1), kind: "tfjs" }]);
    if (!has("--no-stock")) wanted.push(["stock tfjs wasm", { ...own("wasm", 1), kind: "stock" }]);
    if (!has("--no-webgpu")) {
      wanted.push(
        ["own webgpu", own("webgpu", 1)],
        ["our tfjs webgpu", { ...own("webgpu", 1), kind: "tfjs" }],
      );
      if (!has("--no-stock")) wanted.push(["stock tfjs webgpu", { ...own("webgpu", 1), kind: "stock" }]);
    }
  }
  const candidates: Candidate[] = [];
  for (const [name, request] of wanted) candidates.push(await openPage(lab, name, { ...request, shape }));
  if (torch) for (const threads of [1, THREADS]) candidates.push(openPeer(shape, threads));
  for (let turn = 0; turn < TURNS; turn++)
    for (const candidate of candidates) {
      const isSlow = /stock|webgpu/.test(candidate.name);
      if (isSlow && turn % 3 !== 0) continue;
      candidate.turns.push([...(await candidate.step(isSlow ? 1 : stepsPerTurn))]);
    }

  const flops = stepFlops(workload("S"));
  console.log(`\nLoRA step, ${shape}: batch ${batch} × ${length} tokens, dropout rate 0.5`);
  row("", "open ms", "first step ms", "step ms", "tokens/s", "MB", "÷ torch 1", `÷ torch ${THREADS}`);
  const [torchOne, torchTwo] = candidates.filter(({ name }) => name.startsWith("torch"));
  for (const candidate of candidates) {
    const ms = median(candidate.turns.flat());
    row(
      candidate.name,
      candidate.opened?.openMs.toFixed(0) ?? "–",
      candidate.opened?.firstStepMs.toFixed(0) ?? "–",
      ms.toFixed(1),
      ((1000 * batch * length) / ms).toFixed(0),
      candidate.memory > 0 ? (candidate.memory / 1e6).toFixed(0) : "–",
      torchOne ? ratio(candidate, torchOne) : "–",
      torchTwo ? ratio(candidate, torchTwo) : "–",
    );
  }
  for (const { name, page, turns, opened } of candidates.filter(({ name }) => name.startsWith("own wasm"))) {
    const product = median((await page?.call<number[]>("matmul", 30)) ?? []);
    const rate = (2 * 512 ** 3) / product / 1e6;
    const reached = (isLarge ? largeFlops() : flops) / median(turns.flat()) / 1e6;
    console.log(
      `${name} (${opened?.device}): matrix products at ${reached.toFixed(1)} GFLOP/s, ${((100 * reached) / rate).toFixed(0)} % of its own 512³ (${rate.toFixed(1)})`,
    );
  }
  for (const candidate of candidates) await candidate.close();
}

/** Of 124M without drawing its weights. */
function largeFlops(): number {
  const { width: d, layers, vocabulary, length, batch } = SHAPES["GPT-2 124M"];
  const base = layers * 12 * d * d + d * vocabulary;
  const factors = layers * 0.5 * 8 * 4 * d;
  return 2 * batch * length * (2 * base + 3 * layers * 2 * length * d + 3 * factors);
}

/** LoRA calls of a step of shape S at γ = 0.5 against γ = 0. */
async function compareRates(): Promise<void> {
  const page = await lab.openPage("isolated");
  await page.call<Opened>("open", { ...own("wasm", 1), shape: "S" });
  const turns = await page.call<[number, number][]>("lora", { rates: [0, 0.5], turns: 10 * TURNS });
  console.log(
    `\nLoRA calls of a step, S, one thread: ${median(turns.map(([all]) => all)).toFixed(2)} ms at γ = 0, ${median(turns.map(([, half]) => half)).toFixed(2)} ms at γ = 0.5: ${median(turns.map(([all, half]) => half / all)).toFixed(2)}×`,
  );
  await page.close();
}

async function measureGeneration(): Promise<void> {
  const generation = await openLab(new URL("./lm/generation-worker.ts", import.meta.url).pathname);
  const folder = new URL("../models/base/", import.meta.url).pathname;
  const files = Object.fromEntries(MODEL_FILES.map((name) => [name, [...readFileSync(folder + name)]]));
  for (const isolation of ["open", "isolated"] as const)
    for (const isAdapted of [false, true]) {
      const page = await generation.openPage(isolation);
      const { tokens, seconds, firstMs, lastMs } = await page.call<GenerationRun>("generate", {
        ...{ files, tokens: 100, isAdapted },
      });
      console.log(
        `generation, bundled model, ${isolation === "open" ? "one thread" : "threads"}, ${isAdapted ? "full adapter" : "no adapter"}: ${tokens} tokens at ${(tokens / seconds).toFixed(0)} tokens/s; a token ${firstMs.toFixed(2)} ms at first, ${lastMs.toFixed(2)} ms at the end`,
      );
      await page.close();
    }
  await generation.close();
}

function own(
  backend: OpenRequest["backend"],
  threads: number,
  base: BaseType = "f32",
): Omit<OpenRequest, "shape"> {
  return { kind: "own", backend, threads, base };
}

async function openPage(from: Lab, name: string, request: OpenRequest): Promise<Candidate> {
  const before = await from.rendererBytes();
  const page = await from.openPage("isolated");
  const opened = await page.call<Opened>("open", request);
  const turns: number[][] = [];
  const step = (count: number) => page.call<number[]>("steps", count);
  await step(2);
  return {
    name,
    opened,
    turns,
    step,
    page,
    memory: (await from.rendererBytes()) - before,
    close: () => page.close(),
  };
}

function openPeer(shape: ShapeName, threads: number): Candidate {
  const peer: Torch = openTorch(shape, threads);
  const candidate: Candidate = {
    ...{
      name: `torch, ${threads} thread${threads > 1 ? "s" : ""}`,
      opened: null,
      turns: [],
      page: null,
      memory: 0,
    },
    async step(count) {
      const { milliseconds, peakMegabytes } = await peer.steps(count);
      candidate.memory = peakMegabytes * 1e6;
      return milliseconds;
    },
    close: async () => peer.close(),
  };
  return candidate;
}

/** Median over turns of how many times as long a step takes as the peer's beside it. */
function ratio({ turns }: Candidate, peer: Candidate): string {
  const stride = Math.round(peer.turns.length / turns.length);
  const ratios = turns.map((times, turn) => median(times) / median(peer.turns[turn * stride] ?? []));
  return median(ratios).toFixed(2);
}

function row(...cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(15))).join(""));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
