/** The two losses: next token (language model) and the label on a sequence's last token (classification). */
import * as tf from "@tensorflow/tfjs";
import type { Batch } from "./batches.ts";
import { crossEntropy } from "./differentiable.ts";
import { CLASSIFICATION_HEAD } from "./lora.ts";
import type { AdapterTensors } from "./lora-dropout.ts";
import { hiddenStates, type TransformerTensors, tokenLogits } from "./transformer.ts";

/** Mean loss of a batch, nats: over tokens or over samples. */
export function batchLoss(model: TransformerTensors, batch: Batch, adapter?: AdapterTensors): tf.Scalar {
  switch (batch.target.kind) {
    case "next-tokens":
      return tf.mean(tokenLosses(model, batch, adapter));
    case "labels":
      return tf.mean(crossEntropy(labelLogits(model, batch, adapter), batch.target.labels));
    default:
      return batch.target satisfies never;
  }
}

/** Loss of every predicted token, [B·T] nats. */
export function tokenLosses(model: TransformerTensors, batch: Batch, adapter?: AdapterTensors): tf.Tensor1D {
  if (batch.target.kind !== "next-tokens")
    throw new Error(`loss: expected a language-model batch, got ${batch.target.kind}`);
  return crossEntropy(tokenLogits(model, hiddenStates(model, batch, adapter)), batch.target.ids);
}

/** Class scores [B, labels]: the head on the hidden state of each sequence's last token. */
export function labelLogits(
  model: TransformerTensors,
  batch: Batch,
  adapter: AdapterTensors | undefined,
): tf.Tensor2D {
  const head = adapter?.dense.get(CLASSIFICATION_HEAD); // [d, labels]
  if (!head) throw new Error("classification: expected the adapter to have a head, got one without labels");
  if (batch.target.kind !== "labels")
    throw new Error(`loss: expected a classification batch, got ${batch.target.kind}`);
  const hidden = hiddenStates(model, batch, adapter);
  const rows = batch.target.lastPositions.map((position, sample) => sample * batch.length + position);
  // A product with one-hot rows, because WASM has no kernel for the gradient of a gather.
  const selection = tf.oneHot(tf.tensor1d(rows, "int32"), hidden.shape[0], 1, 0, "float32") as tf.Tensor2D;
  return tf.matMul(tf.matMul(selection, hidden), head);
}
