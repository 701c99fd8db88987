/** A model as data over operations: what plans are made of. */
import type { Network, Value } from "../plan/network.ts";
import type { LazyWeight } from "../plan/weight.ts";
import { gpt2 } from "./gpt2.ts";
import type { LanguageModel } from "./language-model.ts";

export interface Architecture {
  /** d, the width of the hidden states. */
  readonly width: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly blockCount: number;
  /** Name of the matrix d → vocabulary that makes logits; the token table where they are tied. */
  readonly head: string;
  /** Matrices that stay in f32 whatever the base is: position tables. */
  readonly exactWeights: ReadonlySet<string>;
  /** Emits the forward pass; final hidden states [rows, d], after the last norm. */
  forward(net: Network): Value;
  /** Every weight that `forward` and the head name, in the order in which they are best loaded. */
  readonly weights: readonly LazyWeight[];
}

export function architectureOf(model: LanguageModel): Architecture {
  return gpt2(model);
}
