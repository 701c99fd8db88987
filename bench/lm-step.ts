/**
 * The LoRA step on WebAssembly in real Chromium, ours against its peers, paired in one run: `npx tsx bench/lm-step.ts`.
 * Candidates take turns, so that a busy machine slows all; medians, and medians of the ratios of neighbours. Peers: our
 * own trainer on tfjs, stock tfjs, and PyTorch where Debian's python3-torch is installed. `--only S` or `--only 124M`
 * runs one shape, `--quick` a third of the turns, `--profile` adds the time of each kind of kernel. Every limit that was
 * set is printed as reached or missed. WebGPU: webgpu-step.ts.
 */
import { availableParallelism } from "node:os";
import { type Lab, type LabPage, openLab } from "../packages/lm/lab/open-lab.ts";
import type { BaseType } from "../packages/lm/src/plan/weight.ts";
import type { KernelTime } from "./lm/kernel-profile.ts";
import type { Opened, OpenRequest } from "./lm/step-worker.ts";
import { openTorch, type Torch, torchVersion } from "./lm/torch.ts";
import { SHAPES, type ShapeName, stepFlops, workload } from "./lm/workload.ts";

const has = (flag: string): boolean => process.argv.includes(flag);
const only = process.argv[process.argv.indexOf("--only") + 1]?.split(",");
const PARTS = has("--only") && only ? only : ["S", "124M"];
const TURNS = has("--quick") ? 3 : 9;
const THREADS = Math.min(2, availableParallelism());

interface Candidate {
  readonly name: string;
  /** Null for a peer outside the browser. */
  readonly page: LabPage | null;
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
  const [one, two, int8] = candidates as [Candidate, Candidate, Candidate];
  const { product, lora } = await details(shape, one, isLarge ? int8 : two);
  if (isLarge) {
    const step = median(int8.turns.flat());
    const { openMs = 0, firstStepMs = 0 } = int8.opened ?? {};
    limit("tokens/s, int8, two threads", (1000 * batch * length) / step, "≥", 120);
    if (torchTwo) limit("int8 step ÷ PyTorch's, two threads", Number(ratio(int8, torchTwo)), "≤", 1.2);
    limit("MB of the int8 tab", int8.memory / 1e6, "≤", 500);
    limit("first int8 step ÷ later ones", firstStepMs / step, "≤", 1.5);
    limit("s from weights (drawn, here) to the first step", (openMs + firstStepMs) / 1000, "≤", 8);
    limit("share of the 512³ rate, int8, two threads", product, "≥", 0.75);
  } else {
    limit("ms a step, one thread", median(one.turns.flat()), "≤", 45);
    if (torchOne) limit("step ÷ PyTorch's, one thread", Number(ratio(one, torchOne)), "≤", 1.5);
    limit("one thread's step ÷ two threads'", Number(ratio(one, two)), "≥", 1.7);
    if (torchTwo) limit("step ÷ PyTorch's, two threads", Number(ratio(two, torchTwo)), "≤", 1.2);
    limit("share of the 512³ rate, one thread", await shareOfRate(shape, one, 1), "≥", 0.6);
    limit("share of the 512³ rate, two threads", product, "≥", 0.6);
    limit("LoRA's products at γ = 0.5 ÷ at γ = 0", lora, "≤", 0.6);
    for (const each of [one, two])
      limit(
        `generated tokens/s, ${each.name}`,
        (await each.page?.call<number>("generate", 40)) ?? 0,
        "≥",
        600,
      );
  }
  for (const candidate of candidates) await candidate.close();
}

/** What is told of our engine alone: its share of its own rate, and what dropout saves of LoRA's part of a step. */
async function details(
  shape: ShapeName,
  one: Candidate,
  two: Candidate,
): Promise<{ readonly product: number; readonly lora: number }> {
  const product = await shareOfRate(shape, two, THREADS);
  const base = shape === "S" ? "f32" : "int8";
  const profileAt = async (dropoutRate: number): Promise<readonly KernelTime[]> =>
    (await one.page?.call<KernelTime[]>("profile", { base, dropoutRate, repeats: shape === "S" ? 20 : 2 })) ??
    [];
  const half = await profileAt(0.5);
  if (has("--profile"))
    for (const { kind, calls, milliseconds, gflop } of half)
      row(
        kind,
        `${calls}`,
        `${milliseconds.toFixed(2)} ms`,
        gflop > 0 ? ((1000 * gflop) / milliseconds).toFixed(1) : "",
      );
  const loraPart = (times: readonly KernelTime[]): number =>
    times.reduce((sum, { kind, milliseconds }) => sum + (kind.startsWith("lora") ? milliseconds : 0), 0);
  return { product, lora: shape === "S" ? loraPart(half) / loraPart(await profileAt(0)) : Number.NaN };
}

async function shareOfRate(shape: ShapeName, { page, turns }: Candidate, threads: number): Promise<number> {
  const rate = (await page?.call<number>("matrixRate", { threads, repeats: 20 })) ?? Number.NaN;
  return stepFlops(workload(shape)) / median(turns.flat()) / 1e6 / rate;
}

function limit(what: string, value: number, sense: "≤" | "≥", bound: number): void {
  const isReached = sense === "≤" ? value <= bound : value >= bound;
  if (!isReached) process.exitCode = 1;
  console.log(
    `${isReached ? "reached" : "MISSED "} ${what}: ${value.toFixed(value < 10 ? 2 : 0)} (${sense} ${bound})`,
  );
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
    page,
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
