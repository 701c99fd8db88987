/**
 * LoRA on a model: which matrices are adapted, and what an adapter means as a change of weights.
 *
 * Orientation, stated once: the wire and PEFT hold loraA [rank, in] and loraB [out, rank], and ΔW = (α/r)·B·A is
 * [out, in]; the kernels multiply x·W with W [in, out] and hold Aᵀ and Bᵀ (placement.ts). Files have W [in, out] (GPT-2) or
 * [out, in] (all others): merging adds ΔW the way that the file has W. Source: LoRA (Hu et al., arXiv 2106.09685), PEFT's vocabulary.
 */
import { type AdaptedModule, type AdapterShape, adapterLayout, adapterSize } from "@fedlodrop/run";
import { architectureOf } from "../models/architecture.ts";
import type { ModelConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { targetedModules } from "./targets.ts";

export interface AdapterOptions {
  readonly rank: number;
  /** The product is scaled by alpha / rank. */
  readonly alpha: number;
  /** As PEFT's `target_modules`: names of modules or their ends, `all-linear` for every one; null is the model's default. */
  readonly targetModules: readonly string[] | null;
  /** Number of classes, or 1 for a number that is estimated; adds a head trained whole. Absent for language modelling. */
  readonly labels?: number;
}

/** Names and sizes of the adapter for every block of the model. @throws on options that adapt nothing. */
export function adapterShape(config: ModelConfig, options: AdapterOptions): AdapterShape {
  const { rank, alpha, labels } = options;
  if (!Number.isInteger(rank) || rank < 1)
    throw new Error(`adapter: expected a rank of at least 1, got ${rank}`);
  if (!(alpha > 0)) throw new Error(`adapter: expected alpha above 0, got ${alpha}`);
  if (labels !== undefined && (!Number.isInteger(labels) || labels < 1))
    throw new Error(`adapter: expected at least 1 label, got ${labels}`);
  const architecture = architectureOf(config);
  return {
    rank,
    alpha,
    modules: targetedModules(architecture, options.targetModules),
    dense: labels === undefined ? [] : architecture.classifier.parameters(labels),
  };
}

/** Classes that an adapter's head tells apart, 1 for a number that it estimates; null without a head. */
export function labelsOf({ dense }: Pick<AdapterShape, "dense">): number | null {
  return dense.at(-1)?.shape[0] ?? null;
}

/** The model with W + ΔW in place of each adapted W, added when it is read; dense parameters stay out of it. */
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
  const parameters = new Map(
    architectureOf(config).parameters.map((parameter) => [parameter.name, parameter]),
  );
  const modules = new Map(shape.modules.map((module) => [`${module.name}.weight`, module]));
  for (const [name, { inFeatures, outFeatures }] of modules) {
    const own = parameters.get(name);
    if (own?.kind !== "matrix" || own.inFeatures !== inFeatures || own.outFeatures !== outFeatures)
      throw new Error(`merge: expected ${name} to be ${inFeatures} → ${outFeatures} in the model`);
  }
  return {
    config,
    tensors: {
      shapes: tensors.shapes,
      async read(name) {
        const weight = await tensors.read(name);
        const [module, parameter] = [modules.get(name), parameters.get(name)];
        if (!module || parameter?.kind !== "matrix") return weight;
        const factors = { loraA: values(`${module.name}.loraA`), loraB: values(`${module.name}.loraB`) };
        return addProduct(weight, factors, module, parameter.order, shape.alpha / shape.rank);
      },
    },
  };
}

function addProduct(
  weight: Float32Array, // [in, out] or [out, in]
  { loraA, loraB }: { readonly loraA: Float32Array; readonly loraB: Float32Array }, // [rank, in], [out, rank]
  { inFeatures, outFeatures }: AdaptedModule,
  order: "in-out" | "out-in",
  scaling: number,
): Float32Array {
  const merged = weight.slice();
  const rank = loraA.length / inFeatures;
  const [inStep, outStep] = order === "in-out" ? [outFeatures, 1] : [1, inFeatures];
  for (let i = 0; i < inFeatures; i++)
    for (let o = 0; o < outFeatures; o++) {
      let sum = 0;
      for (let r = 0; r < rank; r++)
        sum += (loraB[o * rank + r] as number) * (loraA[r * inFeatures + i] as number);
      const at = i * inStep + o * outStep;
      merged[at] = (merged[at] as number) + scaling * sum;
    }
  return merged;
}
