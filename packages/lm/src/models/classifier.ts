/** Heads that classify a whole sequence: which token's hidden state they read, and what of them is trained. */
import type { DenseParameter } from "@fedlodrop/run";
import type { BufferId } from "../ops/buffer.ts";
import { trainedHead } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";

export interface Classifier {
  /** The sequence's first token ([CLS], <s>), or its last. */
  readonly token: "first" | "last";
  /** Trained whole beside the adapter; the last one's first extent is the number of labels. */
  parameters(labels: number): readonly DenseParameter[];
  /** @param pooled hidden states of the tokens, [sequences, d] @param logits [sequences, labels] */
  emit(net: Network, pooled: Value, logits: BufferId, labels: number): Value;
}

export const INITIAL_STANDARD_DEVIATION = 0.02;

/** The name of a decoder's head, without bias, as GPT2ForSequenceClassification and its likes have it. */
export const SCORE = "score";

/** One matrix [labels, width] over the last token, which has seen the whole sequence. */
export const lastTokenScore = (width: number): Classifier => ({
  token: "last",
  parameters: (labels) => [
    { name: SCORE, shape: [labels, width], initialStandardDeviation: INITIAL_STANDARD_DEVIATION },
  ],
  emit: (net, pooled, logits, labels) => trainedHead(net, pooled, SCORE, logits, labels),
});
