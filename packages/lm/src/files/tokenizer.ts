/** A thin door to @huggingface/tokenizers: text ↔ ids of one model, checked against that model's config. */
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import type { Conversation, Tokenizer } from "../data/tokenizer.ts";
import type { ModelConfig } from "../models/config.ts";
import { chatTemplate, plainConversation, type WrittenConversation } from "./chat-template.ts";

/** Checkpoints often round the embedding up to some multiple; more rows without a token than this deserve a word. */
const USUAL_PADDING = 127;

/** @param tokenizerJson parsed tokenizer.json @param tokenizerConfig parsed tokenizer_config.json
 *  @param templateFile chat_template.jinja, where there is one
 *  @throws when there are ids that the model's embedding has no row for. */
export function createTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  config: Pick<ModelConfig, "vocabularySize" | "endOfTextId">,
  templateFile: string | null = null,
): { readonly tokenizer: Tokenizer; readonly warnings: readonly string[] } {
  const { ids, special } = vocabularyOf(tokenizerJson);
  const largest = ids.reduce((a, b) => Math.max(a, b), -1);
  const unused = config.vocabularySize - (largest + 1);
  if (unused < 0)
    throw new Error(
      `tokenizer.json: has ${largest + 1} ids, but the model's vocab_size is ${config.vocabularySize}; use the tokenizer.json that came with the model`,
    );
  if (!special.has(config.endOfTextId))
    throw new Error(
      `tokenizer.json: expected a special token with the model's eos_token_id ${config.endOfTextId}, got ${[...special].join(", ") || "none"}`,
    );
  const inner = openTokenizer(tokenizerJson as object, tokenizerConfig);
  const encode = (text: string): number[] => inner.encode(text, { add_special_tokens: false }).ids;
  const around = surroundings(inner);
  const write = chatTemplate(tokenizerConfig, templateFile);
  return {
    tokenizer: {
      ...around,
      endOfTextId: config.endOfTextId,
      encode,
      conversation(turns, answer) {
        // A template writes special tokens out, beginning and end included.
        if (write !== null) return conversationIds(write(turns, answer), encode);
        const plain = conversationIds(plainConversation(turns, answer), encode);
        return {
          asked: [...around.prefix, ...plain.asked],
          answer: [...plain.answer, config.endOfTextId],
        };
      },
      // The library refuses to decode nothing.
      decode: (tokens) =>
        tokens.length === 0 ? "" : inner.decode([...tokens], { skip_special_tokens: true }),
    },
    warnings:
      unused > USUAL_PADDING
        ? [
            `tokenizer.json: has ${largest + 1} ids for the model's vocab_size of ${config.vocabularySize}; is it the one that came with the model?`,
          ]
        : [],
  };
}

/** Tokens that end a text where tokenizer_config.json names none: GPT-2's, Llama's and RoBERTa's, BERT's. */
const USUAL_ENDS = ["<|endoftext|>", "</s>", "[SEP]"];

/** Id of the token that tokenizer_config.json names as eos_token or sep_token, or of a usual one; undefined when there is
 *  no such token. */
export function endOfTextOf(tokenizerJson: unknown, tokenizerConfig: unknown): number | undefined {
  const { idOf } = vocabularyOf(tokenizerJson);
  const config = (tokenizerConfig ?? {}) as { eos_token?: unknown; sep_token?: unknown };
  const contentOf = (token: unknown): unknown => (token as { content?: unknown } | null)?.content ?? token;
  const named = contentOf(config.eos_token) ?? contentOf(config.sep_token);
  const ends = named === undefined || named === null ? USUAL_ENDS : [String(named)];
  return ends.map((token) => idOf.get(token)).find((id) => id !== undefined);
}

/** Where asking and answering meet, tokens of the whole may reach over both; then each has its own. */
function conversationIds(
  { asked, answer }: WrittenConversation,
  encode: (text: string) => number[],
): Conversation {
  const [before, whole] = [encode(asked), encode(asked + answer)];
  return before.every((id, at) => whole[at] === id)
    ? { asked: before, answer: whole.slice(before.length) }
    : { asked: before, answer: encode(answer) };
}

/** What the tokenizer puts around a text and between two, seen on one. */
function surroundings(inner: HuggingFaceTokenizer): Pick<Tokenizer, "prefix" | "between" | "suffix"> {
  const plain = inner.encode("a", { add_special_tokens: false }).ids;
  const whole = inner.encode("a", { add_special_tokens: true }).ids;
  const start = whole.findIndex((_, at) => plain.every((id, i) => whole[at + i] === id));
  const [prefix, suffix] = [whole.slice(0, start), whole.slice(start + plain.length)];
  const pair = inner.encode("a", { text_pair: "a", add_special_tokens: true }).ids;
  const between = pair.slice(start + plain.length, pair.length - suffix.length - plain.length);
  return {
    prefix,
    suffix,
    between: between.length > 0 ? between : inner.encode("\n", { add_special_tokens: false }).ids,
  };
}

function openTokenizer(tokenizerJson: object, tokenizerConfig: unknown): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizerJson, tokenizerConfig as object);
  } catch (cause) {
    throw new Error(`tokenizer.json: cannot be opened (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    });
  }
}

interface Vocabulary {
  readonly ids: readonly number[];
  readonly idOf: ReadonlyMap<string, number>;
  readonly special: ReadonlySet<number>;
}

/** BPE and WordPiece map tokens to ids; Unigram lists [token, score] in the order of their ids. */
function vocabularyOf(json: unknown): Vocabulary {
  const file = json as {
    model?: { vocab?: Readonly<Record<string, number>> | readonly (readonly [string, number])[] };
    added_tokens?: readonly { id: number; content?: string; special?: boolean }[];
  } | null;
  const vocabulary = file?.model?.vocab;
  if (typeof vocabulary !== "object" || vocabulary === null)
    throw new Error("tokenizer.json: expected model.vocab, got none");
  const added = file?.added_tokens ?? [];
  const own = Array.isArray(vocabulary)
    ? vocabulary.map((entry, id): [string, number] => [String(entry?.[0]), id])
    : Object.entries(vocabulary as Readonly<Record<string, number>>);
  const all = [...own, ...added.map(({ id, content = "" }): [string, number] => [content, id])];
  return {
    ids: all.map(([, id]) => id),
    idOf: new Map(all),
    special: new Set(added.filter((token) => token.special).map(({ id }) => id)),
  };
}
