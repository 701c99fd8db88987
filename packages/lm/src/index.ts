export { adapterFromSafetensors, adapterToSafetensors } from "./adapter-file.ts";
export { type LanguageModel, modelFromCheckpoint } from "./checkpoint.ts";
export { parseConfig, type TransformerConfig } from "./config.ts";
export {
  type Dataset,
  type DatasetOptions,
  datasetFromSamples,
  type TextSample,
} from "./dataset.ts";
export { type BackendChoice, pickBackend, type WebgpuCheck } from "./device-check.ts";
export type { EngineDescription, KernelChoice } from "./engine/engine.ts";
export {
  type AdapterOptions,
  adapterShape,
  CLASSIFICATION_HEAD,
  mergeAdapter,
  TARGET_MODULES,
  type TargetModule,
  targetModuleTitles,
} from "./lora.ts";
export { lossCurvature } from "./loss-curvature.ts";
export { type LoadedModel, loadModel, MODEL_FILES, type ModelFile } from "./model-files.ts";
export { type NamedTensor, parseSafetensors, serializeSafetensors, type TensorMap } from "./safetensors.ts";
export { createTrainer, type LocalTrainer, type TrainerOptions } from "./tensorflow-trainer.ts";
export { createTokenizer, type Tokenizer } from "./tokenizer.ts";
export type {
  Backend,
  Evaluation,
  GenerationOptions,
  Rescale,
  RoundOutcome,
  RoundRequest,
  Trainer,
  TrainingOptions,
  TrainingStep,
} from "./trainer.ts";
