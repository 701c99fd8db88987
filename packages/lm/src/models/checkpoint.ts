/**
 * Checkpoints: names in files ↔ parameters. A name may carry the model's prefix (`transformer.` in a GPT2LMHeadModel's
 * file) or not (GPT2Model), and old files of BERT call a norm's weight and bias gamma and beta.
 */
import { architectureOf } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { shapeOf, UNTIED_HEAD } from "./parameters.ts";
import type { TensorSource } from "./tensor-source.ts";

/** Every parameter a model of this config has, with its shape in the file. */
export function parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  return new Map(architectureOf(config).parameters.map((parameter) => [parameter.name, shapeOf(parameter)]));
}

/** Picks the parameters out of a checkpoint, which may hold buffers beside them such as `attn.bias` (the causal mask).
 *  As in Transformers, a tied model's head is its token embedding, whatever else the file holds.
 *  @throws one line naming the first tensor that is missing or has another shape than the config says; a read throws
 *  one when the tensor is not finite. */
export function modelFromCheckpoint(config: ModelConfig, tensors: TensorSource): LanguageModel {
  const { prefix } = architectureOf(config);
  const ownName = new Map<string, string>(); // by the name in the file
  const expected = parameterShapes(config);
  const isPrefixed = [...tensors.shapes.keys()].some((name) => name.startsWith(prefix));
  for (const [name, shape] of expected) {
    const found = [prefix + name, name].flatMap(spellings).find((spelt) => tensors.shapes.has(spelt));
    if (found === undefined)
      throw new Error(
        name === UNTIED_HEAD
          ? `checkpoint: expected a tensor ${name}, as config.json says tie_word_embeddings false, got none`
          : `checkpoint: expected a tensor ${isPrefixed ? prefix : ""}${name}, got none among ${tensors.shapes.size} tensors`,
      );
    const got = tensors.shapes.get(found);
    if (got?.join() !== shape.join())
      throw new Error(`checkpoint: expected ${found} of shape [${shape}], got [${got}]`);
    ownName.set(found, name);
  }
  const inFile = new Map<string, string>();
  const shapes = new Map<string, readonly number[]>();
  for (const [name, shape] of tensors.shapes) {
    const own = ownName.get(name);
    if (own === undefined) continue;
    inFile.set(own, name);
    shapes.set(own, shape);
  }
  const nameInFile = (name: string): string => inFile.get(name) ?? name;
  const { packed } = tensors;
  return {
    config,
    tensors: {
      shapes,
      read: async (name) => readFinite(tensors, nameInFile(name)),
      ...(packed && { packed: async (name) => packed(nameInFile(name)) }),
    },
  };
}

const spellings = (name: string): readonly string[] =>
  name.includes("LayerNorm.") ? [name, name.replace(/weight$/, "gamma").replace(/bias$/, "beta")] : [name];

async function readFinite(tensors: TensorSource, name: string): Promise<Float32Array> {
  const values = await tensors.read(name);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new Error(`checkpoint: expected finite weights, got ${values[i]} at value ${i} of ${name}`);
  return values;
}
