/** One sample as the ids that a model reads of it: a text, a pair of texts, or a conversation and its answer. */
import type { Sample } from "@fedlodrop/run";
import type { Tokenizer } from "./tokenizer.ts";

export interface SequenceIds {
  readonly ids: Int32Array;
  /** Where the second text begins; as many as there are ids without one. */
  readonly secondFrom: number;
}

/** The text between what the model expects around it, or both with what it expects between them; only texts are cut. One
 *  that is empty still has a token. */
export function sequenceIds(
  { text, pair }: Pick<Sample, "text" | "pair">,
  { encode, prefix, between, suffix, endOfTextId }: Tokenizer,
  length: number,
): SequenceIds {
  const room = Math.max(0, length - prefix.length - suffix.length);
  if (pair === undefined) {
    const ids = [...prefix, ...encode(text).slice(0, room), ...suffix].slice(0, length);
    return {
      ids: Int32Array.from(ids.length > 0 ? ids : [endOfTextId]),
      secondFrom: Math.max(1, ids.length),
    };
  }
  const [first, second] = cutPair(encode(text), encode(pair), Math.max(0, room - between.length));
  const before = [...prefix, ...first, ...between];
  const ids = [...before, ...second, ...suffix].slice(0, length);
  return { ids: Int32Array.from(ids), secondFrom: Math.min(before.length, ids.length) };
}

/** Both of them in so many tokens: the longer one is cut to the shorter, then both alike, the longer keeping the odd token.
 *  Source: Hugging Face's truncation strategy `longest_first`. */
function cutPair(
  first: readonly number[],
  second: readonly number[],
  room: number,
): readonly [readonly number[], readonly number[]] {
  if (first.length + second.length <= room) return [first, second];
  const shorter = Math.min(first.length, second.length, Math.floor(room / 2));
  const isFirst = first.length <= second.length;
  return isFirst
    ? [first.slice(0, shorter), second.slice(0, room - shorter)]
    : [first.slice(0, room - shorter), second.slice(0, shorter)];
}

export interface AnswerIds {
  readonly ids: Int32Array;
  /** Where the answer begins. */
  readonly answerFrom: number;
}

/** A conversation as the model's template has it, cut at its end; the sample's text is the answer. */
export function answerIds(
  { text, context = [] }: Pick<Sample, "text" | "context">,
  { conversation }: Pick<Tokenizer, "conversation">,
  length: number,
): AnswerIds {
  const { asked, answer } = conversation(context, text);
  return { ids: Int32Array.from([...asked, ...answer].slice(0, length)), answerFrom: asked.length };
}
