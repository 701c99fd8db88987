/**
 * GPT-2: pre-norm blocks, learned positions, tanh GELU. N rows of width d, H heads.
 * Source: Radford et al., Language Models are Unsupervised Multitask Learners; names as Hugging Face's GPT2Model has them.
 */
import { activation, attention, embed, layerNorm, linear } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { LazyWeight } from "../plan/weight.ts";
import type { Architecture } from "./architecture.ts";
import { UNTIED_HEAD } from "./checkpoint.ts";
import type { TransformerConfig } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import type { TensorSource } from "./tensor-source.ts";

/** GPT-2 as the trainer sees it. */
export function gpt2({ config, tensors }: LanguageModel): Architecture {
  return {
    width: config.width,
    vocabularySize: config.vocabularySize,
    maxPositions: config.maxPositions,
    blockCount: config.layerCount,
    head: tensors.shapes.has(UNTIED_HEAD) ? UNTIED_HEAD : "wte.weight",
    exactWeights: new Set(["wpe.weight"]),
    forward: (net) => hiddenStates(net, config),
    weights: [...tensors.shapes.keys()].map((name) => lazyWeight(tensors, name)),
  };
}

/** Final hidden states [N, d], after the last layer norm. */
function hiddenStates(net: Network, config: TransformerConfig): Value {
  const { width: d, layerCount, headCount: heads, innerWidth, layerNormEpsilon: epsilon } = config;
  const headWidth = d / heads;
  const causal = { before: config.maxPositions, after: 0 };
  const shape = { heads, keyValueHeads: heads, headWidth, scale: 1 / Math.sqrt(headWidth), ...causal };

  let h = embed(net, d, "wte.weight", "wpe.weight"); // [N, d]
  for (let layer = 0; layer < layerCount; layer++)
    h = net.block(h, (x) => {
      const block = `h.${layer}`;
      const normed = layerNorm(net, x, `${block}.ln_1`, epsilon); // [N, d]
      const qkv = linear(net, normed, `${block}.attn.c_attn`, 3 * d, { bias: true }); // [N, 3d]
      const slice = (offset: number) => ({ of: qkv, offset, width: d });
      const attended = attention(net, layer, [slice(0), slice(d), slice(2 * d)], shape); // [N, d]
      const middle = linear(net, attended, `${block}.attn.c_proj`, d, { bias: true, residual: x });
      const normed2 = layerNorm(net, middle, `${block}.ln_2`, epsilon);
      const inner = linear(net, normed2, `${block}.mlp.c_fc`, innerWidth, { bias: true }); // [N, inner]
      const gelu = activation(net, inner, "gelu-tanh");
      return linear(net, gelu, `${block}.mlp.c_proj`, d, { bias: true, residual: middle });
    });
  return layerNorm(net, h, "ln_f", epsilon);
}

/** A weight as the kernels multiply with it. */
function lazyWeight(tensors: TensorSource, name: string): LazyWeight {
  const [first, second] = tensors.shapes.get(name) as [number, number | undefined];
  if (second === undefined) {
    const load = async () => ({ kind: "vector", name, values: await tensors.read(name) }) as const;
    return { kind: "vector", name, size: first, load };
  }
  const isTable = name === "wte.weight" || name === "wpe.weight" || name === UNTIED_HEAD;
  const [inFeatures, outFeatures] = isTable ? [second, first] : [first, second];
  const shape = { kind: "matrix", name, inFeatures, outFeatures } as const;
  const order = isTable ? "out-in" : "in-out";
  return { ...shape, load: async () => ({ ...shape, base: "f32", order, values: await tensors.read(name) }) };
}
