/** Datasets cut into batches of one fixed shape, so that a round meets no new tensor shape after its first step. */
import { createRandom, shuffled } from "@fedlodrop/run";
import { type Dataset, rowAt, rowsOf } from "./dataset.ts";

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
    | { readonly kind: "next-tokens"; readonly ids: Int32Array } // [B, T]; −1 is not learnt
    | (Bounds & { readonly kind: "labels"; readonly labels: Int32Array }) // [B]
    | (Bounds & { readonly kind: "values"; readonly values: Float32Array }); // [B]
};

/** Of each sequence that is judged as a whole, [B] each. */
interface Bounds {
  readonly lastPositions: Int32Array;
  /** Where the second text begins; behind the last position where there is none. */
  readonly secondFrom: Int32Array;
}

export const sampleCount = (dataset: Dataset): number => rowsOf(dataset).length;

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
  if (dataset.kind === "language-model") return windowBatch(rows.map((row) => rowAt(dataset.windows, row)));
  const sequences = rows.map((row) => rowAt(dataset.sequences, row));
  // A conversation's last token is predicted and never read.
  const length = paddedLength(dataset.sequences, dataset.kind === "chat" ? 1 : 0);
  const numbers = (of: Int32Array): Int32Array => Int32Array.from(rows, (row) => rowAt(of, row));
  switch (dataset.kind) {
    case "chat":
      return answerBatch(sequences, numbers(dataset.answerFrom), length);
    case "classification": {
      const bounds = boundsOf(sequences, numbers(dataset.secondFrom));
      return padded(sequences, length, { kind: "labels", ...bounds, labels: numbers(dataset.labels) });
    }
    case "regression": {
      const bounds = boundsOf(sequences, numbers(dataset.secondFrom));
      const values = Float32Array.from(rows, (row) => rowAt(dataset.values, row));
      return padded(sequences, length, { kind: "values", ...bounds, values });
    }
    default:
      return dataset satisfies never;
  }
}

function windowBatch(windows: readonly Int32Array[]): Batch {
  const length = rowAt(windows, 0).length - 1;
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

/** Only what belongs to an answer is a target. */
function answerBatch(sequences: readonly Int32Array[], answerFrom: Int32Array, length: number): Batch {
  const next = new Int32Array(sequences.length * length).fill(-1);
  sequences.forEach((sequence, row) => {
    const from = answerFrom[row] as number;
    next.set(sequence.subarray(from), row * length + from - 1);
  });
  const inputs = sequences.map((sequence) => sequence.subarray(0, -1));
  return padded(inputs, length, { kind: "next-tokens", ids: next });
}

function padded(sequences: readonly Int32Array[], length: number, target: Batch["target"]): Batch {
  const ids = new Int32Array(sequences.length * length);
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * length);
  });
  const tokenCount = sequences.reduce((sum, sequence) => sum + sequence.length, 0);
  return { ids, batchSize: sequences.length, length, tokenCount, target };
}

const boundsOf = (sequences: readonly Int32Array[], secondFrom: Int32Array): Bounds => ({
  lastPositions: Int32Array.from(sequences, (sequence) => sequence.length - 1),
  secondFrom,
});

const paddedLengths = new WeakMap<readonly Int32Array[], number>();

/** The longest sequence without its last `spare` ids, up to a multiple of 4 (vec4 kernels); looked up once per dataset. */
function paddedLength(sequences: readonly Int32Array[], spare: number): number {
  const known = paddedLengths.get(sequences);
  if (known !== undefined) return known;
  const longest = sequences.reduce((most, { length }) => Math.max(most, length - spare), 1);
  const length = 4 * Math.ceil(longest / 4);
  paddedLengths.set(sequences, length);
  return length;
}
