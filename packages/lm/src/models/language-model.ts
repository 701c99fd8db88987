import type { TransformerConfig } from "./config.ts";
import type { TensorMap } from "./named-tensor.ts";

/** A base model on the host: its shape and its frozen weights under unprefixed names, `h.0.attn.c_attn.weight`. */
export interface LanguageModel {
  readonly config: TransformerConfig;
  readonly weights: TensorMap;
}
