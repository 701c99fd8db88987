/**
 * The LoRA step on WebAssembly in real Chromium, ours against its peers, paired in one run: `npx tsx bench/lm-step.ts`.
 * Candidates take turns, so that a busy machine slows all; medians, and medians of the ratios of neighbours. Peers: our
 * own trainer on tfjs, stock tfjs, and PyTorch where Debian's python3-torch is installed. `--only S` or `--only 124M`
 * runs one shape, `--quick` a third of the turns. WebGPU: webgpu-step.ts; one engine alone, in detail: wasm-engine.ts.
 */
import { availableParallelism } from "node:os";
import { type Lab, openLab } from "../packages/lm/lab/open-lab.ts";
import type { BaseType } from "../packages/lm/src/plan/weight.ts";
import type { Opened, OpenRequest } from "./lm/step-worker.ts";
import { openTorch, type Torch, torchVersion } from "./lm/torch.ts";
import { SHAPES, type ShapeName } from "./lm/workload.ts";

const has = (flag: string): boolean => process.argv.includes(flag);
const only = process.argv[process.argv.indexOf("--only") + 1]?.split(",");
const PARTS = has("--only") && only ? only : ["S", "124M"];
const TURNS = has("--quick") ? 3 : 9;
const THREADS = Math.min(2, availableParallelism());

interface Candidate {
  readonly name: string;
  readonly opened: Opened | null;
  /** Milliseconds of each turn's steps. */
  readonly turns: number[][];
  step(count: number): Promise<readonly number[]>;
  memory: number;
  close(): Promise<void>;
}

const lab = await openLab(new URL("./lm/step-worker.ts", import.meta.url).pathname);
const torch = torchVersion();
console.log(torch ? `PyTorch ${torch} is a peer` : "no PyTorch here (apt-get install python3-torch)");
try {
  if (PARTS.includes("S")) await compareSteps("S", 6);
  if (PARTS.includes("124M")) await compareSteps("GPT-2 124M", 1);
} finally {
  await lab.close();
}

async function compareSteps(shape: ShapeName, stepsPerTurn: number): Promise<void> {
  const { batch, length } = SHAPES[shape];
  const isLarge = shape !== "S";
  const wanted: [string, Omit<OpenRequest, "shape">][] = [
    ["own, one thread", own(1)],
    [`own, ${THREADS} threads`, own(THREADS)],
  ];
  if (isLarge) wanted.push([`own int8, ${THREADS} threads`, own(THREADS, "int8")]);
  else
    wanted.push(
      ["our trainer on tfjs", { ...own(1), kind: "tfjs" }],
      ["stock tfjs", { ...own(1), kind: "stock" }],
    );
  const candidates: Candidate[] = [];
  for (const [name, request] of wanted) candidates.push(await openPage(lab, name, { ...request, shape }));
  if (torch) for (const threads of [1, THREADS]) candidates.push(openPeer(shape, threads));
  for (let turn = 0; turn < TURNS; turn++)
    for (const candidate of candidates) {
      const isSlow = /stock/.test(candidate.name);
      if (isSlow && turn % 3 !== 0) continue;
      candidate.turns.push([...(await candidate.step(isSlow ? 1 : stepsPerTurn))]);
    }

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
  for (const candidate of candidates) await candidate.close();
}

function own(threads: number, base: BaseType = "f32"): Omit<OpenRequest, "shape"> {
  return { kind: "own", threads, base };
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
