/**
 * The whole forward pass of a GPT-2, embeddings to logits, with an optional adapter. Written once in tfjs operations;
 * cpu, WASM and WebGPU differ only in their kernels.
 * B = batch, T = tokens of a sequence, N = B·T, d = width, V = vocabulary; activations are [N, d] rows.
 */
import * as tf from "@tensorflow/tfjs";
import type { TokenBatch } from "../../data/batches.ts";
import type { ModelConfig } from "../../models/config.ts";
import type { Gpt2Config } from "../../models/gpt2.ts";
import type { NamedTensor, TensorMap } from "../../models/named-tensor.ts";
import { UNTIED_HEAD } from "../../models/parameters.ts";
import { type FrozenMatrix, frozenMatMul, gelu, layerNorm } from "./differentiable.ts";
import type { AdapterTensors } from "./lora-dropout.ts";

interface Linear {
  /** Unprefixed checkpoint name, the name its adapter goes by. */
  readonly name: string;
  readonly matrix: FrozenMatrix;
  readonly bias: tf.Tensor1D;
}

interface Norm {
  readonly gain: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

interface Block {
  readonly norm1: Norm;
  readonly attentionInput: Linear; // [d, 3d]
  readonly attentionOutput: Linear; // [d, d]
  readonly norm2: Norm;
  readonly mlpInput: Linear; // [d, inner]
  readonly mlpOutput: Linear; // [inner, d]
}

/** The frozen model on the device. */
export interface TransformerTensors {
  readonly config: Gpt2Config;
  readonly tokenEmbedding: tf.Tensor2D; // [V, d]
  readonly positionEmbedding: tf.Tensor2D; // [maxPositions, d]
  readonly blocks: readonly Block[];
  readonly finalNorm: Norm;
  readonly head: FrozenMatrix; // [d, V]
  dispose(): void;
}

/** Copies the weights to the current backend; they live until `dispose`. */
export function uploadModel(config: ModelConfig, weights: TensorMap): TransformerTensors {
  expectPlainGpt2(config);
  const owned: tf.Tensor[] = [];
  const hostTensor = (name: string): NamedTensor => {
    const weight = weights.get(name);
    if (!weight) throw new Error(`model: expected a weight ${name}, got none`);
    return weight;
  };
  const keep = ({ shape, values }: NamedTensor): tf.Tensor => {
    const tensor = tf.keep(tf.tensor(values, [...shape]));
    owned.push(tensor);
    return tensor;
  };
  const upload = (name: string): tf.Tensor => keep(hostTensor(name));
  const uploadTransposed = (name: string): tf.Tensor2D => keep(transpose(hostTensor(name))) as tf.Tensor2D;
  const linear = (name: string): Linear => ({
    name,
    matrix: {
      weight: upload(`${name}.weight`) as tf.Tensor2D,
      transposed: uploadTransposed(`${name}.weight`),
    },
    bias: upload(`${name}.bias`) as tf.Tensor1D,
  });
  const norm = (name: string): Norm => ({
    gain: upload(`${name}.weight`) as tf.Tensor1D,
    bias: upload(`${name}.bias`) as tf.Tensor1D,
  });

  const tokenEmbedding = upload("wte.weight") as tf.Tensor2D;
  const untied = weights.has(UNTIED_HEAD);
  return {
    config,
    tokenEmbedding,
    positionEmbedding: upload("wpe.weight") as tf.Tensor2D,
    blocks: Array.from({ length: config.layerCount }, (_, layer) => ({
      norm1: norm(`h.${layer}.ln_1`),
      attentionInput: linear(`h.${layer}.attn.c_attn`),
      attentionOutput: linear(`h.${layer}.attn.c_proj`),
      norm2: norm(`h.${layer}.ln_2`),
      mlpInput: linear(`h.${layer}.mlp.c_fc`),
      mlpOutput: linear(`h.${layer}.mlp.c_proj`),
    })),
    finalNorm: norm("ln_f"),
    head: {
      weight: uploadTransposed(untied ? UNTIED_HEAD : "wte.weight"),
      transposed: untied ? (upload(UNTIED_HEAD) as tf.Tensor2D) : tokenEmbedding,
    },
    dispose: disposerOf(owned),
  };
}

/** @throws on everything else, which our own engines alone compute */
function expectPlainGpt2(config: ModelConfig): asserts config is Gpt2Config {
  const isPlain =
    config.kind === "gpt2" &&
    config.activation === "gelu-tanh" &&
    config.attentionScales.every((scale) => scale === 1 / Math.sqrt(config.width / config.headCount));
  if (!isPlain)
    throw new Error(
      `tfjs: computes plain GPT-2 alone, and this model is ${config.kind === "gpt2" ? "a variant of it" : config.kind}; use the backend wasm or webgpu`,
    );
}

/** Made out here, so that it keeps the tensors alone: a closure of `uploadModel` would keep the host's weights too. */
function disposerOf(tensors: readonly tf.Tensor[]): () => void {
  return () => tf.dispose([...tensors]);
}

function transpose({ shape, values }: NamedTensor): NamedTensor {
  const [rows, columns] = shape as [number, number];
  const transposed = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      transposed[column * rows + row] = values[row * columns + column] as number;
  return { shape: [columns, rows], values: transposed };
}

/** Final hidden states [N, d], after the last layer norm. */
export function hiddenStates(
  model: TransformerTensors,
  tokens: TokenBatch,
  adapter?: AdapterTensors,
): tf.Tensor2D {
  const { config } = model;
  const { batchSize: B, length: T } = tokens;
  const d = config.width;
  if (T > config.maxPositions)
    throw new Error(`sequence: expected at most ${config.maxPositions} tokens, got ${T}`);
  const embedded = tf.reshape(tf.gather(model.tokenEmbedding, tf.tensor1d(tokens.ids, "int32")), [B, T, d]);
  const positions = tf.slice(model.positionEmbedding, [0, 0], [T, d]);
  let hidden = tf.reshape(tf.add(embedded, positions), [B * T, d]) as tf.Tensor2D;
  const mask = causalMask(T);
  for (const block of model.blocks) {
    const qkv = linear(
      layerNorm(hidden, block.norm1, config.layerNormEpsilon),
      block.attentionInput,
      adapter,
    );
    const attended = attention(qkv, mask, B, T, config);
    hidden = tf.add(hidden, linear(attended, block.attentionOutput, adapter));
    const inner = linear(layerNorm(hidden, block.norm2, config.layerNormEpsilon), block.mlpInput, adapter);
    hidden = tf.add(hidden, linear(gelu(inner), block.mlpOutput, adapter));
  }
  return layerNorm(hidden, model.finalNorm, config.layerNormEpsilon);
}

/** Next-token logits [rows, V] of hidden states [rows, d]. */
export function tokenLogits(model: TransformerTensors, hidden: tf.Tensor2D): tf.Tensor2D {
  return frozenMatMul(hidden, model.head);
}

/** x·W + b, plus (x·Aᵀ)·Bᵀ where the module is adapted (scaling and g are in Bᵀ). */
function linear(x: tf.Tensor2D, { name, matrix, bias }: Linear, adapter?: AdapterTensors): tf.Tensor2D {
  const base = tf.add(frozenMatMul(x, matrix), bias) as tf.Tensor2D;
  const factors = adapter?.modules.get(name);
  if (!factors) return base;
  return tf.add(base, tf.matMul(tf.matMul(x, factors.down), factors.up));
}

/** Causal multi-head attention. @param qkv [N, 3d], query, key and value side by side @returns [N, d] */
function attention(
  qkv: tf.Tensor2D,
  mask: tf.Tensor,
  B: number,
  T: number,
  { width: d, headCount: H }: Gpt2Config,
): tf.Tensor2D {
  const headWidth = d / H;
  const heads = (x: tf.Tensor2D): tf.Tensor =>
    tf.transpose(tf.reshape(x, [B, T, H, headWidth]), [0, 2, 1, 3]); // [B, H, T, headWidth]
  const [q, k, v] = (tf.split(qkv, 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]).map(heads) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(headWidth)), k, false, true); // [B, H, T, T]
  const weights = tf.softmax(tf.add(scores, mask), -1);
  return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [B * T, d]) as tf.Tensor2D;
}

/** [1, 1, T, T]: 0 on and below the diagonal, −10⁹ above. Additive, because tfjs has no gradient through `where`. */
function causalMask(T: number): tf.Tensor {
  const values = new Float32Array(T * T);
  for (let query = 0; query < T; query++) values.fill(-1e9, query * T + query + 1, (query + 1) * T);
  return tf.tensor(values, [1, 1, T, T]);
}
