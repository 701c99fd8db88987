/** tfjs's WASM backend (SIMD, one thread) with our matrix product in place of its own. */

import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import type { Engine } from "./engine.ts";
import type { TfjsWasm } from "./wasm-files.ts";
import { installWasmKernels } from "./wasm-kernels.ts";

let opened: Promise<Engine> | undefined;

/** Opens once per process. */
export function openWasm(files: TfjsWasm): Promise<Engine> {
  opened ??= open(files).catch((error: unknown) => {
    opened = undefined; // another try may find what was missing
    throw error;
  });
  return opened;
}

async function open(files: TfjsWasm): Promise<Engine> {
  // tfjs 4.22 spawns its threads but never uses them: 20 MB and 8 workers for nothing.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setWasmPaths(files);
  if (!(await tf.setBackend("wasm")))
    throw new Error(
      "WASM: tfjs cannot start; expected tfjs-backend-wasm's .wasm files where they are said to lie",
    );
  installWasmKernels();
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  return {
    description: {
      backend: "wasm",
      device: simd ? "WebAssembly SIMD" : "WebAssembly",
      kernels: [{ kernel: "BatchMatMul", chosen: "own" }],
    },
    run: async (work) => {
      await tf.setBackend("wasm");
      return work();
    },
    read: async (tensor) => {
      const values = Float32Array.from(tensor.dataSync());
      tensor.dispose();
      return values;
    },
  };
}
