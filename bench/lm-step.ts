/**
 * The LoRA step on WebAssembly in real Chromium, ours against its peers, paired in one run: `npx tsx bench/lm-step.ts`.
 * Candidates take turns, so that a busy machine slows all; medians, and medians of the ratios of neighbours. Peers: our
 * own trainer on tfjs, stock tfjs, and PyTorch where Debian's python3-torch is installed. `--only S`, `124M` or `growth`
 * runs one part (each takes a minute or three), `--quick` a third of the turns, `--profile` adds the time of each kind of
 * kernel. Every limit that was set is printed as reached or missed. WebGPU: webgpu-step.ts; several tabs: tabs.ts.
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
const PARTS = has("--only") && only ? only : ["S", "124M", "growth"];
const TURNS = has("--quick") ? 3 : 9;
const THREADS = Math.min(2, availableParallelism());

interface Candidate {
  readonly name: string;
  /** Null for a peer outside the browser. */
  readonly page: LabPage | null;
  readonly opened: Opened | null;
  readonly threads: number;
  /** Milliseconds of each turn's steps. */
  readonly turns: number[][];
  /** GFLOP/s of a 512³ product on the same engine beside each turn; of our own engine alone. */
  readonly rates: number[];
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
  if (PARTS.includes("growth")) await watchGrowth();
} finally {
  await lab.close();
}

