/** The two losses: next token (language model) and the label on a sequence's last token (classification). */
import * as tf from "@tensorflow/tfjs";
import type { Batch } from "../../data/batches.ts";
import { SCORE } from "../../models/classifier.ts";
import { crossEntropy } from "./differentiable.ts";
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
  const head = adapter?.dense.get(SCORE); // [d, labels]
  if (!head) throw new Error("classification: expected the adapter to have a head, got one without labels");
  if (batch.target.kind !== "labels")
    throw new Error(`loss: expected a classification batch, got ${batch.target.kind}`);
  const hidden = hiddenStates(model, batch, adapter);
  const rowCount = hidden.shape[0];
  // A product with one-hot rows, because WASM has no kernel for the gradient of a gather. They are filled here: WASM's
  // own oneHot writes integers whatever type is asked for, and WebGPU's cast keeps them.
  const oneHot = new Float32Array(batch.batchSize * rowCount);
  batch.target.lastPositions.forEach((position, sample) => {
    oneHot[sample * rowCount + sample * batch.length + position] = 1;
  });
  const selection = tf.tensor2d(oneHot, [batch.batchSize, rowCount]);
  return tf.matMul(tf.matMul(selection, hidden), head);
}
