/** The model and sub-adapters of fixtures/pytorch.json, as fixtures/make_pytorch.py draws them. */
import type { AdapterShape, DropoutMask } from "@fedlodrop/run";
import fixture from "../../fixtures/pytorch.json" with { type: "json" };
import { adapterShape } from "../adapter/lora.ts";
import type { Dataset } from "../data/dataset.ts";
import { parameterShapes } from "../models/checkpoint.ts";
import { parseConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { TensorMap } from "../models/named-tensor.ts";
import { tensorsInMemory } from "../models/tensor-source.ts";

export interface PytorchCase {
  readonly shape: AdapterShape;
  readonly dropoutRate: number;
  readonly mask: DropoutMask;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  /** Kept values in wire order, and the loss's gradient over them in float64. */
  readonly values: Float32Array;
  readonly gradient: readonly number[];
  /** Losses of full-batch AdamW steps in float64. */
  readonly losses: readonly number[];
}

export const { learningRate, weightDecay } = fixture;

const config = parseConfig(fixture.config);

export const weights = drawWeights();
export const model: LanguageModel = { config, tensors: tensorsInMemory(weights) };

export const cases: readonly PytorchCase[] = fixture.cases.map((stored) => {
  const sequences = stored.sequences.map((ids) => Int32Array.from(ids));
  const shape = adapterShape(config, {
    rank: fixture.rank,
    alpha: fixture.alpha,
    targetModules: null,
    ...(stored.labels && { labels: new Set(stored.labels).size }),
  });
  const masks = stored.mask as Readonly<Record<string, { keptColumns: number[]; keptRows: number[] }>>;
  return {
    shape,
    dropoutRate: stored.dropoutRate,
    mask: shape.modules.map(({ name }) => {
      const kept = masks[name];
      if (!kept) throw new Error(`fixture: expected a mask of ${name}`);
      return {
        keptColumns: Uint32Array.from(kept.keptColumns),
        keptRows: Uint32Array.from(kept.keptRows),
      };
    }),
    dataset: stored.labels
      ? {
          ...{ kind: "classification", sequences, labels: Int32Array.from(stored.labels) },
          secondFrom: Int32Array.from(sequences, ({ length }) => length),
        }
      : { kind: "language-model", windows: sequences },
    sampleCount: sequences.length,
    values: Float32Array.from(stored.values),
    gradient: stored.gradient,
    losses: stored.losses,
  };
});

/** The script's generator (Numerical Recipes' constants) and its order: parameters by name. */
function drawWeights(): TensorMap {
  let state = 1;
  const draw = (centre: number, spread: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return centre + spread * ((2 * state) / 2 ** 32 - 1);
  };
  const names = [...parameterShapes(config)].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(
    names.map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const centre = /(^|\.)ln_\w+\.weight$/.test(name) ? 1 : 0;
      return [name, { shape, values: Float32Array.from({ length: size }, () => draw(centre, 0.3)) }];
    }),
  );
}
