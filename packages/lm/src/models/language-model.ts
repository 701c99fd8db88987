import type { TransformerConfig } from "./config.ts";
import type { TensorSource } from "./tensor-source.ts";

/** A base model on the host: its shape and its frozen weights under unprefixed names, `h.0.attn.c_attn.weight`. */
export interface LanguageModel {
  readonly config: TransformerConfig;
  readonly tensors: TensorSource;
}
