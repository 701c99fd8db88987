/**
 * BERT, RoBERTa and DistilBERT: post-norm blocks in which every token sees all others, and a head over the first token.
 * Source: Devlin et al., arXiv 1810.04805; Liu et al., 1907.11692; Sanh et al., 1910.01108; names as Hugging Face's
 * BertModel, RobertaModel and DistilBertModel have them.
 */
import { activation, attention, type Columns, embed, layerNorm, linear } from "../plan/layers.ts";
import type { Network, Value } from "../plan/network.ts";
import type { Architecture } from "./architecture.ts";
import type { EncoderConfig } from "./encoder-config.ts";
import { firstTokenClassifier, POOLER } from "./first-token-classifier.ts";
import { type DerivedParameter, ParameterList } from "./parameters.ts";

interface BlockNames {
  readonly block: (layer: number) => string;
  /** Of one block. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attended: string;
  readonly attendedNorm: string;
  readonly inner: string;
  readonly outer: string;
  readonly outerNorm: string;
}

const BERT: BlockNames = {
  block: (layer) => `encoder.layer.${layer}`,
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  attended: "attention.output.dense",
  attendedNorm: "attention.output.LayerNorm",
  inner: "intermediate.dense",
  outer: "output.dense",
  outerNorm: "output.LayerNorm",
};

const DISTILBERT: BlockNames = {
  block: (layer) => `transformer.layer.${layer}`,
  query: "attention.q_lin",
  key: "attention.k_lin",
  value: "attention.v_lin",
  attended: "attention.out_lin",
  attendedNorm: "sa_layer_norm",
  inner: "ffn.lin1",
  outer: "ffn.lin2",
  outerNorm: "output_layer_norm",
};

const namesOf = ({ family }: EncoderConfig): BlockNames => (family === "distilbert" ? DISTILBERT : BERT);

const TOKENS = "embeddings.word_embeddings.weight";
const POSITIONS = "embeddings.position_embeddings.weight";
const SEGMENTS = "embeddings.token_type_embeddings.weight";
/** Positions and segments in one table: every position of the first text, then every one of the second. */
const PLACES = "embeddings.positions and segments";

export function encoder(config: EncoderConfig): Architecture {
  const { width: d, innerWidth, vocabularySize, maxPositions, layerCount, family } = config;
  const { positionRows, firstPosition, segmentCount } = config;
  const names = namesOf(config);
  const list = new ParameterList();
  list.table(TOKENS, vocabularySize, d);
  list.table(POSITIONS, positionRows, d, 32);
  if (segmentCount > 0) list.table(SEGMENTS, segmentCount, d, 32);
  list.layerNorm("embeddings.LayerNorm", d);
  for (let layer = 0; layer < layerCount; layer++) {
    const of = (name: string): string => `${names.block(layer)}.${name}`;
    list.linear(of(names.query), d, d, true);
    list.linear(of(names.key), d, d, true);
    list.linear(of(names.value), d, d, true);
    list.linear(of(names.attended), d, d, true);
    list.layerNorm(of(names.attendedNorm), d);
    list.linear(of(names.inner), d, innerWidth, true);
    list.linear(of(names.outer), innerWidth, d, true);
    list.layerNorm(of(names.outerNorm), d);
  }
  if (family === "bert") list.linear(POOLER, d, d, true);
  return {
    ...{ width: d, vocabularySize, maxPositions, blockCount: layerCount },
    ...{ head: null, parameters: list.all, modules: list.modules },
    ...(segmentCount > 0 && { derived: [places(d, positionRows, segmentCount)] }),
    prefix: `${family}.`,
    constants: new Map(),
    defaultTargets: family === "distilbert" ? ["q_lin", "v_lin"] : ["query", "value"],
    classifier: firstTokenClassifier(family, d),
    isBidirectional: true,
    positionOf: (position, segment) =>
      firstPosition + position + (segment < segmentCount ? segment * positionRows : 0),
    forward: (net) => hiddenStates(net, config),
  };
}

const places = (width: number, positionRows: number, segmentCount: number): DerivedParameter => ({
  ...{ name: PLACES, inFeatures: width, outFeatures: positionRows * segmentCount },
  from: [POSITIONS, SEGMENTS],
  make: ([positions, segments]) =>
    Float32Array.from({ length: segmentCount * positionRows * width }, (_, at) => {
      const [segment, position] = [Math.floor(at / (positionRows * width)), at % (positionRows * width)];
      return (positions?.[position] as number) + (segments?.[segment * width + (at % width)] as number);
    }),
});

/** Hidden states [N, d] after the last block. */
function hiddenStates(net: Network, config: EncoderConfig): Value {
  const { width: d, layerCount, headCount: heads, innerWidth, layerNormEpsilon: epsilon } = config;
  const names = namesOf(config);
  const headWidth = d / heads;
  const everywhere = { before: config.maxPositions, after: config.maxPositions };
  const shape = { heads, keyValueHeads: heads, headWidth, scale: 1 / Math.sqrt(headWidth), ...everywhere };
  const bias = true;

  const embedded = embed(net, d, TOKENS, config.segmentCount > 0 ? PLACES : POSITIONS); // [N, d]
  let h = layerNorm(net, embedded, "embeddings.LayerNorm", epsilon);
  for (let layer = 0; layer < layerCount; layer++)
    h = net.block(h, (x) => {
      const of = (name: string): string => `${names.block(layer)}.${name}`;
      const project = (name: string): Columns => ({
        of: linear(net, x, of(name), d, { bias }),
        offset: 0,
        width: d,
      });
      const [q, k, v] = [project(names.query), project(names.key), project(names.value)];
      const attended = attention(net, layer, [q, k, v], shape);
      const middle = linear(net, attended, of(names.attended), d, { bias, residual: x });
      const normed = layerNorm(net, middle, of(names.attendedNorm), epsilon);
      const inner = activation(
        net,
        linear(net, normed, of(names.inner), innerWidth, { bias }),
        config.activation,
      );
      const outer = linear(net, inner, of(names.outer), d, { bias, residual: normed });
      return layerNorm(net, outer, of(names.outerNorm), epsilon);
    });
  return h;
}
