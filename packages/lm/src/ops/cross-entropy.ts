import { type Access, type BufferId, read, type WeightName, write } from "./buffer.ts";

/**
 * The language-model loss with its head, in one pass chunked over the vocabulary: with z = hidden·W and
 * p = softmax(z), loss[n] = log Σ exp z[n] − z[n, target] and dHidden[n] = weights[n] · (p − onehot(target))·Wᵀ.
 * [rows, vocabulary] never exists: an engine walks the vocabulary in chunks as it likes. A target of −1 is ignored: loss
 * and gradient of its row are 0.
 */
export interface CrossEntropy {
  readonly kind: "cross-entropy";
  readonly hidden: BufferId; // [rows, width]
  /** Matrix [inFeatures = width, outFeatures = vocabulary], of any base type. */
  readonly head: WeightName;
  readonly targets: BufferId; // i32 [rows]
  /** [rows]: what each row's loss weighs in the sum that is differentiated; 1/count for a mean. */
  readonly weights: BufferId;
  readonly loss: BufferId; // [rows], nats, unweighted
  /** null: the loss alone (evaluation). */
  readonly dHidden: BufferId | null; // [rows, width]
  readonly rows: number;
  readonly width: number;
  readonly vocabulary: number;
}

/** The same over given logits: loss[n], and dLogits[n] = weights[n] · (softmax(logits[n]) − onehot(target)). */
export interface LogitCrossEntropy {
  readonly kind: "logit-cross-entropy";
  readonly logits: BufferId; // [rows, classes]
  readonly targets: BufferId; // i32 [rows]; −1 is ignored
  readonly weights: BufferId; // [rows]
  readonly loss: BufferId; // [rows]
  readonly dLogits: BufferId | null; // [rows, classes]
  readonly rows: number;
  readonly classes: number;
}

export const crossEntropyAccesses = (call: CrossEntropy): readonly Access[] => [
  read(call.hidden, call.rows * call.width),
  read(call.targets, call.rows),
  read(call.weights, call.rows),
  write(call.loss, call.rows),
  ...(call.dHidden === null ? [] : [write(call.dHidden, call.rows * call.width)]),
];

export const logitCrossEntropyAccesses = (call: LogitCrossEntropy): readonly Access[] => [
  read(call.logits, call.rows * call.classes),
  read(call.targets, call.rows),
  read(call.weights, call.rows),
  write(call.loss, call.rows),
  ...(call.dLogits === null ? [] : [write(call.dLogits, call.rows * call.classes)]),
];
