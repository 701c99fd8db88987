import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { compileKernels, hasCompiler } from "../../../../../tools/kernels/compile.ts";
import type { KernelCase } from "../cases/case.contract.ts";
import { kernelCases } from "../cases/list.contract.ts";
import { engineChecks } from "../engine.contract.ts";
import { KERNEL_BUILDS } from "./build.ts";
import { nodeHost } from "./node-host.ts";
import { openWasmEngine } from "./open.ts";

describe.each(KERNEL_BUILDS)("the WASM engine, $file", (build) => {
  // Three threads where they run the kernels that most devices run: starting them takes longer than what they do.
  const threads = build.isThreaded ? (build.isRelaxed ? 3 : 2) : 1;
  const host = { ...nodeHost(threads), smallestShared: 0 };
  test.each(engineChecks)("$name", ({ check }) => check(() => openWasmEngine(host, build)));
});

/** One case of each kind of kernel and of each list, the last and as a rule largest. */
const largest = new Map(
  kernelCases.map((tested) => [tested.calls.map(({ kind }) => kind).join(", "), tested]),
);

test.each([...largest])("%s gives the same bits on one thread and two, run after run", async (_, tested) => {
  const [alone, ...together] = await Promise.all([1, 2, 2].map((threads) => repeatedBits(tested, threads)));
  expect(new Set(alone).size).toBe(1);
  for (const bits of together) expect(bits).toEqual(alone);
});

/** What a list of twenty calls leaves in every buffer, each of ten times. */
async function repeatedBits({ calls, buffers, weights }: KernelCase, threads: number): Promise<string[]> {
  const engine = await openWasmEngine({ ...nodeHost(threads), smallestShared: 0 });
  for (const weight of weights) await engine.upload(weight);
  const execution = await engine.prepare({
    buffers: buffers.map(({ type, values }, id) => ({
      ...({ name: `buffer ${id}`, kind: "state", slot: null } as const),
      ...{ type, size: values.length },
    })),
    segments: { test: Array.from({ length: 20 }, () => calls).flat() },
    slotBytes: [],
    totalBytes: 0,
  });
  const results: string[] = [];
  for (let run = 0; run < 10; run++) {
    for (const [id, { values }] of buffers.entries()) execution.write(id, values);
    const got = await execution.run("test", [...buffers.keys()]);
    results.push(got.map((values) => new Uint32Array(values.slice().buffer).join()).join("|"));
  }
  engine.dispose();
  return results;
}

test.for(KERNEL_BUILDS)(
  "$file is what its sources compile to, and small",
  { timeout: 120_000 },
  async (build, { skip }) => {
    skip(!hasCompiler && !process.env.CI, "the compiler is not installed: npm ci --prefix tools/kernels");
    const committed = await readFile(new URL(`./${build.file}`, import.meta.url));
    expect(committed.equals(await compileKernels(build)), "npm run kernels").toBe(true);
    expect(committed.length).toBeLessThan(40_000);
  },
);
