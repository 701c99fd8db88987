/** Datasets cut into batches of one fixed shape, so that a round meets no new tensor shape after its first step. */
import { createRandom, shuffled } from "@fedlodrop/run";
import type { Dataset } from "./dataset.ts";

/** Token ids of a batch: `ids` is [B, T] row-major. */
export interface TokenBatch {
  readonly ids: Int32Array;
  readonly batchSize: number;
  readonly length: number;
}

/** Input tokens and what they should predict. */
export type Batch = TokenBatch & {
  /** Real tokens, padding not counted. */
  readonly tokenCount: number;
  readonly target:
    | { readonly kind: "next-tokens"; readonly ids: Int32Array } // [B, T]
    | { readonly kind: "labels"; readonly labels: Int32Array; readonly lastPositions: Int32Array }; // [B] each
};

export function sampleCount(dataset: Dataset): number {
  return dataset.kind === "language-model" ? dataset.windows.length : dataset.sequences.length;
}

/** Rows of each batch, endlessly: every epoch is a fresh seeded shuffle, and batches run across its borders. */
export function* batchRows(count: number, batchSize: number, seed: string): Generator<readonly number[]> {
  if (count < 1) throw new Error("batches: expected at least one sample, got none");
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new Error(`batches: expected a batchSize of at least 1, got ${batchSize}`);
  const rows = Array.from({ length: count }, (_, row) => row);
  const random = createRandom(seed, "batches");
  let queue: number[] = [];
  for (;;) {
    while (queue.length < batchSize) queue = queue.concat(shuffled(rows, random));
    yield queue.slice(0, batchSize);
    queue = queue.slice(batchSize);
  }
}

/** The batch of the given rows. Sequences are padded on the right, which causal attention never looks at. */
export function createBatch(dataset: Dataset, rows: readonly number[]): Batch {
  switch (dataset.kind) {
    case "language-model":
      return windowBatch(rows.map((row) => at(dataset.windows, row)));
    case "classification": {
      const sequences = rows.map((row) => at(dataset.sequences, row));
      return labelBatch(
        sequences,
        Int32Array.from(rows, (row) => at(dataset.labels, row)),
        paddedLength(dataset.sequences),
      );
    }
    default:
      return dataset satisfies never;
  }
}

function windowBatch(windows: readonly Int32Array[]): Batch {
  const length = at(windows, 0).length - 1;
  const ids = new Int32Array(windows.length * length);
  const next = new Int32Array(windows.length * length);
  windows.forEach((window, row) => {
    if (window.length !== length + 1)
      throw new Error(`dataset: expected windows of ${length + 1} ids, got one of ${window.length}`);
    ids.set(window.subarray(0, length), row * length);
    next.set(window.subarray(1), row * length);
  });
  return {
    ids,
    batchSize: windows.length,
    length,
    tokenCount: ids.length,
    target: { kind: "next-tokens", ids: next },
  };
}

function labelBatch(sequences: readonly Int32Array[], labels: Int32Array, length: number): Batch {
  const ids = new Int32Array(sequences.length * length);
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * length);
  });
  return {
    ids,
    batchSize: sequences.length,
    length,
    tokenCount: sequences.reduce((sum, sequence) => sum + sequence.length, 0),
    target: {
      kind: "labels",
      labels,
      lastPositions: Int32Array.from(sequences, (sequence) => sequence.length - 1),
    },
  };
}

const paddedLengths = new WeakMap<readonly Int32Array[], number>();

/** The longest sequence, up to a multiple of 4 (vec4 kernels); looked up once per dataset. */
function paddedLength(sequences: readonly Int32Array[]): number {
  const known = paddedLengths.get(sequences);
  if (known !== undefined) return known;
  const length = 4 * Math.ceil(sequences.reduce((longest, { length }) => Math.max(longest, length), 1) / 4);
  paddedLengths.set(sequences, length);
  return length;
}

function at<T>(items: ArrayLike<T>, index: number): T {
  if (index >= items.length) throw new Error(`dataset: expected row ${index}, got ${items.length} rows`);
  return items[index] as T;
}
