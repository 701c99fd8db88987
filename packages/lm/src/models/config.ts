/**
 * What a model is, read from a Hugging Face `config.json` by the reader of its `model_type`. Only what changes the
 * arithmetic is kept; a setting that this package does not compute is refused by its name, not ignored.
 */
import { type EncoderConfig, readEncoderConfig } from "./encoder-config.ts";
import { type Gemma3Config, readGemma3Config } from "./gemma3.ts";
import { type Gpt2Config, readGpt2Config } from "./gpt2.ts";
import { type LlamaConfig, readLlamaConfig } from "./llama-config.ts";
import { Settings } from "./settings.ts";

/** What every family says of itself. */
export interface CommonConfig {
  readonly vocabularySize: number;
  /** Longest sequence the model reads, tokens. */
  readonly maxPositions: number;
  /** Width d of the hidden states. */
  readonly width: number;
  readonly layerCount: number;
  /** Ends a text, and stands where a text is empty. */
  readonly endOfTextId: number;
  /** Whatever ends what is generated: that, and marks such as the end of a turn. */
  readonly endIds: readonly number[];
  /** The output matrix: the token embedding, whatever else a checkpoint holds, one of its own, or none in a model that
   *  was saved as a classifier. */
  readonly head: "tied" | "own" | "none";
}

export type ModelConfig = Gpt2Config | LlamaConfig | Gemma3Config | EncoderConfig;

/** Under which names a family has what every model has. */
interface CommonNames {
  readonly layers?: string;
  readonly width?: string;
  readonly isTiedByDefault?: boolean;
}

export type ReadCommon = (names: CommonNames) => Omit<CommonConfig, "maxPositions">;

type Reader = (settings: Settings, common: ReadCommon) => ModelConfig;

const READERS: Readonly<Record<string, Reader>> = {
  gpt2: readGpt2Config,
  llama: readLlamaConfig,
  mistral: readLlamaConfig,
  qwen2: readLlamaConfig,
  qwen3: readLlamaConfig,
  gemma3_text: readGemma3Config,
  bert: readEncoderConfig,
  roberta: readEncoderConfig,
  "xlm-roberta": readEncoderConfig,
  distilbert: readEncoderConfig,
};

/** @param endsElsewhere what generation_config.json and the tokenizer take for end-of-text, for models whose config does not say
 *  @throws one line naming the setting, when the model is none that this package can run exactly. */
export function parseConfig(json: unknown, endsElsewhere: readonly number[] = []): ModelConfig {
  const settings = new Settings(json);
  const read = settings.choice("model_type", READERS, "");
  return read(settings, (defaults) => readCommon(settings, endsElsewhere, defaults));
}

/** What all families call alike. @param isTiedByDefault where the config does not say */
function readCommon(
  settings: Settings,
  endsElsewhere: readonly number[],
  { layers = "num_hidden_layers", width = "hidden_size", isTiedByDefault = false }: CommonNames,
): Omit<CommonConfig, "maxPositions"> {
  const vocabularySize = settings.positiveInteger("vocab_size");
  return {
    vocabularySize,
    width: settings.positiveInteger(width),
    layerCount: settings.positiveInteger(layers),
    ...endsOf(settings, vocabularySize, endsElsewhere),
    head: settings.flag("tie_word_embeddings", isTiedByDefault) ? "tied" : untiedHead(settings),
  };
}

/** Saved classifiers and bare models have none; files that do not say what they were saved as are taken to have one. */
function untiedHead(settings: Settings): "own" | "none" {
  const saved = settings.get("architectures");
  const [name] = Array.isArray(saved) ? saved : [];
  return typeof name !== "string" || /(ForCausalLM|LMHeadModel)$/.test(name) ? "own" : "none";
}

/** The first where the config lists several, that from elsewhere where it names none; what is generated ends with any. */
function endsOf(
  settings: Settings,
  vocabularySize: number,
  elsewhere: readonly number[],
): Pick<CommonConfig, "endOfTextId" | "endIds"> {
  const given = settings.get("eos_token_id");
  const named: readonly unknown[] = (Array.isArray(given) ? given : [given]).filter((id) => id != null);
  const [endOfTextId] = [...named, ...elsewhere];
  if (endOfTextId === undefined)
    throw new Error(
      "config.json: expected eos_token_id, got none, and tokenizer_config.json has no eos_token in its place",
    );
  const isToken = (id: unknown): id is number =>
    typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabularySize;
  if (!isToken(endOfTextId))
    throw new Error(
      `config.json: expected eos_token_id in [0, ${vocabularySize}), got ${JSON.stringify(given ?? endOfTextId)}`,
    );
  return { endOfTextId, endIds: [...new Set([...named, ...elsewhere].filter(isToken))] };
}
