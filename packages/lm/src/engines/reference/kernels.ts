/** Every kernel call in float64, as its formula says: the truth that engines are compared with. */
import type { KernelCall, KernelKind } from "../../plan/kernel.ts";
import { activation, activationBackward, add, gated, gatedBackward } from "./activation.ts";
import { attention, attentionBackward, cacheAppend, cachedAttention, rotary } from "./attention.ts";
import { adamW, crossEntropy, dot, logitCrossEntropy, norm } from "./losses.ts";
import type { Memory } from "./memory.ts";
import { layerNorm, layerNormBackward, rmsNorm, rmsNormBackward } from "./norms.ts";
import {
  dense,
  denseBackward,
  embed,
  gatherRows,
  linear,
  linearBackward,
  loraDown,
  loraGradient,
  loraUp,
  scatterRows,
} from "./products.ts";

type Kernels = {
  readonly [K in KernelKind]: (call: Extract<KernelCall, { kind: K }>, memory: Memory) => void;
};

const KERNELS: Kernels = {
  embed,
  "layer-norm": layerNorm,
  "layer-norm-backward": layerNormBackward,
  "rms-norm": rmsNorm,
  "rms-norm-backward": rmsNormBackward,
  linear,
  "linear-backward": linearBackward,
  "lora-down": loraDown,
  "lora-up": loraUp,
  "lora-gradient": loraGradient,
  attention,
  "attention-backward": attentionBackward,
  "cache-append": cacheAppend,
  "cached-attention": cachedAttention,
  rotary,
  activation,
  "activation-backward": activationBackward,
  gated,
  "gated-backward": gatedBackward,
  add,
  "cross-entropy": crossEntropy,
  "logit-cross-entropy": logitCrossEntropy,
  dense,
  "dense-backward": denseBackward,
  "gather-rows": gatherRows,
  "scatter-rows": scatterRows,
  adamw: adamW,
  dot,
  norm,
};

export function runKernel(call: KernelCall, memory: Memory): void {
  (KERNELS[call.kind] as (call: KernelCall, memory: Memory) => void)(call, memory);
}
