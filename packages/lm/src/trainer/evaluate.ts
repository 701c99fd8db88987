/** Loss and accuracy over a whole dataset; sums are taken on the host in double precision. */
import { quantile } from "@fedlodrop/run";
import { type Batch, createBatch, sampleCount } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Evaluation } from "./trainer.ts";

/** Samples evaluated together; every batch has exactly this many rows, so that all run the same shaders. */
const BATCH_SIZE = 8;

/**
 * Batches over all samples, in order; windows of another length (of a device with little text) get batches of their own.
 * A last batch is filled up with its first row; `rows` counts the real ones.
 */
function* evaluationBatches(dataset: Dataset): Generator<{ batch: Batch; rows: number }> {
  const count = sampleCount(dataset);
  if (count === 0) throw new Error("evaluate: expected at least one sample, got none");
  for (const alike of rowsByLength(dataset, count))
    for (let start = 0; start < alike.length; start += BATCH_SIZE) {
      const own = alike.slice(start, start + BATCH_SIZE);
      const rows = Array.from({ length: BATCH_SIZE }, (_, i) => own[i] ?? (own[0] as number));
      yield { batch: createBatch(dataset, rows), rows: own.length };
    }
}

/** Rows that can share a batch. Sequences to be classified are padded to one length anyway. */
function rowsByLength(dataset: Dataset, count: number): readonly (readonly number[])[] {
  const rows = Array.from({ length: count }, (_, row) => row);
  if (dataset.kind === "classification") return [rows];
  const lengthOf = (row: number): number => (dataset.windows[row] as Int32Array).length;
  return [...new Set(rows.map(lengthOf))].map((length) => rows.filter((row) => lengthOf(row) === length));
}

/** @param losses gives the loss of every token of a batch, [B, T] row-major */
export async function evaluateTokens(
  dataset: Dataset,
  losses: (batch: Batch) => Promise<Float32Array>,
): Promise<Evaluation> {
  const windows: number[] = [];
  let sum = 0;
  let count = 0;
  for (const { batch, rows } of evaluationBatches(dataset)) {
    const values = await losses(batch);
    for (let row = 0; row < rows; row++) {
      const loss = mean(values.subarray(row * batch.length, (row + 1) * batch.length));
      windows.push(loss);
      sum += loss * batch.length;
    }
    count += rows * batch.length;
  }
  return { loss: sum / count, exampleLossSpread: spread(windows), count };
}

/** @param logits gives the class scores of a batch, [B, labels] row-major */
export async function evaluateClasses(
  dataset: Dataset & { readonly kind: "classification" },
  logits: (batch: Batch) => Promise<Float32Array>,
): Promise<Evaluation> {
  const count = dataset.labels.length;
  const losses: number[] = [];
  let labelCount = 0;
  const predicted: number[] = [];
  for (const { batch, rows } of evaluationBatches(dataset)) {
    const values = await logits(batch);
    labelCount = values.length / batch.batchSize;
    for (let row = 0; row < rows; row++) {
      const scores = values.subarray(row * labelCount, (row + 1) * labelCount);
      const label = dataset.labels[predicted.length] as number;
      const largest = scores.reduce((a, b) => Math.max(a, b));
      const logSum = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
      losses.push(logSum - (scores[label] as number));
      predicted.push(scores.indexOf(largest));
    }
  }
  const correct = predicted.filter((label, row) => label === dataset.labels[row]).length;
  const evaluation = {
    loss: mean(losses),
    exampleLossSpread: spread(losses),
    accuracy: correct / count,
    count,
  };
  return labelCount === 2 ? { ...evaluation, f1: positiveF1(predicted, dataset.labels) } : evaluation;
}

function mean(values: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    sum += value;
    count++;
  }
  return sum / count;
}

/** 99th minus 1st percentile. */
const spread = (values: readonly number[]): number => quantile(values, 0.99) - quantile(values, 0.01);

/** F1 of label 1: 2·TP / (predicted + actual positives); 0 when there are neither. */
function positiveF1(predicted: readonly number[], labels: Int32Array): number {
  const truePositives = predicted.filter((label, row) => label === 1 && labels[row] === 1).length;
  const positives =
    predicted.filter((label) => label === 1).length + labels.filter((label) => label === 1).length;
  return positives === 0 ? 0 : (2 * truePositives) / positives;
}
