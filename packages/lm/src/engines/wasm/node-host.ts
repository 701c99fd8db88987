/** What the WASM engine needs of Node. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { hasRelaxedSimd, type KernelBuild } from "./build.ts";
import type { WasmHost } from "./open.ts";
import type { HelperTask } from "./threads.ts";

/** helper.ts, as a script that needs no loader for TypeScript. */
const HELPER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { module, memory, control, threads, index } = workerData;
  const abort = () => { throw new Error("WASM: a kernel gave up"); };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  exports.join(control, threads, index);
  parentPort.postMessage("serving");
  exports.serve();
`;

/** @param threads as many as the machine has, unless told otherwise */
export function nodeHost(threads = availableParallelism()): WasmHost {
  // Node 20 has it behind a flag; later ones have it, and complain of the flag.
  if (!hasRelaxedSimd()) setFlagsFromString("--experimental-wasm-relaxed-simd");
  return { threads, loadKernels, startHelper };
}

async function loadKernels(build: KernelBuild): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(new URL(`./${build.file}`, import.meta.url)));
}

function startHelper(task: HelperTask): Promise<void> {
  const worker = new Worker(HELPER, { eval: true, workerData: task });
  return new Promise((resolve, reject) => {
    worker.once("message", () => {
      worker.unref(); // only a run keeps the process alive
      resolve();
    });
    worker.once("error", reject);
  });
}
