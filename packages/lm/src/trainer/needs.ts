/** What training a model takes of a device: known from its config and the run's settings, before any weight is there. */
import type { AdapterShape } from "@fedlodrop/run";
import { labelsOf } from "../adapter/lora.ts";
import { placeFullAdapter } from "../adapter/placement.ts";
import { storedBytes } from "../engines/wasm/stored-weight.ts";
import { architectureOf } from "../models/architecture.ts";
import { parameterShapes } from "../models/checkpoint.ts";
import type { ModelConfig } from "../models/config.ts";
import { weightsOf } from "../models/weights.ts";
import { BASE_TYPES, type BaseType, weightShape } from "../plan/weight.ts";
import { products } from "../plan/work.ts";
import { planStep, STEP, type StepPlan } from "./step-plan.ts";

export interface StepSettings {
  readonly batchSize: number;
  /** Tokens of a sample. */
  readonly sequenceLength: number;
}

export interface TrainingNeeds {
  /** Of the frozen weights as an engine holds them. */
  readonly weightBytes: number;
  /** Of a training step beside them, with as many blocks computed twice as saves most. */
  readonly stepBytes: number;
  /** Of a training step's products with frozen matrices, forward and backward. */
  readonly multiplyAdds: number;
}

/** Of the whole adapter: dropout takes some of it away, and none of what the frozen model takes. */
export function trainingNeeds(
  config: ModelConfig,
  adapter: AdapterShape,
  base: BaseType,
  { batchSize, sequenceLength }: StepSettings,
): TrainingNeeds {
  const architecture = architectureOf(config);
  const plan = (recomputedBlocks: number): StepPlan["plan"] =>
    planStep(
      architecture,
      {
        batch: batchSize,
        length: Math.min(sequenceLength, architecture.maxPositions),
        labels: labelsOf(adapter),
        placement: placeFullAdapter(adapter),
        purpose: "train",
      },
      recomputedBlocks,
    ).plan;
  const usual = plan(0);
  return {
    weightBytes: weightBytesOf(config, base),
    stepBytes: Math.min(usual.totalBytes, plan(architecture.blockCount).totalBytes),
    multiplyAdds: (usual.segments[STEP] ?? []).reduce((sum, call) => sum + products(call), 0),
  };
}

function weightBytesOf(config: ModelConfig, base: BaseType): number {
  const none = async (name: string): Promise<never> => {
    throw new Error(`weights: ${name} is not there yet`);
  };
  const weights = weightsOf({ config, tensors: { shapes: parameterShapes(config), read: none } });
  return weights.reduce((sum, weight) => sum + storedBytes(weightShape(weight, base)), 0);
}

/** Values of all parameters. */
export function parameterCount(config: ModelConfig): number {
  return [...parameterShapes(config).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, extent) => product * extent, 1),
    0,
  );
}

/** A setting that would make a step fit, and how small it would have to be. */
export type Cure =
  | { readonly kind: "batch"; readonly samples: number }
  | { readonly kind: "length"; readonly tokens: number }
  | { readonly kind: "base"; readonly base: BaseType };

/** What of a run's settings would have to be smaller for it to fit, each by itself; empty where nothing helps. */
export function whatWouldFit(
  config: ModelConfig,
  adapter: AdapterShape,
  base: BaseType,
  settings: StepSettings,
  availableBytes: number,
): readonly Cure[] {
  const fits = (held: BaseType, change: Partial<StepSettings> = {}): boolean => {
    const { weightBytes, stepBytes } = trainingNeeds(config, adapter, held, { ...settings, ...change });
    return weightBytes + stepBytes <= availableBytes;
  };
  const halves = (from: number): readonly number[] => (from <= 1 ? [] : [from >> 1, ...halves(from >> 1)]);
  const { batchSize, sequenceLength } = settings;
  const fewer = halves(batchSize).find((size) => fits(base, { batchSize: size }));
  const shorter = halves(sequenceLength).find((length) => fits(base, { sequenceLength: length }));
  const smaller = BASE_TYPES.slice(BASE_TYPES.indexOf(base) + 1).find((held) => fits(held));
  return [
    ...(fewer === undefined ? [] : [{ kind: "batch", samples: fewer } as const]),
    ...(shorter === undefined ? [] : [{ kind: "length", tokens: shorter } as const]),
    ...(smaller === undefined ? [] : [{ kind: "base", base: smaller } as const]),
  ];
}
