/**
 * Llama and its relatives (Mistral, Qwen2, Qwen3): pre-norm blocks with RMS norms, rotary positions, grouped heads and a
 * gated MLP. Source: Touvron et al., arXiv 2302.13971; names as Hugging Face's LlamaModel has them.
 */
import { embed, gated, linear, rmsNorm } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { Architecture } from "./architecture.ts";
import { lastTokenScore } from "./classifier.ts";
import { declareProjections, type GroupedHeads, groupedAttention } from "./grouped-attention.ts";
import type { LlamaConfig } from "./llama-config.ts";
import { ParameterList } from "./parameters.ts";

const FREQUENCIES = "rotary frequencies";

export function llama(config: LlamaConfig): Architecture {
  const { width: d, innerWidth, vocabularySize, maxPositions, layerCount, biases } = config;
  const list = new ParameterList();
  list.table("embed_tokens.weight", vocabularySize, d);
  for (let layer = 0; layer < layerCount; layer++) {
    const block = `layers.${layer}`;
    list.rmsNorm(`${block}.input_layernorm`, d);
    declareProjections(list, `${block}.self_attn`, d, headsOf(config));
    list.linear(`${block}.self_attn.o_proj`, config.headCount * config.headWidth, d, biases.output);
    list.rmsNorm(`${block}.post_attention_layernorm`, d);
    list.linear(`${block}.mlp.gate_proj`, d, innerWidth, biases.mlp);
    list.linear(`${block}.mlp.up_proj`, d, innerWidth, biases.mlp);
    list.linear(`${block}.mlp.down_proj`, innerWidth, d, biases.mlp);
  }
  list.rmsNorm("norm", d);
  return {
    ...{ width: d, vocabularySize, maxPositions, blockCount: layerCount },
    ...list.withHead(config, "embed_tokens.weight"),
    prefix: "model.",
    constants: new Map([[FREQUENCIES, config.frequencies]]),
    defaultTargets: ["q_proj", "v_proj"],
    classifier: lastTokenScore(d),
    isBidirectional: false,
    positionOf: (position) => position,
    forward: (net) => hiddenStates(net, config),
  };
}

const headsOf = ({ biases, family, epsilon, ...sizes }: LlamaConfig): GroupedHeads => ({
  ...sizes,
  inputBias: biases.inputs,
  headNorm: family === "qwen3" ? { epsilon, gainOffset: 0 } : null,
});

/** Final hidden states [N, d], after the last norm. */
function hiddenStates(net: Network, config: LlamaConfig): Value {
  const { width: d, layerCount, innerWidth, epsilon, biases, windows } = config;
  const [heads, scale] = [headsOf(config), 1 / Math.sqrt(config.headWidth)];
  let h = embed(net, d, "embed_tokens.weight", null); // [N, d]
  for (let layer = 0; layer < layerCount; layer++)
    h = net.block(h, (x) => {
      const block = `layers.${layer}`;
      const normed = rmsNorm(net, x, `${block}.input_layernorm`, epsilon);
      const place = { scale, window: windows[layer] as number, frequencies: FREQUENCIES };
      const attended = groupedAttention(net, normed, layer, `${block}.self_attn`, heads, place);
      const joined = { bias: biases.output, residual: x };
      const middle = linear(net, attended, `${block}.self_attn.o_proj`, d, joined);
      const normed2 = rmsNorm(net, middle, `${block}.post_attention_layernorm`, epsilon);
      const gate = linear(net, normed2, `${block}.mlp.gate_proj`, innerWidth, { bias: biases.mlp });
      const up = linear(net, normed2, `${block}.mlp.up_proj`, innerWidth, { bias: biases.mlp });
      const mixed = gated(net, gate, up, "silu"); // [N, inner]
      return linear(net, mixed, `${block}.mlp.down_proj`, d, { bias: biases.mlp, residual: middle });
    });
  return rmsNorm(net, h, "norm", epsilon);
}
