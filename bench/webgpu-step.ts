/**
 * The LoRA step of shape S on WebGPU in real Chromium, our engine against our trainer on tfjs, paired in one run:
 * `npx tsx bench/webgpu-step.ts`. They take turns, so that a busy machine slows all. `--quick` takes fewer turns,
 * `--profile` adds the time of each kernel. On a machine without a GPU this is SwiftShader, a GPU emulated by the CPU.
 * A third candidate is the npm package @genai-fi/nanogpt, where `npm ci --ignore-scripts --prefix bench/peers` put it.
 */
import { existsSync } from "node:fs";
import { type Lab, openLab } from "../packages/lm/lab/open-lab.ts";
import type { Opened, Profile, StepCost } from "./lm/webgpu-worker.ts";
import { stepFlops, workload } from "./lm/workload.ts";

const TURNS = process.argv.includes("--quick") ? 3 : 7;
const STEPS = 3;
/** What is to be reached on SwiftShader. */
const TARGETS = { ratio: 478 / 250, dispatches: 150, encodeMs: 3, firstStepMs: 2000 };

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

const nanogpt = new URL("./peers/nanogpt-worker.js", import.meta.url).pathname;
const hasNanogpt = existsSync(new URL("./peers/node_modules/@genai-fi/nanogpt", import.meta.url));
let peerLab: Lab | undefined;

const lab = await openLab(new URL("./lm/webgpu-worker.ts", import.meta.url).pathname);
let reached = true;
try {
  const own = await lab.openPage();
  const opened = await own.call<Opened>("open", "own");
  const tfjs = await lab.openPage();
  const before = await tfjs.call<Opened>("open", "tfjs");
  peerLab = hasNanogpt ? await openLab(nanogpt) : undefined;
  const peer = await peerLab?.openPage();
  await peer?.call("open");
  console.log(
    `LoRA step, shape S, on ${opened.device}; losses of the first step ${opened.loss} and ${before.loss}`,
  );
  console.log(`probe ${ms(opened.probeMs)}:`);
  for (const { kernel, chosen, seconds = {} } of opened.kernels)
    console.log(
      `  ${kernel}: ${chosen} (${Object.entries(seconds)
        .map(([form, time]) => `${form} ${ms(1000 * time)}`)
        .join("; ")})`,
    );
  console.log(
    `first step ${ms(opened.firstStepMs)}, of which ${ms(opened.compileMs)} pass while its ${opened.compiled.length} programs are compiled`,
  );
  const times = { own: [] as number[], tfjs: [] as number[], nanogpt: [] as number[] };
  const ratios: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const [a, b] = [
      median(await own.call<number[]>("steps", STEPS)),
      median(await tfjs.call("steps", STEPS)),
    ];
    times.own.push(a);
    times.tfjs.push(b);
    ratios.push(b / a);
    if (peer) times.nanogpt.push(median(await peer.call<number[]>("steps", STEPS)));
  }
  const cost = await own.call<StepCost>("cost");
  const costBefore = await tfjs.call<StepCost>("cost");
  const encode = median(await own.call<number[]>("encode", 9));
  const held = process.argv.includes("--quick") ? [] : await own.call<number[]>("held", 500);
  const step = median(times.own);
  const other = peer
    ? ms(median(times.nanogpt))
    : "not installed (npm ci --ignore-scripts --prefix bench/peers)";
  console.log(
    `step: own ${ms(step)}, our trainer on tfjs ${ms(median(times.tfjs))}, @genai-fi/nanogpt at its nearest shape ${other}`,
  );
  console.log(`own products at ${(stepFlops(workload("S")) / step / 1e6).toFixed(1)} GFLOP/s`);
  console.log(
    `a step: own ${JSON.stringify(cost)}, tfjs ${JSON.stringify(costBefore)}; GPU bytes over 500 steps ${[...new Set(held)].join(", ")}`,
  );
  const check = (what: string, value: number, isReached: boolean, target: string): void => {
    reached &&= isReached;
    console.log(`${isReached ? "reached" : "MISSED "} ${what}: ${value.toFixed(2)} (${target})`);
  };
  const ratio = median(ratios);
  check("tfjs step / own step", ratio, ratio >= TARGETS.ratio, `at least ${TARGETS.ratio.toFixed(2)}`);
  check(
    "dispatches",
    cost.dispatches,
    cost.dispatches <= TARGETS.dispatches,
    `at most ${TARGETS.dispatches}`,
  );
  check("encode ms", encode, encode <= TARGETS.encodeMs, `at most ${TARGETS.encodeMs}`);
  check(
    "first step after the probe, ms",
    opened.firstStepMs,
    opened.firstStepMs <= TARGETS.firstStepMs,
    `at most ${TARGETS.firstStepMs}`,
  );
  if (process.argv.includes("--profile")) {
    const sums = new Map<string, { count: number; total: number }>();
    const { alone, together } = await own.call<Profile>("profile");
    for (const [label, time] of alone) {
      const sum = sums.get(label) ?? { count: 0, total: 0 };
      sums.set(label, { count: sum.count + 1, total: sum.total + time });
    }
    const all = [...sums.values()].reduce((sum, { total }) => sum + total, 0);
    for (const [label, { count, total }] of [...sums].sort(([, a], [, b]) => b.total - a.total))
      console.log(`${label.padEnd(48)} ${ms(total)} in ${count} (${((100 * total) / all).toFixed(0)} %)`);
    console.log(`${ms(all)} by themselves, ${ms(together)} one after the other in one submission`);
  }
} finally {
  await peerLab?.close();
  await lab.close();
}
process.exitCode = reached ? 0 : 1;
