/** Texts as token ids, cut for training. Pure numbers; the trainer makes batches of them. */
import type { Sample } from "@fedlodrop/run";
import { type AnswerIds, answerIds, sequenceIds } from "./sequences.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A text, or two of which the second begins at an index: its length where there is none. */
interface Sequences {
  /** One per sample, cut to sequenceLength; a token's hidden state feeds the head. */
  readonly sequences: readonly Int32Array[];
  /** Per sequence. */
  readonly secondFrom: Int32Array;
}

/** Token ids ready for a batch; made from texts by `datasetFromSamples`. */
export type Dataset =
  | {
      readonly kind: "language-model";
      /** Windows of sequenceLength + 1 ids: inputs are all but the last, targets all but the first. */
      readonly windows: readonly Int32Array[];
    }
  | {
      readonly kind: "chat";
      /** A conversation each, of any length: inputs are all ids but the last. */
      readonly sequences: readonly Int32Array[];
      /** Where the answer begins, per sequence: what is learnt, and what the loss is of. */
      readonly answerFrom: Int32Array;
    }
  | (Sequences & { readonly kind: "classification"; readonly labels: Int32Array })
  | (Sequences & { readonly kind: "regression"; readonly values: Float32Array });

export interface DatasetOptions {
  readonly kind: Dataset["kind"];
  /** Input tokens of one window or the cut of one sample. */
  readonly sequenceLength: number;
}

/** Windows (language model: texts joined by end-of-text, each token foretold once) or cut sequences (all others).
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
    case "chat":
      return conversations(samples, tokenizer, sequenceLength);
    case "classification":
      return {
        ...{ kind, ...sequencesOf(samples, tokenizer, sequenceLength) },
        labels: Int32Array.from(samples, ({ label }, row) => checkLabel(label, row)),
      };
    case "regression":
      return {
        ...{ kind, ...sequencesOf(samples, tokenizer, sequenceLength) },
        values: Float32Array.from(samples, ({ value }, row) => checkValue(value, row)),
      };
    default:
      return kind satisfies never;
  }
}

/** Windows or samples. */
export const rowsOf = (dataset: Dataset): readonly Int32Array[] =>
  dataset.kind === "language-model" ? dataset.windows : dataset.sequences;

/** Only these windows or samples, in this order. */
export function pickRows(dataset: Dataset, rows: readonly number[]): Dataset {
  const ids = rows.map((row) => rowAt(rowsOf(dataset), row));
  const numbers = (of: Int32Array): Int32Array => Int32Array.from(rows, (row) => rowAt(of, row));
  switch (dataset.kind) {
    case "language-model":
      return { kind: dataset.kind, windows: ids };
    case "chat":
      return { kind: dataset.kind, sequences: ids, answerFrom: numbers(dataset.answerFrom) };
    case "classification": {
      const [secondFrom, labels] = [numbers(dataset.secondFrom), numbers(dataset.labels)];
      return { kind: dataset.kind, sequences: ids, secondFrom, labels };
    }
    case "regression": {
      const values = Float32Array.from(rows, (row) => rowAt(dataset.values, row));
      return { kind: dataset.kind, sequences: ids, secondFrom: numbers(dataset.secondFrom), values };
    }
    default:
      return dataset satisfies never;
  }
}

/** One after the other; all are of the first one's kind. Null of nothing. */
export function joinDatasets(datasets: readonly Dataset[]): Dataset | null {
  const [first] = datasets;
  if (first === undefined) return null;
  const of = <K extends Dataset["kind"]>(kind: K) =>
    datasets.map((dataset) => {
      if (dataset.kind !== kind) throw new Error(`dataset: expected ${kind} to join, got ${dataset.kind}`);
      return dataset as Extract<Dataset, { kind: K }>;
    });
  const together = (parts: readonly Int32Array[]): Int32Array =>
    Int32Array.from(parts.flatMap((part) => [...part]));
  const sequences = datasets.flatMap(rowsOf);
  switch (first.kind) {
    case "language-model":
      return { kind: first.kind, windows: of(first.kind).flatMap(({ windows }) => windows) };
    case "chat": {
      const answerFrom = together(of(first.kind).map((part) => part.answerFrom));
      return { kind: first.kind, sequences, answerFrom };
    }
    case "classification": {
      const parts = of(first.kind);
      const secondFrom = together(parts.map((part) => part.secondFrom));
      return { kind: first.kind, sequences, secondFrom, labels: together(parts.map(({ labels }) => labels)) };
    }
    case "regression": {
      const parts = of(first.kind);
      const secondFrom = together(parts.map((part) => part.secondFrom));
      const values = Float32Array.from(parts.flatMap((part) => [...part.values]));
      return { kind: first.kind, sequences, secondFrom, values };
    }
    default:
      return first satisfies never;
  }
}

