/** Picks the engine that trains: the one place that knows them all. */
import type { AdapterShape, Backend } from "@fedlodrop/run";
import type { TfjsWasm } from "../engines/tfjs/wasm-files.ts";
import { browserHost } from "../engines/wasm/browser-host.ts";
import { openWasmEngine, type WasmHost } from "../engines/wasm/open.ts";
import { openWebgpuEngine } from "../engines/webgpu/open.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Engine } from "../plan/engine.ts";
import type { BaseType } from "../plan/weight.ts";
import { createPlannedTrainer } from "./planned-trainer.ts";
import type { LocalTrainer } from "./trainer.ts";
import { uploadWeights } from "./upload.ts";

export interface TrainerOptions {
  readonly backend: Backend;
  readonly model: LanguageModel;
  /** Shape of the adapter to train (`adapterShape`). */
  readonly adapter: AdapterShape;
  /** How the frozen matrices are held; f32 unless told otherwise. */
  readonly base?: BaseType;
  /** Where our kernels and threads come from: the browser's unless told otherwise (Node: `nodeHost`). */
  readonly wasmHost?: WasmHost;
  /** Where tfjs's .wasm files lie, for the fall-back; without them there is none. */
  readonly tfjsWasm?: TfjsWasm | undefined;
}

/** Our own engine of the backend, or tfjs where there is none or it cannot start here.
 *  @throws when neither can start; `pickBackend` says beforehand which backend can. */
export async function createTrainer(options: TrainerOptions): Promise<LocalTrainer> {
  const { backend, model, adapter, tfjsWasm, base = "f32" } = options;
  // tfjs takes longer to load than everything else together: it is, where it trains.
  const fallBack = async (): Promise<LocalTrainer> => {
    const { createTensorflowTrainer } = await import("../engines/tfjs/tensorflow-trainer.ts");
    return createTensorflowTrainer(backend, model, adapter, { tfjsWasm });
  };
  if (backend === "cpu") return fallBack();
  if (backend === "webgpu") {
    // There is no fall-back behind it: a browser whose GPU cannot run our kernels trains on WASM. The weights of a lost
    // device are read from their files again.
    const upload = async (again: Engine): Promise<void> => {
      await uploadWeights(again, model, base);
    };
    return createPlannedTrainer(await openWebgpuEngine(upload), model, adapter, base);
  }
  let engine: Engine;
  try {
    engine = await openWasmEngine(options.wasmHost ?? browserHost());
  } catch (error) {
    if (tfjsWasm === undefined) throw error;
    return fallBack();
  }
  return createPlannedTrainer(engine, model, adapter, base);
}
