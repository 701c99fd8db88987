/** Loss and other figures over a whole dataset; sums are taken on the host in double precision. */
import { quantile } from "@fedlodrop/run";
import { type Batch, createBatch, sampleCount } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { matthews, pearson, positiveF1, spearman } from "./metrics.ts";
import type { Evaluation } from "./trainer.ts";

/** Samples evaluated together; every batch of a dataset has as many rows, so that all run the same shaders. */
const BATCH_SIZE = 8;

/**
 * Batches over all samples, in order; windows of another length (of a device with little text) get batches of their own.
 * A last batch is filled up with its first row; `rows` counts the real ones.
 */
function* evaluationBatches(dataset: Dataset): Generator<{ batch: Batch; rows: number }> {
  const count = sampleCount(dataset);
  if (count === 0) throw new Error("evaluate: expected at least one sample, got none");
  // A single sentence is not evaluated eight times.
  const size = Math.min(BATCH_SIZE, count);
  for (const alike of rowsByLength(dataset, count))
    for (let start = 0; start < alike.length; start += size) {
      const own = alike.slice(start, start + size);
      const rows = Array.from({ length: size }, (_, i) => own[i] ?? (own[0] as number));
      yield { batch: createBatch(dataset, rows), rows: own.length };
    }
}

/** Rows that can share a batch. Sequences are padded to one length anyway. */
function rowsByLength(dataset: Dataset, count: number): readonly (readonly number[])[] {
  const rows = Array.from({ length: count }, (_, row) => row);
  if (dataset.kind !== "language-model") return [rows];
  const lengthOf = (row: number): number => (dataset.windows[row] as Int32Array).length;
  return [...new Set(rows.map(lengthOf))].map((length) => rows.filter((row) => lengthOf(row) === length));
}

/** @param losses gives the loss of every token of a batch, [B, T] row-major; 0 of one that is not learnt */
export async function evaluateTokens(
  dataset: Dataset,
  losses: (batch: Batch) => Promise<Float32Array>,
): Promise<Evaluation> {
  const sequences: number[] = [];
  let sum = 0;
  let count = 0;
  for (const { batch, rows } of evaluationBatches(dataset)) {
    const values = await losses(batch);
    const { length, target } = batch;
    const learnt = target.kind === "next-tokens" ? target.ids : new Int32Array(values.length);
    for (let row = 0; row < rows; row++) {
      const ids = learnt.subarray(row * length, (row + 1) * length);
      const own = values
        .subarray(row * length, (row + 1) * length)
        .filter((_, position) => (ids[position] as number) >= 0);
      const loss = mean(own);
      sequences.push(loss);
      sum += loss * own.length;
      count += own.length;
    }
  }
  return { loss: sum / count, exampleLossSpread: spread(sequences), count };
}

/** The head's outputs of every sample, [samples][labels]. @param logits of a batch, [B, labels] row-major */
export async function scoresOf(
  dataset: Dataset,
  logits: (batch: Batch) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const scores: Float32Array[] = [];
  for (const { batch, rows } of evaluationBatches(dataset)) {
    const values = await logits(batch);
    const width = values.length / batch.batchSize;
    for (let row = 0; row < rows; row++) scores.push(values.slice(row * width, (row + 1) * width));
  }
  return scores;
}

/** Of samples that are judged as a whole, by their scores. */
export function evaluateScores(dataset: JudgedDataset, scores: readonly Float32Array[]): Evaluation {
  return dataset.kind === "classification"
    ? evaluateClasses(dataset.labels, scores)
    : evaluateValues([...dataset.values], scores);
}

export type JudgedDataset = Extract<Dataset, { kind: "classification" | "regression" }>;

export const isJudged = (dataset: Dataset): dataset is JudgedDataset =>
  dataset.kind === "classification" || dataset.kind === "regression";

function evaluateClasses(labels: Int32Array, scores: readonly Float32Array[]): Evaluation {
  const losses = scores.map((own, row) => -logSoftmax(own, labels[row] as number));
  const predicted = scores.map((own) => own.indexOf(own.reduce((a, b) => Math.max(a, b))));
  const correct = predicted.filter((label, row) => label === labels[row]).length;
  return {
    ...{ loss: mean(losses), exampleLossSpread: spread(losses), count: labels.length },
    accuracy: correct / labels.length,
    matthews: matthews(predicted, labels),
    ...(scores[0]?.length === 2 && { f1: positiveF1(predicted, labels) }),
  };
}

function evaluateValues(values: readonly number[], scores: readonly Float32Array[]): Evaluation {
  const estimated = scores.map(([score]) => score as number);
  const losses = estimated.map((estimate, row) => (estimate - (values[row] as number)) ** 2);
  const [linear, ranked] = [pearson(estimated, values), spearman(estimated, values)];
  return {
    ...{ loss: mean(losses), exampleLossSpread: spread(losses), count: values.length },
    ...(linear !== undefined && { pearson: linear }),
    ...(ranked !== undefined && { spearman: ranked }),
  };
}

/** What scores say of each class; they sum to 1. */
export const probabilitiesOf = (scores: Float32Array): number[] =>
  Array.from(scores, (_, label) => Math.exp(logSoftmax(scores, label)));

function logSoftmax(scores: Float32Array, label: number): number {
  const largest = scores.reduce((a, b) => Math.max(a, b));
  const logSum = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
  return (scores[label] as number) - logSum;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** 99th minus 1st percentile. */
const spread = (values: readonly number[]): number => quantile(values, 0.99) - quantile(values, 0.01);
