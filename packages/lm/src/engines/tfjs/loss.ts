/** The losses: next token (language model, answers), and a label or a number on a sequence's last token. */
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
      return meanOfLearnt(tokenLosses(model, batch, adapter), batch.target.ids);
    case "labels":
      return tf.mean(crossEntropy(headLogits(model, batch, adapter), batch.target.labels));
    case "values": {
      const targets = tf.tensor2d(batch.target.values, [batch.batchSize, 1]);
      return tf.mean(tf.square(tf.sub(headLogits(model, batch, adapter), targets)));
    }
    default:
      return batch.target satisfies never;
  }
}

/** Over the tokens that have a target. */
function meanOfLearnt(losses: tf.Tensor1D, targets: Int32Array): tf.Scalar {
  if (targets.every((id) => id >= 0)) return tf.mean(losses);
  const learnt = Float32Array.from(targets, (id) => (id < 0 ? 0 : 1));
  const count = learnt.reduce((sum, one) => sum + one, 0);
  return tf.div(tf.sum(tf.mul(losses, tf.tensor1d(learnt))), count);
}

/** Loss of every predicted token, [B·T] nats. One without a target gets that of another token. */
export function tokenLosses(model: TransformerTensors, batch: Batch, adapter?: AdapterTensors): tf.Tensor1D {
  if (batch.target.kind !== "next-tokens")
    throw new Error(`loss: expected a language-model batch, got ${batch.target.kind}`);
  return crossEntropy(
    tokenLogits(model, hiddenStates(model, batch, adapter)),
    batch.target.ids.map((id) => Math.max(0, id)),
  );
}

/** Scores of classes, or the estimate, [B, labels]: the head on the hidden state of each sequence's last token. */
export function headLogits(
  model: TransformerTensors,
  batch: Batch,
  adapter: AdapterTensors | undefined,
): tf.Tensor2D {
  const head = adapter?.dense.get(SCORE); // [d, labels]
  if (!head) throw new Error("classification: expected the adapter to have a head, got one without labels");
  if (batch.target.kind === "next-tokens")
    throw new Error(`loss: expected a batch of labels or values, got ${batch.target.kind}`);
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
