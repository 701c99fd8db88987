/**
 * The vocabulary of a plan: every kernel call there is. A call is data, its numbers fixed when the plan is made; what
 * changes between runs of one plan (token ids, indices of kept columns, AdamW's settings) comes in buffers.
 *
 * Rules for engines. f32 arithmetic; results within the tolerances of engine.contract.ts of engines/reference. The
 * same calls on the same numbers give the same bits, with any number of threads. Buffers are row-major without
 * padding. Buffers of one call do not overlap, but for slices (`Rows`, `Span`) of one buffer.
 */
import {
  type Activation,
  type ActivationBackward,
  type Add,
  activationAccesses,
  activationBackwardAccesses,
  addAccesses,
  type Gated,
  type GatedBackward,
  gatedAccesses,
  gatedBackwardAccesses,
} from "../ops/activation.ts";
import { type AdamW, adamWAccesses, type Dot, dotAccesses, type Norm, normAccesses } from "../ops/adamw.ts";
import {
  type Attention,
  type AttentionBackward,
  attentionAccesses,
  attentionBackwardAccesses,
  type CacheAppend,
  type CachedAttention,
  cacheAppendAccesses,
  cachedAttentionAccesses,
} from "../ops/attention.ts";
import type { Access } from "../ops/buffer.ts";
import {
  type CrossEntropy,
  crossEntropyAccesses,
  type LogitCrossEntropy,
  logitCrossEntropyAccesses,
} from "../ops/cross-entropy.ts";
import {
  type Dense,
  type DenseBackward,
  denseAccesses,
  denseBackwardAccesses,
  type GatherRows,
  gatherRowsAccesses,
  type ScatterRows,
  scatterRowsAccesses,
} from "../ops/dense.ts";
import { type Embed, embedAccesses } from "../ops/embed.ts";
import {
  type LayerNorm,
  type LayerNormBackward,
  layerNormAccesses,
  layerNormBackwardAccesses,
} from "../ops/layer-norm.ts";
import { type Linear, type LinearBackward, linearAccesses, linearBackwardAccesses } from "../ops/linear.ts";
import {
  type LoraDown,
  type LoraGradient,
  type LoraUp,
  loraDownAccesses,
  loraGradientAccesses,
  loraUpAccesses,
} from "../ops/lora.ts";
import {
  type RmsNorm,
  type RmsNormBackward,
  rmsNormAccesses,
  rmsNormBackwardAccesses,
} from "../ops/rms-norm.ts";
import { type Rotary, rotaryAccesses } from "../ops/rotary.ts";

export type KernelCall =
  | Embed
  | LayerNorm
  | LayerNormBackward
  | RmsNorm
  | RmsNormBackward
  | Linear
  | LinearBackward
  | LoraDown
  | LoraUp
  | LoraGradient
  | Attention
  | AttentionBackward
  | CacheAppend
  | CachedAttention
  | Rotary
  | Activation
  | ActivationBackward
  | Gated
  | GatedBackward
  | Add
  | CrossEntropy
  | LogitCrossEntropy
  | Dense
  | DenseBackward
  | GatherRows
  | ScatterRows
  | AdamW
  | Dot
  | Norm;

export type KernelKind = KernelCall["kind"];

/** What a call reads and writes, and how much of it. */
export function accessesOf(call: KernelCall): readonly Access[] {
  switch (call.kind) {
    case "embed":
      return embedAccesses(call);
    case "layer-norm":
      return layerNormAccesses(call);
    case "layer-norm-backward":
      return layerNormBackwardAccesses(call);
    case "rms-norm":
      return rmsNormAccesses(call);
    case "rms-norm-backward":
      return rmsNormBackwardAccesses(call);
    case "linear":
      return linearAccesses(call);
    case "linear-backward":
      return linearBackwardAccesses(call);
    case "lora-down":
      return loraDownAccesses(call);
    case "lora-up":
      return loraUpAccesses(call);
    case "lora-gradient":
      return loraGradientAccesses(call);
    case "attention":
      return attentionAccesses(call);
    case "attention-backward":
      return attentionBackwardAccesses(call);
    case "cache-append":
      return cacheAppendAccesses(call);
    case "cached-attention":
      return cachedAttentionAccesses(call);
    case "rotary":
      return rotaryAccesses(call);
    case "activation":
      return activationAccesses(call);
    case "activation-backward":
      return activationBackwardAccesses(call);
    case "gated":
      return gatedAccesses(call);
    case "gated-backward":
      return gatedBackwardAccesses(call);
    case "add":
      return addAccesses(call);
    case "cross-entropy":
      return crossEntropyAccesses(call);
    case "logit-cross-entropy":
      return logitCrossEntropyAccesses(call);
    case "dense":
      return denseAccesses(call);
    case "dense-backward":
      return denseBackwardAccesses(call);
    case "gather-rows":
      return gatherRowsAccesses(call);
    case "scatter-rows":
      return scatterRowsAccesses(call);
    case "adamw":
      return adamWAccesses(call);
    case "dot":
      return dotAccesses(call);
    case "norm":
      return normAccesses(call);
    default:
      return call satisfies never;
  }
}
