/**
 * Gemma 3, text: norms before and after each half of a block with gains stored as 1 + w, scaled embeddings, GeGLU, head
 * norms, and windowed layers that turn faster than the others. Source: Gemma Team, arXiv 2503.19786; names as Hugging
 * Face's Gemma3TextModel has them.
 */
import { add, embed, gated, linear, rmsNorm } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { Architecture } from "./architecture.ts";
import { lastTokenScore } from "./classifier.ts";
import type { CommonConfig, ReadCommon } from "./config.ts";
import { declareProjections, type GroupedHeads, groupedAttention } from "./grouped-attention.ts";
import { readHeads, readLayerKinds } from "./llama-config.ts";
import { ParameterList } from "./parameters.ts";
import { rotaryFrequencies } from "./rotary-frequencies.ts";
import type { Settings } from "./settings.ts";

export interface Gemma3Config extends CommonConfig {
  readonly kind: "gemma3";
  readonly headCount: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  readonly innerWidth: number;
  readonly epsilon: number;
  readonly hasAttentionBias: boolean;
  readonly attentionScale: number;
  /** Of each layer: tokens that its attention reaches back, itself counted; null reaches all of them. */
  readonly windows: readonly (number | null)[];
  /** Radians per position of the layers with and without a window. */
  readonly localFrequencies: Float32Array;
  readonly globalFrequencies: Float32Array;
}

export function readGemma3Config(settings: Settings, readCommon: ReadCommon): Gemma3Config {
  settings.expect("hidden_activation", ["gelu_pytorch_tanh"], "gelu_pytorch_tanh");
  settings.expect("attn_logit_softcapping", [null], null);
  settings.expect("final_logit_softcapping", [null], null);
  settings.expect("use_bidirectional_attention", [false], false);
  const common = readCommon({ isTiedByDefault: true });
  const { layerCount } = common;
  const heads = readHeads(settings, common.width, 256);
  const window = settings.positiveInteger("sliding_window", 4096);
  const pattern = settings.positiveInteger(
    "sliding_window_pattern",
    settings.positiveInteger("_sliding_window_pattern", 6),
  );
  const kinds = readLayerKinds(settings, layerCount);
  const isWindowed = (layer: number): boolean =>
    kinds === null ? (layer + 1) % pattern !== 0 : kinds[layer] === "sliding_attention";
  // Newer files put theta and scaling of both kinds of layers into one object.
  const together = settings.inner("rope_parameters");
  const [local, global] = [together?.inner("sliding_attention"), together?.inner("full_attention")];
  return {
    kind: "gemma3",
    ...common,
    maxPositions: settings.positiveInteger("max_position_embeddings", 131_072),
    ...heads,
    innerWidth: settings.positiveInteger("intermediate_size"),
    epsilon: settings.positive("rms_norm_eps", 1e-6),
    hasAttentionBias: settings.flag("attention_bias", false),
    attentionScale: 1 / Math.sqrt(settings.positive("query_pre_attn_scalar", 256)),
    windows: Array.from({ length: layerCount }, (_, layer) => (isWindowed(layer) ? window : null)),
    localFrequencies: rotaryFrequencies(
      heads.headWidth,
      local?.positive("rope_theta") ?? settings.positive("rope_local_base_freq", 10_000),
      local ?? null,
    ),
    globalFrequencies: rotaryFrequencies(
      heads.headWidth,
      global?.positive("rope_theta") ?? settings.positive("rope_theta", 1_000_000),
      global ?? settings.inner("rope_scaling"),
    ),
  };
}

const LOCAL = "local rotary frequencies";
const GLOBAL = "global rotary frequencies";

export function gemma3(config: Gemma3Config): Architecture {
  const { width: d, innerWidth, vocabularySize, maxPositions, layerCount, hasAttentionBias } = config;
  const list = new ParameterList();
  list.table("embed_tokens.weight", vocabularySize, d);
  for (let layer = 0; layer < layerCount; layer++) {
    const block = `layers.${layer}`;
    list.rmsNorm(`${block}.input_layernorm`, d);
    declareProjections(list, `${block}.self_attn`, d, headsOf(config));
    list.linear(`${block}.self_attn.o_proj`, config.headCount * config.headWidth, d, hasAttentionBias);
    list.rmsNorm(`${block}.post_attention_layernorm`, d);
    list.rmsNorm(`${block}.pre_feedforward_layernorm`, d);
    list.linear(`${block}.mlp.gate_proj`, d, innerWidth, false);
    list.linear(`${block}.mlp.up_proj`, d, innerWidth, false);
    list.linear(`${block}.mlp.down_proj`, innerWidth, d, false);
    list.rmsNorm(`${block}.post_feedforward_layernorm`, d);
  }
  list.rmsNorm("norm", d);
  return {
    ...{ width: d, vocabularySize, maxPositions, blockCount: layerCount },
    ...list.withHead(config, "embed_tokens.weight"),
    prefix: "model.",
    constants: new Map([
      [LOCAL, config.localFrequencies],
      [GLOBAL, config.globalFrequencies],
    ]),
    defaultTargets: ["q_proj", "v_proj"],
    classifier: lastTokenScore(d),
    isBidirectional: false,
    positionOf: (position) => position,
    forward: (net) => hiddenStates(net, config),
  };
}

const headsOf = ({ hasAttentionBias, epsilon, ...sizes }: Gemma3Config): GroupedHeads => ({
  ...sizes,
  inputBias: hasAttentionBias,
  headNorm: { epsilon, gainOffset: 1 },
});

/** Final hidden states [N, d], after the last norm. */
function hiddenStates(net: Network, config: Gemma3Config): Value {
  const { width: d, layerCount, innerWidth, hasAttentionBias, maxPositions } = config;
  const heads = headsOf(config);
  const norm = (x: Value, name: string): Value => rmsNorm(net, x, name, config.epsilon, 1);
  let h = embed(net, d, "embed_tokens.weight", null, Math.sqrt(d)); // [N, d]
  for (let layer = 0; layer < layerCount; layer++)
    h = net.block(h, (x) => {
      const block = `layers.${layer}`;
      const window = config.windows[layer] ?? null;
      const attended = groupedAttention(
        net,
        norm(x, `${block}.input_layernorm`),
        layer,
        `${block}.self_attn`,
        heads,
        {
          scale: config.attentionScale,
          window: window ?? maxPositions,
          frequencies: window === null ? GLOBAL : LOCAL,
        },
      );
      const out = linear(net, attended, `${block}.self_attn.o_proj`, d, { bias: hasAttentionBias });
      const middle = add(net, x, norm(out, `${block}.post_attention_layernorm`));
      const normed = norm(middle, `${block}.pre_feedforward_layernorm`);
      const gate = linear(net, normed, `${block}.mlp.gate_proj`, innerWidth, { bias: false });
      const up = linear(net, normed, `${block}.mlp.up_proj`, innerWidth, { bias: false });
      const mixed = gated(net, gate, up, "gelu-tanh"); // [N, inner]
      const down = linear(net, mixed, `${block}.mlp.down_proj`, d, { bias: false });
      return add(net, middle, norm(down, `${block}.post_feedforward_layernorm`));
    });
  return norm(h, "norm");
}
