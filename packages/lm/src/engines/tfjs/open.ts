/** Opens the engine of a backend. */

import type { Backend } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { openCpu } from "./cpu.ts";
import type { Engine } from "./engine.ts";
import { openWasm } from "./wasm.ts";
import type { TfjsWasm } from "./wasm-files.ts";
import { openWebgpu } from "./webgpu.ts";

export interface EngineOptions {
  readonly tfjsWasm?: TfjsWasm | undefined;
}

export async function openEngine(backend: Backend, { tfjsWasm }: EngineOptions): Promise<Engine> {
  tf.enableProdMode(); // no advice on the console
  switch (backend) {
    case "cpu":
      return openCpu();
    case "wasm":
      if (tfjsWasm === undefined) throw new Error("WASM: expected tfjsWasm, the place of the .wasm files");
      return openWasm(tfjsWasm);
    case "webgpu":
      return openWebgpu();
    default:
      return backend satisfies never;
  }
}
