import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { compileKernels } from "../../../../../tools/kernels/compile.ts";
import { engineChecks } from "../engine.contract.ts";
import { KERNEL_BUILDS } from "./build.ts";
import { nodeHost } from "./node-host.ts";
import { openWasmEngine } from "./open.ts";

describe.each(KERNEL_BUILDS)("the WASM engine, $file", (build) => {
  const host = nodeHost(build.isThreaded ? 3 : 1);
  test.each(engineChecks)("$name", ({ check }) => check(() => openWasmEngine(host, build)));
});

test.each(KERNEL_BUILDS)("$file is what its sources compile to, and small", async (build) => {
  const committed = await readFile(new URL(`./${build.file}`, import.meta.url));
  expect(committed.equals(await compileKernels(build)), "npm run kernels").toBe(true);
  expect(committed.length).toBeLessThan(40_000);
});
