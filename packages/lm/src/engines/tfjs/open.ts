/** Opens the engine of a backend. */

import type { Backend } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { openCpu } from "./cpu.ts";
import type { Engine } from "./engine.ts";
import { openWasm } from "./wasm.ts";
import { openWebgpu } from "./webgpu.ts";

export interface EngineOptions {
  /** Where the .wasm files of tfjs-backend-wasm lie: a URL or (in Node) a directory, ending in "/". */
  readonly wasmBase?: string | undefined;
}

export async function openEngine(backend: Backend, { wasmBase }: EngineOptions): Promise<Engine> {
  tf.enableProdMode(); // no advice on the console
  switch (backend) {
    case "cpu":
      return openCpu();
    case "wasm":
      if (wasmBase === undefined) throw new Error("WASM: expected wasmBase, the place of the .wasm files");
      return openWasm(wasmBase);
    case "webgpu":
      return openWebgpu();
    default:
      return backend satisfies never;
  }
}
