/**
 * The WASM engine in real Chromium: `npx tsx bench/wasm-engine.ts` for shape S, `--large` for the shape of GPT-2 124M with
 * an int8 base. Threads take turns, so that a busy machine slows all; ratios are medians of neighbours. `--quick`: one turn.
 */
import { openLab } from "../packages/lm/lab/open-lab.ts";
import type { KernelTime } from "./lm/kernel-profile.ts";
import type { BenchTerms } from "./lm/wasm-worker.ts";
import { stepFlops, workload } from "./lm/workload.ts";

const isLarge = process.argv.includes("--large");
const TURNS = process.argv.includes("--quick") ? 1 : 5;
const STEPS = isLarge ? 2 : 10;
const shape = isLarge ? "GPT-2 124M" : "S";
const tokens = isLarge ? 64 : 256;
const terms = { shape, base: isLarge ? "int8" : "f32", dropoutRate: 0.5 } as const;

const lab = await openLab(new URL("./lm/wasm-worker.ts", import.meta.url).pathname);
try {
  console.log(`LoRA step of shape ${shape}, ${terms.base} base, ${tokens} tokens, dropout rate 0.5`);
  const runs = [];
  for (const threads of [1, 2]) {
    const page = await lab.openPage("isolated");
    const device = await page.call<string>("open", { ...terms, threads } satisfies BenchTerms);
    const [first] = await page.call<number[]>("steps", 1);
    runs.push({ page, device, first: first as number, turns: [] as number[][] });
  }
  for (let turn = 0; turn < TURNS; turn++)
    for (const { page, turns } of runs) turns.push(await page.call<number[]>("steps", STEPS));
  const [one, two] = runs as [(typeof runs)[number], (typeof runs)[number]];
  for (const { page, device, first, turns } of runs) {
    const step = median(turns.flat());
    const rate = await page.call<number>("matrixRate", 20);
    const share = `, ${percent(stepFlops(workload(shape)) / step / 1e6 / rate)} of its own 512³ rate`;
    const best = Math.min(...turns.flat());
    console.log(
      `${device}: step ${step.toFixed(1)} ms (best ${best.toFixed(1)}, first ${first.toFixed(0)}), ${((1000 * tokens) / step).toFixed(0)} tokens/s, 512³ at ${rate.toFixed(1)} GFLOP/s${share}`,
    );
    const rates: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) rates.push(await page.call<number>("generate", 40));
    console.log(`  generation with a full adapter: ${median(rates).toFixed(0)} tokens/s`);
  }
  const ratios = one.turns.map((turn, i) => median(turn) / median(two.turns[i] as number[]));
  console.log(
    `two threads are ${median(ratios).toFixed(2)}× as fast as one (turns ${ratios.map((r) => r.toFixed(2)).join(", ")})`,
  );

  const profiles = [];
  for (const dropoutRate of [0, 0.5])
    profiles.push(await one.page.call<KernelTime[]>("profile", { dropoutRate, repeats: isLarge ? 3 : 30 }));
  const [whole, half] = profiles as [KernelTime[], KernelTime[]];
  console.log("\nms on one thread, best of each call, by kind; GFLOP/s");
  for (const { kind, calls, milliseconds, gflop } of half)
    console.log(
      `${kind.padEnd(22)}${`${calls}`.padStart(4)}${milliseconds.toFixed(2).padStart(9)}${gflop > 0 ? ((1000 * gflop) / milliseconds).toFixed(1).padStart(8) : ""}`,
    );
  const lora = (times: KernelTime[]): number =>
    times.reduce((sum, { kind, milliseconds }) => sum + (kind.startsWith("lora") ? milliseconds : 0), 0);
  console.log(
    `LoRA's products at rate 0.5: ${(lora(half) / lora(whole)).toFixed(2)} of their time at rate 0`,
  );
} finally {
  await lab.close();
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
