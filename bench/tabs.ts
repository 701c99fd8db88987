/**
 * Several tabs on one machine: training steps a second of all of them together, by how many threads each takes:
 * `npx tsx bench/tabs.ts`. `--tabs N` opens so many (4), `--seconds N` measures each way for so long, `--turns N` times.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type LabPage, openLab } from "../packages/lm/lab/open-lab.ts";
import type { OpenRequest } from "./lm/step-worker.ts";

const { values: flags } = parseArgs({
  options: {
    tabs: { type: "string", default: "4" },
    seconds: { type: "string", default: "5" },
    turns: { type: "string", default: "3" },
  },
});
const tabs = Number(flags.tabs);
const cores = availableParallelism();
const turns = Number(flags.turns);
const lab = await openLab(new URL("./lm/step-worker.ts", import.meta.url).pathname);

async function openTabs(count: number, threads: number, sharesCores: boolean): Promise<readonly LabPage[]> {
  const pages: LabPage[] = [];
  for (let i = 0; i < count; i++) {
    const page = await lab.openPage("isolated");
    const own = { kind: "own", shape: "S", base: "f32" } as const;
    await page.call("open", { ...own, threads, sharesCores } satisfies OpenRequest);
    await page.call("steps", 3);
    pages.push(page);
  }
  return pages;
}

async function stepsPerSecond(pages: readonly LabPage[], milliseconds: number): Promise<number> {
  const start = performance.now();
  const counts = await Promise.all(
    pages.map(async (page) => {
      let steps = 0;
      while (performance.now() - start < milliseconds)
        steps += (await page.call<number[]>("steps", 8)).length;
      return steps;
    }),
  );
  return (1000 * counts.reduce((sum, count) => sum + count, 0)) / (performance.now() - start);
}

const WAYS = [
  { name: "one thread each", threads: 1, sharesCores: false },
  { name: `${cores} threads each`, threads: cores, sharesCores: false },
  { name: "as the product shares them", threads: cores, sharesCores: true },
] as const;

try {
  for (const count of [1, tabs]) {
    const rates = new Map<string, number[]>();
    // Each way's tabs alone: tabs that share count one another, and waiting ones hold memory.
    for (let turn = 0; turn < turns; turn++)
      for (const { name, threads, sharesCores } of WAYS) {
        const pages = await openTabs(count, threads, sharesCores);
        const rate = await stepsPerSecond(pages, 1000 * Number(flags.seconds));
        rates.set(name, [...(rates.get(name) ?? []), rate]);
        for (const page of pages) await page.close();
      }
    for (const [name, found] of rates) {
      const median = found.toSorted((a, b) => a - b)[turns >> 1] as number;
      console.log(`${count} ${count === 1 ? "tab" : "tabs"}, ${name}: ${median.toFixed(1)} steps/s in all`);
    }
  }
} finally {
  await lab.close();
}
