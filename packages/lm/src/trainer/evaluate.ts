/** Loss and accuracy over a whole dataset; sums are taken on the host in double precision. */
import { type Batch, createBatch, sampleCount } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Evaluation } from "./trainer.ts";

/** Samples evaluated together; every batch has exactly this many rows, so that all run the same shaders. */
const BATCH_SIZE = 8;

/** Batches over all samples in order. The last one is filled up with row 0; `rows` counts the real ones. */
function* evaluationBatches(dataset: Dataset): Generator<{ batch: Batch; rows: number }> {
  const count = sampleCount(dataset);
  if (count === 0) throw new Error("evaluate: expected at least one sample, got none");
  for (let start = 0; start < count; start += BATCH_SIZE) {
    const rows = Array.from({ length: BATCH_SIZE }, (_, i) => (start + i < count ? start + i : 0));
    yield { batch: createBatch(dataset, rows), rows: Math.min(BATCH_SIZE, count - start) };
  }
}

/** @param losses gives the loss of every token of a batch, [B, T] row-major */
export async function evaluateTokens(
  dataset: Dataset,
  losses: (batch: Batch) => Promise<Float32Array>,
): Promise<Evaluation> {
  const windows: number[] = [];
  let count = 0;
  for (const { batch, rows } of evaluationBatches(dataset)) {
    const values = await losses(batch);
    for (let row = 0; row < rows; row++)
      windows.push(mean(values.subarray(row * batch.length, (row + 1) * batch.length)));
    count += rows * batch.length;
  }
  // Windows are equally long, so that this is the mean over tokens.
  return { loss: mean(windows), exampleLossSpread: spread(windows), count };
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

/** 99th minus 1st percentile, interpolated between the ordered values. */
function spread(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const at = (q: number): number => {
    const position = q * (ordered.length - 1);
    const below = ordered[Math.floor(position)] as number;
    const above = ordered[Math.ceil(position)] as number;
    return below + (above - below) * (position % 1);
  };
  return at(0.99) - at(0.01);
}

/** F1 of label 1: 2·TP / (predicted + actual positives); 0 when there are neither. */
function positiveF1(predicted: readonly number[], labels: Int32Array): number {
  const truePositives = predicted.filter((label, row) => label === 1 && labels[row] === 1).length;
  const positives =
    predicted.filter((label) => label === 1).length + labels.filter((label) => label === 1).length;
  return positives === 0 ? 0 : (2 * truePositives) / positives;
}
