/**
 * GPT-2: pre-norm blocks, learned positions, a GELU. N rows of width d, H heads.
 * Source: Radford et al., Language Models are Unsupervised Multitask Learners; names as Hugging Face's GPT2Model has them.
 */
import type { ActivationFunction } from "../ops/activation.ts";
import { activation, attention, embed, layerNorm, linear } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { Architecture } from "./architecture.ts";
import { lastTokenScore } from "./classifier.ts";
import type { CommonConfig, ReadCommon } from "./config.ts";
import { ALL_LINEAR, ParameterList } from "./parameters.ts";
import type { Settings } from "./settings.ts";

export interface Gpt2Config extends CommonConfig {
  readonly kind: "gpt2";
  readonly headCount: number;
  /** Width of the MLP's inner layer. */
  readonly innerWidth: number;
  readonly layerNormEpsilon: number;
  readonly activation: ActivationFunction;
  /** On q·k of each layer. */
  readonly attentionScales: readonly number[];
}

/** Names that Hugging Face has for them; `gelu_fast` is the tanh form in other words. */
const ACTIVATIONS: Readonly<Record<string, ActivationFunction>> = {
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  gelu_fast: "gelu-tanh",
  gelu: "gelu",
  silu: "silu",
  swish: "silu",
};

export function readGpt2Config(settings: Settings, readCommon: ReadCommon): Gpt2Config {
  settings.expect("add_cross_attention", [false], false);
  const activation = settings.choice("activation_function", ACTIVATIONS, "gelu_new");
  const common = readCommon({ layers: "n_layer", width: "n_embd", isTiedByDefault: true });
  const headCount = settings.positiveInteger("n_head");
  const { width, layerCount } = common;
  if (width % headCount !== 0)
    throw new Error(`config.json: expected n_embd to be a multiple of n_head, got ${width} and ${headCount}`);
  const scale = settings.flag("scale_attn_weights", true) ? 1 / Math.sqrt(width / headCount) : 1;
  const isScaledByLayer = settings.flag("scale_attn_by_inverse_layer_idx", false);
  return {
    kind: "gpt2",
    ...common,
    maxPositions: settings.positiveInteger("n_positions"),
    headCount,
    innerWidth: settings.positiveInteger("n_inner", 4 * width),
    layerNormEpsilon: settings.positive("layer_norm_epsilon", 1e-5),
    activation,
    attentionScales: Array.from({ length: layerCount }, (_, layer) =>
      isScaledByLayer ? scale / (layer + 1) : scale,
    ),
  };
}

export function gpt2(config: Gpt2Config): Architecture {
  const { width: d, innerWidth, vocabularySize, maxPositions, layerCount } = config;
  const list = new ParameterList("in-out");
  list.table("wte.weight", vocabularySize, d);
  list.table("wpe.weight", maxPositions, d, 32);
  for (let layer = 0; layer < layerCount; layer++) {
    list.layerNorm(`h.${layer}.ln_1`, d);
    list.linear(`h.${layer}.attn.c_attn`, d, 3 * d, true);
    list.linear(`h.${layer}.attn.c_proj`, d, d, true);
    list.layerNorm(`h.${layer}.ln_2`, d);
    list.linear(`h.${layer}.mlp.c_fc`, d, innerWidth, true);
    list.linear(`h.${layer}.mlp.c_proj`, innerWidth, d, true);
  }
  list.layerNorm("ln_f", d);
  return {
    ...{ width: d, vocabularySize, maxPositions, blockCount: layerCount },
    ...list.withHead(config, "wte.weight"),
    prefix: "transformer.",
    constants: new Map(),
    defaultTargets: [ALL_LINEAR],
    classifier: lastTokenScore(d),
    isBidirectional: false,
    positionOf: (position) => position,
    forward: (net) => hiddenStates(net, config),
  };
}

/** Final hidden states [N, d], after the last layer norm. */
function hiddenStates(net: Network, config: Gpt2Config): Value {
  const { width: d, layerCount, headCount: heads, innerWidth, layerNormEpsilon: epsilon } = config;
  const causal = { before: config.maxPositions, after: 0 };
  const sizes = { heads, keyValueHeads: heads, headWidth: d / heads, ...causal };

  let h = embed(net, d, "wte.weight", "wpe.weight"); // [N, d]
  for (let layer = 0; layer < layerCount; layer++)
    h = net.block(h, (x) => {
      const block = `h.${layer}`;
      const normed = layerNorm(net, x, `${block}.ln_1`, epsilon); // [N, d]
      const qkv = linear(net, normed, `${block}.attn.c_attn`, 3 * d, { bias: true }); // [N, 3d]
      const slice = (offset: number) => ({ of: qkv, offset, width: d });
      const shape = { ...sizes, scale: config.attentionScales[layer] as number };
      const attended = attention(net, layer, [slice(0), slice(d), slice(2 * d)], shape); // [N, d]
      const middle = linear(net, attended, `${block}.attn.c_proj`, d, { bias: true, residual: x });
      const normed2 = layerNorm(net, middle, `${block}.ln_2`, epsilon);
      const inner = linear(net, normed2, `${block}.mlp.c_fc`, innerWidth, { bias: true }); // [N, inner]
      const active = activation(net, inner, config.activation);
      return linear(net, active, `${block}.mlp.c_proj`, d, { bias: true, residual: middle });
    });
  return layerNorm(net, h, "ln_f", epsilon);
}
