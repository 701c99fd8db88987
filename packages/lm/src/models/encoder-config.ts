/** Settings of BERT, RoBERTa and DistilBERT: one arithmetic, each with names and a classification head of its own. */
import type { ActivationFunction } from "../ops/activation.ts";
import type { CommonConfig, ReadCommon } from "./config.ts";
import type { Settings } from "./settings.ts";

export interface EncoderConfig extends CommonConfig {
  readonly kind: "encoder";
  readonly family: "bert" | "roberta" | "distilbert";
  readonly headCount: number;
  readonly innerWidth: number;
  readonly activation: ActivationFunction;
  readonly layerNormEpsilon: number;
  /** Rows of the position table, and which of them the first token has. */
  readonly positionRows: number;
  readonly firstPosition: number;
  /** Kinds of texts that the model tells apart by an embedding; 0 without one. */
  readonly segmentCount: number;
}

const ACTIVATIONS: Readonly<Record<string, ActivationFunction>> = {
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  relu: "relu",
  silu: "silu",
  swish: "silu",
};

export function readEncoderConfig(settings: Settings, readCommon: ReadCommon): EncoderConfig {
  // XLM-RoBERTa is RoBERTa with another tokenizer.
  const family = (settings.get("model_type") as string).replace("xlm-", "") as EncoderConfig["family"];
  settings.expect("is_decoder", [false], false);
  settings.expect("add_cross_attention", [false], false);
  settings.expect("position_embedding_type", ["absolute"], "absolute");
  const positionRows = settings.positiveInteger("max_position_embeddings", 512);
  const common =
    family === "distilbert"
      ? readDistilbert(settings, readCommon)
      : {
          ...readCommon({ isTiedByDefault: true }),
          headCount: settings.positiveInteger("num_attention_heads"),
          innerWidth: settings.positiveInteger("intermediate_size"),
          activation: settings.choice("hidden_act", ACTIVATIONS, "gelu"),
          layerNormEpsilon: settings.positive("layer_norm_eps", 1e-12),
          segmentCount: settings.positiveInteger("type_vocab_size", 2),
        };
  if (common.width % common.headCount !== 0)
    throw new Error(
      `config.json: expected the width to be a multiple of the heads, got ${common.width} and ${common.headCount}`,
    );
  // RoBERTa counts from the row after the padding's.
  const firstPosition = family === "roberta" ? settings.wholeNumber("pad_token_id", 1) + 1 : 0;
  return {
    kind: "encoder",
    family,
    ...common,
    maxPositions: positionRows - firstPosition,
    positionRows,
    firstPosition,
  };
}

const readDistilbert = (settings: Settings, readCommon: ReadCommon) => ({
  ...readCommon({ layers: "n_layers", width: "dim", isTiedByDefault: true }),
  headCount: settings.positiveInteger("n_heads"),
  innerWidth: settings.positiveInteger("hidden_dim"),
  activation: settings.choice("activation", ACTIVATIONS, "gelu"),
  layerNormEpsilon: 1e-12, // DistilBERT's, which its config does not name
  segmentCount: 0,
});
