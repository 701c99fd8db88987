/**
 * GPT-2 checkpoints: tensor names ↔ parameters. Names may carry the prefix `transformer.` (GPT2LMHeadModel) or not
 * (GPT2Model). Matrices are stored [in, out] (Hugging Face's Conv1D), which is also how this package multiplies.
 */
import type { TransformerConfig } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import type { NamedTensor, TensorMap } from "./named-tensor.ts";

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

/** Whether a tensor of a checkpoint is one of the model's parameters, not a buffer such as `attn.bias` (the causal mask). */
export function isParameter(config: TransformerConfig): (name: string) => boolean {
  const shapes = parameterShapes(config);
  return (name) =>
    name === UNTIED_HEAD
      ? !config.isHeadTied
      : shapes.has(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name);
}

/** Picks the parameters out of a checkpoint. As in Transformers, a tied model's head is its token embedding, whatever
 *  else the file holds.
 *  @throws one line naming the first tensor that is missing, has another shape than the config says, or is not finite. */
export function modelFromCheckpoint(config: TransformerConfig, tensors: TensorMap): LanguageModel {
  const prefix = tensors.has(`${PREFIX}wte.weight`) ? PREFIX : "";
  const weights = new Map<string, NamedTensor>();
  for (const [name, shape] of parameterShapes(config)) {
    const tensor = tensors.get(prefix + name);
    if (!tensor)
      throw new Error(
        `checkpoint: expected a tensor ${prefix + name}, got none among ${tensors.size} tensors`,
      );
    weights.set(name, check(prefix + name, tensor, shape));
  }
  if (!config.isHeadTied) {
    const head = tensors.get(UNTIED_HEAD);
    if (!head)
      throw new Error(
        `checkpoint: expected a tensor ${UNTIED_HEAD}, as config.json says tie_word_embeddings false, got none`,
      );
    weights.set(UNTIED_HEAD, check(UNTIED_HEAD, head, [config.vocabularySize, config.width]));
  }
  return { config, weights };
}

function check(name: string, tensor: NamedTensor, shape: readonly number[]): NamedTensor {
  if (tensor.shape.join() !== shape.join())
    throw new Error(`checkpoint: expected ${name} of shape [${shape}], got [${tensor.shape}]`);
  const wrong = tensor.values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new Error(
      `checkpoint: expected finite weights, got ${tensor.values[wrong]} at value ${wrong} of ${name}`,
    );
  return tensor;
}