export function rowAt<T>(items: ArrayLike<T>, index: number): T {
  if (index >= items.length) throw new Error(`dataset: expected row ${index}, got ${items.length} rows`);
  return items[index] as T;
}

function sequencesOf(samples: readonly Sample[], tokenizer: Tokenizer, length: number): Sequences {
  const cut = samples.map((sample) => sequenceIds(sample, tokenizer, length));
  return {
    sequences: cut.map(({ ids }) => ids),
    secondFrom: Int32Array.from(cut, ({ secondFrom }) => secondFrom),
  };
}

/** Whether a conversation's answer begins where a model that reads so many tokens still has to foretell something of it. */
export function answerFits(
  sample: Pick<Sample, "text" | "context">,
  tokenizer: Pick<Tokenizer, "conversation">,
  sequenceLength: number,
): boolean {
  return hasAnswer(answerIds(sample, tokenizer, sequenceLength + 1));
}

const hasAnswer = ({ ids, answerFrom }: AnswerIds): boolean => answerFrom < ids.length;

/** Conversations of which something of the answer is left within the length. */
function conversations(samples: readonly Sample[], tokenizer: Tokenizer, sequenceLength: number): Dataset {
  const cut = samples.map((sample) => answerIds(sample, tokenizer, sequenceLength + 1));
  const kept = cut.filter(hasAnswer);
  if (kept.length === 0)
    throw new Error(
      `dataset: expected an answer that begins within ${sequenceLength} tokens, got none in ${samples.length} conversations; a longer sequence length would have them`,
    );
  return {
    kind: "chat",
    sequences: kept.map(({ ids }) => ids),
    answerFrom: Int32Array.from(kept, ({ answerFrom }) => answerFrom),
  };
}

/** Texts one after the other, end-of-text between them. What a model's texts begin with (`<bos>`) begins every window, which is
 *  a text of its own to it; a model without it (GPT-2) sees the last token of the window before in its place. */
function cutWindows(
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  sequenceLength: number,
): readonly Int32Array[] {
  const { prefix, endOfTextId } = tokenizer;
  const texts = samples.map(({ text }) => tokenizer.encode(text));
  if (texts.every((ids) => ids.length === 0))
    throw new Error("dataset: expected some text, got only empty samples");
  if (sequenceLength < prefix.length)
    throw new Error(
      `dataset: expected a sequenceLength of at least ${prefix.length}, as long as what a text begins with, got ${sequenceLength}`,
    );
  const hasPrefix = prefix.length > 0;
  const stream = texts.flatMap((ids) =>
    hasPrefix ? [...prefix, ...ids, endOfTextId] : [endOfTextId, ...ids],
  );
  const beginsText = (at: number): boolean => prefix.every((id, i) => stream[at + i] === id);
  const windows: Int32Array[] = [];
  // As many new ids as a window has targets that are not the prefix's own: each is foretold once.
  const step = Math.min(sequenceLength + 1, stream.length) - Math.max(1, prefix.length);
  for (let start = 0; ; start += step) {
    if (hasPrefix && beginsText(start)) start += prefix.length;
    const own = stream.slice(start, start + step + (hasPrefix ? 0 : 1));
    if (own.length < step + (hasPrefix ? 0 : 1)) return windows;
    windows.push(Int32Array.from([...prefix, ...own]));
  }
}

function checkLabel(label: number | undefined, row: number): number {
  if (label === undefined || !Number.isInteger(label) || label < 0)
    throw new Error(
      `dataset: expected a label of 0 or more for classification, got ${label} (row ${row + 1})`,
    );
  return label;
}

function checkValue(value: number | undefined, row: number): number {
  if (value === undefined || !Number.isFinite(value))
    throw new Error(`dataset: expected a number for regression, got ${value} (row ${row + 1})`);
  return value;
}
