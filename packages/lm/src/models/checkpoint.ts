/**
 * GPT-2 checkpoints: tensor names ↔ parameters. Names may carry the prefix `transformer.` (GPT2LMHeadModel) or not
 * (GPT2Model). Matrices are stored [in, out] (Hugging Face's Conv1D), which is also how this package multiplies.
 */
import type { TransformerConfig } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import type { TensorSource } from "./tensor-source.ts";

/** Name of the output matrix [vocabulary, width] of a model whose head is not tied to the token embedding. */
export const UNTIED_HEAD = "lm_head.weight";

const PREFIX = "transformer.";

/** Every parameter a model of this shape has, with its shape; the untied head is not among them. */
export function parameterShapes(config: TransformerConfig): ReadonlyMap<string, readonly number[]> {
  const { width: d, innerWidth, vocabularySize, maxPositions } = config;
  const shapes = new Map<string, readonly number[]>([
    ["wte.weight", [vocabularySize, d]],
    ["wpe.weight", [maxPositions, d]],
  ]);
  const linear = (name: string, inFeatures: number, outFeatures: number): void => {
    shapes.set(`${name}.weight`, [inFeatures, outFeatures]);
    shapes.set(`${name}.bias`, [outFeatures]);
  };
  const norm = (name: string): void => {
    shapes.set(`${name}.weight`, [d]);
    shapes.set(`${name}.bias`, [d]);
  };
  for (let layer = 0; layer < config.layerCount; layer++) {
    norm(`h.${layer}.ln_1`);
    linear(`h.${layer}.attn.c_attn`, d, 3 * d);
    linear(`h.${layer}.attn.c_proj`, d, d);
    norm(`h.${layer}.ln_2`);
    linear(`h.${layer}.mlp.c_fc`, d, innerWidth);
    linear(`h.${layer}.mlp.c_proj`, innerWidth, d);
  }
  norm("ln_f");
  return shapes;
}

/** Picks the parameters out of a checkpoint, which may hold buffers beside them such as `attn.bias` (the causal mask).
 *  As in Transformers, a tied model's head is its token embedding, whatever else the file holds.
 *  @throws one line naming the first tensor that is missing or has another shape than the config says; a read throws
 *  one when the tensor is not finite. */
export function modelFromCheckpoint(config: TransformerConfig, tensors: TensorSource): LanguageModel {
  const prefix = tensors.shapes.has(`${PREFIX}wte.weight`) ? PREFIX : "";
  const expected = new Map([...parameterShapes(config)].map(([name, shape]) => [prefix + name, shape]));
  if (!config.isHeadTied) expected.set(UNTIED_HEAD, [config.vocabularySize, config.width]);
  for (const [name, shape] of expected) {
    const got = tensors.shapes.get(name);
    if (!got)
      throw new Error(
        name === UNTIED_HEAD
          ? `checkpoint: expected a tensor ${name}, as config.json says tie_word_embeddings false, got none`
          : `checkpoint: expected a tensor ${name}, got none among ${tensors.shapes.size} tensors`,
      );
    if (got.join() !== shape.join())
      throw new Error(`checkpoint: expected ${name} of shape [${shape}], got [${got}]`);
  }
  const inFile = new Map<string, string>();
  const shapes = new Map<string, readonly number[]>();
  for (const [name, shape] of tensors.shapes) {
    if (!expected.has(name)) continue;
    const own = name === UNTIED_HEAD ? name : name.slice(prefix.length);
    inFile.set(own, name);
    shapes.set(own, shape);
  }
  return {
    config,
    tensors: { shapes, read: async (name) => readFinite(tensors, inFile.get(name) ?? name) },
  };
}

async function readFinite(tensors: TensorSource, name: string): Promise<Float32Array> {
  const values = await tensors.read(name);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new Error(`checkpoint: expected finite weights, got ${values[i]} at value ${i} of ${name}`);
  return values;
}
