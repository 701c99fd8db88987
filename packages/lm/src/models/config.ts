/**
 * Shape of a GPT-2 style transformer, read from a Hugging Face `config.json`.
 * Only what changes the arithmetic is kept; a setting that this package does not compute is refused, not ignored.
 */
export interface TransformerConfig {
  readonly vocabularySize: number;
  /** Longest sequence the position embedding covers, tokens. */
  readonly maxPositions: number;
  /** Width d of the residual stream. */
  readonly width: number;
  readonly layerCount: number;
  readonly headCount: number;
  /** Width of the MLP's inner layer. */
  readonly innerWidth: number;
  readonly layerNormEpsilon: number;
  readonly endOfTextId: number;
  /** Whether the token embedding is the output matrix too; a checkpoint's own output matrix counts only when not. */
  readonly isHeadTied: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** @param tokenizersEndOfText what the tokenizer takes for end-of-text, for models whose config does not say
 *  @throws one line naming the setting, when the file is not a GPT-2 that this package can run exactly. */
export function parseConfig(json: unknown, tokenizersEndOfText?: number): TransformerConfig {
  if (typeof json !== "object" || json === null)
    throw new Error(`config.json: expected an object, got ${JSON.stringify(json)}`);
  const file = json as Json;
  expectSetting(file, "model_type", ["gpt2"], undefined);
  expectSetting(file, "activation_function", ["gelu_new", "gelu_pytorch_tanh"], "gelu_new");
  expectSetting(file, "scale_attn_weights", [true], true);
  expectSetting(file, "scale_attn_by_inverse_layer_idx", [false], false);
  expectSetting(file, "add_cross_attention", [false], false);
  expectSetting(file, "tie_word_embeddings", [true, false], true);

  const width = positiveInteger(file, "n_embd");
  const headCount = positiveInteger(file, "n_head");
  if (width % headCount !== 0)
    throw new Error(`config.json: expected n_embd to be a multiple of n_head, got ${width} and ${headCount}`);
  const vocabularySize = positiveInteger(file, "vocab_size");
  return {
    vocabularySize,
    maxPositions: positiveInteger(file, "n_positions"),
    width,
    layerCount: positiveInteger(file, "n_layer"),
    headCount,
    innerWidth: (file.n_inner ?? null) === null ? 4 * width : positiveInteger(file, "n_inner"),
    layerNormEpsilon: layerNormEpsilon(file),
    endOfTextId: endOfTextId(file, vocabularySize, tokenizersEndOfText),
    isHeadTied: file.tie_word_embeddings !== false,
  };
}

function expectSetting(file: Json, name: string, supported: readonly unknown[], absent: unknown): void {
  const value = file[name] ?? absent;
  if (!supported.includes(value))
    throw new Error(
      `config.json: expected ${name} to be ${supported.map((s) => JSON.stringify(s)).join(" or ")}, got ${JSON.stringify(value)}`,
    );
}

function positiveInteger(file: Json, name: string): number {
  const value = file[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
    throw new Error(`config.json: expected ${name} to be a positive integer, got ${JSON.stringify(value)}`);
  return value;
}

function layerNormEpsilon(file: Json): number {
  const value = file.layer_norm_epsilon ?? 1e-5;
  if (typeof value !== "number" || !(value > 0))
    throw new Error(`config.json: expected layer_norm_epsilon above 0, got ${JSON.stringify(value)}`);
  return value;
}

/** The first where the config lists several, the tokenizer's where it names none. */
function endOfTextId(file: Json, vocabularySize: number, tokenizers: number | undefined): number {
  const given = Array.isArray(file.eos_token_id) ? file.eos_token_id[0] : file.eos_token_id;
  const value = given ?? tokenizers;
  if (value === undefined)
    throw new Error(
      "config.json: expected eos_token_id, got none, and tokenizer_config.json has no eos_token in its place",
    );
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= vocabularySize)
    throw new Error(
      `config.json: expected eos_token_id in [0, ${vocabularySize}), got ${JSON.stringify(file.eos_token_id ?? value)}`,
    );
  return value;
}
