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

type AccessesOfKind = {
  readonly [K in KernelKind]: (call: Extract<KernelCall, { kind: K }>) => readonly Access[];
};

const ACCESSES: AccessesOfKind = {
  embed: embedAccesses,
  "layer-norm": layerNormAccesses,
  "layer-norm-backward": layerNormBackwardAccesses,
  "rms-norm": rmsNormAccesses,
  "rms-norm-backward": rmsNormBackwardAccesses,
  linear: linearAccesses,
  "linear-backward": linearBackwardAccesses,
  "lora-down": loraDownAccesses,
  "lora-up": loraUpAccesses,
  "lora-gradient": loraGradientAccesses,
  attention: attentionAccesses,
  "attention-backward": attentionBackwardAccesses,
  "cache-append": cacheAppendAccesses,
  "cached-attention": cachedAttentionAccesses,
  rotary: rotaryAccesses,
  activation: activationAccesses,
  "activation-backward": activationBackwardAccesses,
  gated: gatedAccesses,
  "gated-backward": gatedBackwardAccesses,
  add: addAccesses,
  "cross-entropy": crossEntropyAccesses,
  "logit-cross-entropy": logitCrossEntropyAccesses,
  dense: denseAccesses,
  "dense-backward": denseBackwardAccesses,
  "gather-rows": gatherRowsAccesses,
  "scatter-rows": scatterRowsAccesses,
  adamw: adamWAccesses,
  dot: dotAccesses,
  norm: normAccesses,
};

/** What a call reads and writes, and how much of it. */
export function accessesOf(call: KernelCall): readonly Access[] {
  return (ACCESSES[call.kind] as (call: KernelCall) => readonly Access[])(call);
}

export const KERNEL_KINDS = Object.keys(ACCESSES) as readonly KernelKind[];
