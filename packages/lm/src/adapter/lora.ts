/**
 * LoRA on a GPT-2: which matrices are adapted, and what an adapter means as a change of weights.
 *
 * Orientation, stated once: the wire and PEFT hold loraA [rank, in] and loraB [out, rank], and ΔW = (α/r)·B·A is
 * [out, in]; checkpoint and kernels multiply x·W with W [in, out]. So the kernels hold Aᵀ and Bᵀ (lora-dropout.ts),
 * and merging adds ΔWᵀ. Source: LoRA (Hu et al., arXiv 2106.09685), PEFT's vocabulary.
 */
import {
  type AdapterShape,
  adapterLayout,
  adapterSize,
  TARGET_MODULES,
  type TargetModule,
} from "@fedlodrop/run";
import type { TransformerConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";

/** What each target is, for a person choosing. */
export const targetModuleTitles: Readonly<Record<TargetModule, string>> = {
  "attn.c_attn": "attention: query, key and value",
  "attn.c_proj": "attention: output",
  "mlp.c_fc": "MLP: first layer",
  "mlp.c_proj": "MLP: second layer",
};

/** The classifier's weights [labels, width], without bias, as GPT2ForSequenceClassification has it. */
export const CLASSIFICATION_HEAD = "score";
const HEAD_INITIAL_STANDARD_DEVIATION = 0.02;

export interface AdapterOptions {
  readonly rank: number;
  /** The product is scaled by alpha / rank. */
  readonly alpha: number;
  readonly targetModules: readonly TargetModule[];
  /** Number of classes; adds a head trained whole. Absent for language modelling. */
  readonly labels?: number;
}

/** Names and sizes of the adapter for every block of the model. @throws on options that adapt nothing. */
export function adapterShape(config: TransformerConfig, options: AdapterOptions): AdapterShape {
  const { rank, alpha, targetModules, labels } = options;
  if (!Number.isInteger(rank) || rank < 1)
    throw new Error(`adapter: expected a rank of at least 1, got ${rank}`);
  if (!(alpha > 0)) throw new Error(`adapter: expected alpha above 0, got ${alpha}`);
  const unknown = targetModules.find((name) => !TARGET_MODULES.includes(name));
  if (unknown !== undefined || targetModules.length === 0)
    throw new Error(
      `adapter: expected target modules among ${TARGET_MODULES.join(", ")}, got ${unknown ?? "none"}`,
    );
  if (labels !== undefined && (!Number.isInteger(labels) || labels < 2))
    throw new Error(`adapter: expected at least 2 labels, got ${labels}`);

  const { width, innerWidth } = config;
  const features: Readonly<Record<TargetModule, readonly [number, number]>> = {
    "attn.c_attn": [width, 3 * width],
    "attn.c_proj": [width, width],
    "mlp.c_fc": [width, innerWidth],
    "mlp.c_proj": [innerWidth, width],
  };
  // Block order, not the caller's: the flat layout must not depend on how the targets were listed.
  const targets = TARGET_MODULES.filter((name) => targetModules.includes(name));
  return {
    rank,
    alpha,
    modules: Array.from({ length: config.layerCount }, (_, layer) =>
      targets.map((name) => ({
        name: `h.${layer}.${name}`,
        inFeatures: features[name][0],
        outFeatures: features[name][1],
      })),
    ).flat(),
    dense:
      labels === undefined
        ? []
        : [
            {
              name: CLASSIFICATION_HEAD,
              shape: [labels, width],
              initialStandardDeviation: HEAD_INITIAL_STANDARD_DEVIATION,
            },
          ],
  };
}

/** The model with W + ΔWᵀ in place of each adapted W [in, out], added when it is read; dense parameters stay out of it. */
export function mergeAdapter(
  { config, tensors }: LanguageModel,
  shape: AdapterShape,
  adapter: Float32Array,
): LanguageModel {
  if (adapter.length !== adapterSize(shape))
    throw new Error(`merge: expected ${adapterSize(shape)} adapter values, got ${adapter.length}`);
  const slices = new Map(adapterLayout(shape).map((slice) => [slice.name, slice]));
  const values = (name: string): Float32Array => {
    const slice = slices.get(name);
    if (!slice) throw new Error(`merge: expected ${name} in the adapter's layout`);
    return adapter.subarray(slice.offset, slice.offset + slice.size);
  };
  const modules = new Map(shape.modules.map((module) => [`${module.name}.weight`, module]));
  for (const [name, { inFeatures, outFeatures }] of modules)
    if (tensors.shapes.get(name)?.join() !== `${inFeatures},${outFeatures}`)
      throw new Error(
        `merge: expected ${name} of shape [${inFeatures},${outFeatures}] in the model, got [${tensors.shapes.get(name)}]`,
      );
  return {
    config,
    tensors: {
      shapes: tensors.shapes,
      async read(name) {
        const weight = await tensors.read(name);
        const module = modules.get(name);
        if (!module) return weight;
        const [loraA, loraB] = [values(`${module.name}.loraA`), values(`${module.name}.loraB`)];
        const { inFeatures, outFeatures } = module;
        return addProduct(weight, loraA, loraB, inFeatures, outFeatures, shape.alpha / shape.rank);
      },
    },
  };
}

function addProduct(
  weight: Float32Array, // [in, out]
  loraA: Float32Array, // [rank, in]
  loraB: Float32Array, // [out, rank]
  inFeatures: number,
  outFeatures: number,
  scaling: number,
): Float32Array {
  const merged = weight.slice();
  const rank = loraA.length / inFeatures;
  for (let i = 0; i < inFeatures; i++)
    for (let o = 0; o < outFeatures; o++) {
      let sum = 0;
      for (let r = 0; r < rank; r++)
        sum += (loraB[o * rank + r] as number) * (loraA[r * inFeatures + i] as number);
      merged[i * outFeatures + o] = (merged[i * outFeatures + o] as number) + scaling * sum;
    }
  return merged;
}
