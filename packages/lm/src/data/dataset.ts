/** Texts as token ids, cut for training. Pure numbers; the trainer makes batches of them. */
import type { Sample } from "@fedlodrop/run";
import type { Tokenizer } from "./tokenizer.ts";

/** Token ids ready for a batch; made from texts by `datasetFromSamples`. */
export type Dataset =
  | {
      readonly kind: "language-model";
      /** Windows of sequenceLength + 1 ids: inputs are all but the last, targets all but the first. */
      readonly windows: readonly Int32Array[];
    }
  | {
      readonly kind: "classification";
      /** One sequence per sample, cut to sequenceLength; the last token's hidden state feeds the head. */
      readonly sequences: readonly Int32Array[];
      readonly labels: Int32Array;
    };

export interface DatasetOptions {
  readonly kind: Dataset["kind"];
  /** Input tokens of one window or the cut of one sample. */
  readonly sequenceLength: number;
}

/** Windows (language model: texts joined by end-of-text, stride sequenceLength) or cut sequences (classification).
 *  A text too short for one window gives a single shorter one.
 *  @throws when there is nothing to train on or a label is missing. */
export function datasetFromSamples(
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  { kind, sequenceLength }: DatasetOptions,
): Dataset {
  if (!Number.isInteger(sequenceLength) || sequenceLength < 1)
    throw new Error(`dataset: expected a sequenceLength of at least 1, got ${sequenceLength}`);
  if (samples.length === 0) throw new Error("dataset: expected at least one sample, got none");
  switch (kind) {
    case "language-model":
      return { kind, windows: cutWindows(samples, tokenizer, sequenceLength) };
    case "classification":
      return {
        kind,
        sequences: samples.map(({ text }) => classifiedIds(text, tokenizer, sequenceLength)),
        labels: Int32Array.from(samples, ({ label }, row) => checkLabel(label, row)),
      };
    default:
      return kind satisfies never;
  }
}

/** The text between what the model expects around it; only the text is cut. One that is empty still has a token. */
export function classifiedIds(
  text: string,
  { encode, prefix, suffix, endOfTextId }: Tokenizer,
  length: number,
): Int32Array {
  const room = Math.max(0, length - prefix.length - suffix.length);
  const ids = [...prefix, ...encode(text).slice(0, room), ...suffix].slice(0, length);
  return Int32Array.from(ids.length > 0 ? ids : [endOfTextId]);
}

function cutWindows(
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  sequenceLength: number,
): readonly Int32Array[] {
  const { prefix, endOfTextId } = tokenizer;
  const texts = samples.map(({ text }) => tokenizer.encode(text));
  if (texts.every((ids) => ids.length === 0))
    throw new Error("dataset: expected some text, got only empty samples");
  // A model that knows a beginning sees both ends; for GPT-2 one token is both, and stands between texts.
  const stream = texts.flatMap((ids) =>
    prefix.length > 0 ? [...prefix, ...ids, endOfTextId] : [endOfTextId, ...ids],
  );
  const length = Math.min(sequenceLength, stream.length - 1);
  const windows: Int32Array[] = [];
  for (let start = 0; start + length < stream.length; start += length)
    windows.push(Int32Array.from(stream.slice(start, start + length + 1)));
  return windows;
}

function checkLabel(label: number | undefined, row: number): number {
  if (label === undefined || !Number.isInteger(label) || label < 0)
    throw new Error(
      `dataset: expected a label of 0 or more for classification, got ${label} (row ${row + 1})`,
    );
  return label;
}
