/** A thin door to @huggingface/tokenizers: text ↔ ids of one model, checked against that model's config. */
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import type { Tokenizer } from "../data/tokenizer.ts";
import type { TransformerConfig } from "../models/config.ts";

/** Checkpoints may round the embedding up; more than this many rows without a token is another model's tokenizer. */
const MAX_UNUSED_ROWS = 127;

/** @param tokenizerJson parsed tokenizer.json @param tokenizerConfig parsed tokenizer_config.json
 *  @throws when the ids do not fit the model's embedding. */
export function createTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  config: TransformerConfig,
): Tokenizer {
  const { ids, special } = vocabularyIds(tokenizerJson);
  const largest = ids.reduce((a, b) => Math.max(a, b), -1);
  const unused = config.vocabularySize - (largest + 1);
  if (unused < 0 || unused > MAX_UNUSED_ROWS)
    throw new Error(
      `tokenizer: has ${largest + 1} ids, but the model's vocab_size is ${config.vocabularySize}; use the tokenizer.json that came with the model`,
    );
  if (!special.has(config.endOfTextId))
    throw new Error(
      `tokenizer: expected a special token with the model's eos_token_id ${config.endOfTextId}, got ${[...special].join(", ") || "none"}`,
    );
  const inner = openTokenizer(tokenizerJson as object, tokenizerConfig);
  return {
    endOfTextId: config.endOfTextId,
    encode: (text) => inner.encode(text, { add_special_tokens: false }).ids,
    decode: (tokens) => inner.decode([...tokens], { skip_special_tokens: true }),
  };
}

function openTokenizer(tokenizerJson: object, tokenizerConfig: unknown): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizerJson, tokenizerConfig as object);
  } catch (cause) {
    throw new Error(`tokenizer: cannot be opened (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    });
  }
}

function vocabularyIds(json: unknown): { ids: readonly number[]; special: ReadonlySet<number> } {
  const file = json as {
    model?: { vocab?: Readonly<Record<string, number>> };
    added_tokens?: readonly { id: number; special?: boolean }[];
  } | null;
  const vocabulary = file?.model?.vocab;
  if (typeof vocabulary !== "object" || vocabulary === null)
    throw new Error("tokenizer: expected tokenizer.json to have model.vocab, got none");
  const added = file?.added_tokens ?? [];
  return {
    ids: [...Object.values(vocabulary), ...added.map(({ id }) => id)],
    special: new Set(added.filter((token) => token.special).map(({ id }) => id)),
  };
}