async function compareSteps(shape: ShapeName, stepsPerTurn: number): Promise<void> {
  const { batch, length } = SHAPES[shape];
  const isLarge = shape !== "S";
  // The large shape in what the limits are about: several tabs of 500 MB would compete for more than cores.
  const wanted: [string, Omit<OpenRequest, "shape">][] = isLarge
    ? [[`own int8, ${THREADS} threads`, own(THREADS, "int8")]]
    : [
        ["own, one thread", own(1)],
        [`own, ${THREADS} threads`, own(THREADS)],
        ["our trainer on tfjs", { ...own(1), kind: "tfjs" }],
        ["stock tfjs", { ...own(1), kind: "stock" }],
      ];
  const candidates: Candidate[] = [];
  for (const [name, request] of wanted) candidates.push(await openPage(lab, name, { ...request, shape }));
  if (torch)
    for (const threads of isLarge ? [THREADS] : [1, THREADS]) candidates.push(openPeer(shape, threads));
  for (let turn = 0; turn < TURNS; turn++)
    for (const candidate of candidates) {
      const isSlow = /stock/.test(candidate.name);
      if (isSlow && turn % 3 !== 0) continue;
      candidate.turns.push([...(await candidate.step(isSlow ? 1 : stepsPerTurn))]);
      const { page, name, threads } = candidate;
      if (name.startsWith("own"))
        candidate.rates.push((await page?.call<number>("matrixRate", { threads, repeats: 8 })) ?? Number.NaN);
    }

  console.log(`\nLoRA step, ${shape}: batch ${batch} × ${length} tokens, dropout rate 0.5`);
  row("", "open ms", "first step ms", "step ms", "tokens/s", "MB", "÷ torch 1", `÷ torch ${THREADS}`);
  const torches = candidates.filter(({ name }) => name.startsWith("torch"));
  const torchOne = torches.find(({ threads }) => threads === 1);
  const torchTwo = torches.find(({ threads }) => threads === THREADS);
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
  const [one, two] = candidates as [Candidate, Candidate];
  const share = (candidate: Candidate): number => shareOfRate(shape, candidate);
  if (has("--profile")) for (const line of await profileAt(shape, one, 0.5)) row(...inCells(line));
  if (isLarge) {
    const step = median(one.turns.flat());
    const { openMs = 0, firstStepMs = 0 } = one.opened ?? {};
    limit("tokens/s, int8, two threads", (1000 * batch * length) / step, "≥", 120);
    if (torchTwo) limit("int8 step ÷ PyTorch's, two threads", Number(ratio(one, torchTwo)), "≤", 1.2);
    limit("MB of the int8 tab", one.memory / 1e6, "≤", 500);
    limit("first int8 step ÷ later ones", firstStepMs / step, "≤", 1.5);
    limit("s from the browser's cache to the first step", (openMs + firstStepMs) / 1000, "≤", 8);
    const reached = share(one);
    limit("share of the 512³ rate, int8, two threads", reached, "≥", 0.75);
    const most = (1000 * batch * length) / step / reached;
    console.log(`a step all of which went at the 512³ rate would make ${most.toFixed(0)} tokens/s`);
  } else {
    limit("ms a step, one thread", median(one.turns.flat()), "≤", 45);
    if (torchOne) limit("step ÷ PyTorch's, one thread", Number(ratio(one, torchOne)), "≤", 1.5);
    limit("one thread's step ÷ two threads'", Number(ratio(one, two)), "≥", 1.7);
    if (torchTwo) limit("step ÷ PyTorch's, two threads", Number(ratio(two, torchTwo)), "≤", 1.2);
    limit("share of the 512³ rate, one thread", share(one), "≥", 0.6);
    limit("share of the 512³ rate, two threads", share(two), "≥", 0.6);
    limit("LoRA's products at γ = 0.5 ÷ at γ = 0", await loraRatio(shape, one), "≤", 0.6);
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

/** The time of each kind of kernel in a step on one thread. */
async function profileAt(
  shape: ShapeName,
  { page }: Candidate,
  dropoutRate: number,
): Promise<readonly KernelTime[]> {
  const [base, repeats] = shape === "S" ? ["f32", 8] : ["int8", 2];
  return (await page?.call<KernelTime[]>("profile", { base, dropoutRate, repeats })) ?? [];
}

function inCells({ kind, calls, milliseconds, gflop }: KernelTime): readonly string[] {
  const rate = gflop > 0 ? ((1000 * gflop) / milliseconds).toFixed(1) : "";
  return [kind, `${calls}`, `${milliseconds.toFixed(2)} ms`, rate];
}

/** How long LoRA's products take with half of the columns and rows, against all of them: both beside each other, often. */
async function loraRatio(shape: ShapeName, candidate: Candidate): Promise<number> {
  const part = async (dropoutRate: number): Promise<number> =>
    (await profileAt(shape, candidate, dropoutRate)).reduce(
      (sum, { kind, milliseconds }) => sum + (kind.startsWith("lora") ? milliseconds : 0),
      0,
    );
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) ratios.push((await part(0.5)) / (await part(0)));
  return median(ratios);
}

/** Of the engine's own rate on a large product, measured in the same turns. */
function shareOfRate(shape: ShapeName, { turns, rates }: Candidate): number {
  const flops = stepFlops(workload(shape));
  return median(turns.map((times, turn) => flops / median(times) / 1e6 / (rates[turn] as number)));
}

/** 50 rounds of 10 steps at changing rates, with an evaluation and some generated tokens in each. */
async function watchGrowth(): Promise<void> {
  const page = await lab.openPage("isolated");
  await page.call("open", { shape: "S", ...own(THREADS) } satisfies OpenRequest);
  await page.call("rounds", 8);
  const linear = [await page.call<number>("rounds", 0)];
  const heap = [await page.heapBytes()];
  for (let span = 0; span < 3; span++) {
    linear.push(await page.call<number>("rounds", 17));
    heap.push(await page.heapBytes());
  }
  await page.close();
  const megabytes = (bytes: readonly number[]): string => bytes.map((b) => (b / 1e6).toFixed(3)).join(", ");
  console.log(
    `\n51 rounds of 10 steps in a tab: WASM MB ${megabytes(linear)}; JavaScript MB ${megabytes(heap)}`,
  );
  limit("WASM bytes more after 51 rounds", (linear[3] as number) - (linear[0] as number), "≤", 0);
  // What leaks grows in every span; what is compiled or cached on the way grows in one or two.
  const growths = [1, 2, 3].map((span) => ((heap[span] as number) - (heap[span - 1] as number)) / 17);
  limit("JavaScript bytes more a round, the least of three spans", Math.min(...growths), "≤", 8_000);
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
  const step = (count: number) => page.call<number[]>("steps", count);
  await step(2);
  return {
    ...{ name, page, opened, turns: [], rates: [], threads: request.threads },
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
      ...{ opened: null, turns: [], rates: [], page: null, threads, memory: 0 },
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
