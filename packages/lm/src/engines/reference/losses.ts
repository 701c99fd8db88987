import type { AdamW, Dot, Norm } from "../../ops/adamw.ts";
import type { CrossEntropy, LogitCrossEntropy } from "../../ops/cross-entropy.ts";
import { at, type Memory, spanOf } from "./memory.ts";

export function crossEntropy(call: CrossEntropy, memory: Memory): void {
  const { rows, width, vocabulary } = call;
  const hidden = memory.buffer(call.hidden);
  const head = memory.matrix(call.head).values;
  const dHidden = call.dHidden === null ? null : memory.buffer(call.dHidden);
  const logits = new Float64Array(vocabulary);
  for (let n = 0; n < rows; n++) {
    for (let v = 0; v < vocabulary; v++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += at(hidden, n * width + i) * at(head, v * width + i);
      logits[v] = sum;
    }
    const slope = lossOfRow(logits, n, call, memory);
    if (!dHidden) continue;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let v = 0; v < vocabulary; v++) sum += slope(v) * at(head, v * width + i);
      dHidden[n * width + i] = sum;
    }
  }
}

export function logitCrossEntropy(call: LogitCrossEntropy, memory: Memory): void {
  const { rows, classes } = call;
  const logits = memory.buffer(call.logits);
  const dLogits = call.dLogits === null ? null : memory.buffer(call.dLogits);
  for (let n = 0; n < rows; n++) {
    const slope = lossOfRow(logits.subarray(n * classes, (n + 1) * classes), n, call, memory);
    for (let c = 0; c < classes && dLogits; c++) dLogits[n * classes + c] = slope(c);
  }
}

/** Writes the loss of row n; returns the derivative of its weighted loss in each logit. */
function lossOfRow(
  logits: Float64Array,
  n: number,
  call: { readonly targets: number; readonly weights: number; readonly loss: number },
  memory: Memory,
): (index: number) => number {
  const target = at(memory.buffer(call.targets), n);
  const loss = memory.buffer(call.loss);
  if (target < 0) {
    loss[n] = 0;
    return () => 0;
  }
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  loss[n] = largest + Math.log(sum) - at(logits, target);
  const weight = at(memory.buffer(call.weights), n);
  return (index) => weight * (Math.exp(at(logits, index) - largest) / sum - (index === target ? 1 : 0));
}

export function adamW(call: AdamW, memory: Memory): void {
  const { beta1, beta2, epsilon, size } = call;
  const [values, gradient] = [memory.buffer(call.values), memory.buffer(call.gradient)];
  const [mean, variance] = [memory.buffer(call.mean), memory.buffer(call.variance)];
  const settings = memory.buffer(call.settings);
  const [rate, correction, decay] = [at(settings, 0), at(settings, 1), at(settings, 2)];
  for (let i = 0; i < size; i++) {
    const g = at(gradient, i);
    const m = beta1 * at(mean, i) + (1 - beta1) * g;
    const v = beta2 * at(variance, i) + (1 - beta2) * g * g;
    mean[i] = m;
    variance[i] = v;
    values[i] = decay * at(values, i) - (rate * m) / (Math.sqrt(correction * v) + epsilon);
  }
}

export function dot({ a, b, out, size }: Dot, memory: Memory): void {
  const [left, right] = [memory.buffer(a), memory.buffer(b)];
  let sum = 0;
  for (let i = 0; i < size; i++) sum += at(left, i) * at(right, i);
  spanOf(memory, out)[0] = sum;
}

export function norm({ x, out, size }: Norm, memory: Memory): void {
  const values = memory.buffer(x);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += at(values, i) ** 2;
  spanOf(memory, out)[0] = Math.sqrt(sum);
}
