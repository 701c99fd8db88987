import type { ModelConfig } from "./config.ts";
import type { TensorSource } from "./tensor-source.ts";

/** A base model on the host: what it is, and its frozen weights under unprefixed names, `h.0.attn.c_attn.weight`. */
export interface LanguageModel {
  readonly config: ModelConfig;
  readonly tensors: TensorSource;
}
