export type { Backend } from "@fedlodrop/run";
export { adapterFromSafetensors, adapterToSafetensors, openAdapterFile } from "./adapter/adapter-file.ts";
export { adapterToGguf } from "./adapter/gguf.ts";
export {
  type AdapterOptions,
  adapterShape,
  mergeAdapter,
} from "./adapter/lora.ts";
export { adapterFromPeft, adapterToPeft, type PeftAdapter } from "./adapter/peft.ts";
export type { Rescale } from "./adapter/rescale.ts";
export { batchRows } from "./data/batches.ts";
export {
  answerFits,
  type Dataset,
  type DatasetOptions,
  datasetFromSamples,
  joinDatasets,
  pickRows,
  rowsOf,
} from "./data/dataset.ts";
export type { Tokenizer } from "./data/tokenizer.ts";
export type { TfjsWasm } from "./engines/tfjs/wasm-files.ts";
export type { WasmHost } from "./engines/wasm/open.ts";
export { type ByteSource, type Download, openRanges } from "./files/bytes.ts";
export { type LoadedModel, loadModel, type ModelFolder } from "./files/model-files.ts";
export { quantisedFile } from "./files/quantised.ts";
export { parseSafetensors, serializeSafetensors } from "./files/safetensors.ts";
export { createTokenizer } from "./files/tokenizer.ts";
export { architectureOf } from "./models/architecture.ts";
export { modelFromCheckpoint } from "./models/checkpoint.ts";
export { type ModelConfig, parseConfig } from "./models/config.ts";
export type { LanguageModel } from "./models/language-model.ts";
export type { NamedTensor, TensorMap } from "./models/named-tensor.ts";
export { type TensorSource, tensorsInMemory } from "./models/tensor-source.ts";
export { type BackendChoice, pickBackend, type WebgpuCheck } from "./trainer/device-check.ts";
export type { EngineDescription, KernelChoice } from "./trainer/engine-description.ts";
export { probabilitiesOf } from "./trainer/evaluate.ts";
export { type KeptValues, maskedGradient } from "./trainer/masked-gradient.ts";
export { type Cure, parameterCount, trainingNeeds, whatWouldFit } from "./trainer/needs.ts";
export { createTrainer, type TrainerOptions } from "./trainer/open.ts";
export { type ExamplePrivacy, samplingRate, trainPrivately } from "./trainer/private-round.ts";
export { measureProducts } from "./trainer/probe.ts";
export type {
  Evaluation,
  GenerationOptions,
  LocalTrainer,
  RoundOutcome,
  RoundRequest,
  Trainer,
  TrainingOptions,
  TrainingStep,
} from "./trainer/trainer.ts";
