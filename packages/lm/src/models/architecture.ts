/** A model as data over operations: what plans are made of. Follows from config.json alone; weights come beside it. */
import type { AdaptedModule } from "@fedlodrop/run";
import type { Network, Value } from "../plan/network.ts";
import type { Classifier } from "./classifier.ts";
import type { ModelConfig } from "./config.ts";
import { encoder } from "./encoder.ts";
import { gemma3 } from "./gemma3.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import type { DerivedParameter, Parameter } from "./parameters.ts";

export interface Architecture {
  /** d, the width of the hidden states. */
  readonly width: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly blockCount: number;
  /** Name of the matrix d → vocabulary that makes logits (the token table where they are tied); null without one. */
  readonly head: string | null;
  /** What the whole model calls this part of it, "transformer." for instance: names in files begin with it or not. */
  readonly prefix: string;
  readonly parameters: readonly Parameter[];
  /** Frozen tables that are made of some of them, which are then not needed themselves. */
  readonly derived?: readonly DerivedParameter[];
  /** Frozen vectors that follow from the config: rotary frequencies. */
  readonly constants: ReadonlyMap<string, Float32Array>;
  /** Matrices that can carry an adapter, in block order. */
  readonly modules: readonly AdaptedModule[];
  /** Which of them do unless a run says otherwise: names as PEFT's `target_modules` has them. */
  readonly defaultTargets: readonly string[];
  readonly classifier: Classifier;
  /** Whether a token sees what comes after it; padding must then be hidden from the others. */
  readonly isBidirectional: boolean;
  /** Row of the position table (or rotary position) of a token; `segment` is 1 in the second text of a pair. */
  positionOf(position: number, segment: 0 | 1): number;
  /** Emits the forward pass; final hidden states [rows, d], after the last norm. */
  forward(net: Network): Value;
}

export function architectureOf(config: ModelConfig): Architecture {
  switch (config.kind) {
    case "gpt2":
      return gpt2(config);
    case "llama":
      return llama(config);
    case "gemma3":
      return gemma3(config);
    case "encoder":
      return encoder(config);
    default:
      return config satisfies never;
  }
}
