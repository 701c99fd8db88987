/** Picks the engine that trains: the one place that knows them all. */
import type { AdapterShape, Backend } from "@fedlodrop/run";
import { createTensorflowTrainer } from "../engines/tfjs/tensorflow-trainer.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { LocalTrainer } from "./trainer.ts";

export interface TrainerOptions {
  readonly backend: Backend;
  readonly model: LanguageModel;
  /** Shape of the adapter to train (`adapterShape`). */
  readonly adapter: AdapterShape;
  /** Where the .wasm files lie: a URL or (in Node) a directory, ending in "/". */
  readonly wasmBase?: string;
}

/** @throws when the backend cannot start; `pickBackend` says beforehand which one can. */
export function createTrainer({ backend, model, adapter, wasmBase }: TrainerOptions): Promise<LocalTrainer> {
  return createTensorflowTrainer(backend, model, adapter, wasmBase === undefined ? {} : { wasmBase });
}
