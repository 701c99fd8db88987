/** Shapes of the measurements: small GPT-2s with weights, a batch and sub-adapters from a seed. */
import { adapterShape, type Dataset, type LanguageModel, parseConfig } from "@fedlodrop/lm";
import {
  type AdapterShape,
  createRandom,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";
import { parameterShapes } from "../../packages/lm/src/models/checkpoint.ts";
import type { TensorSource } from "../../packages/lm/src/models/tensor-source.ts";
import type { RoundRequest } from "../../packages/lm/src/trainer/trainer.ts";

export interface ShapeSize {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly batch: number;
  readonly length: number;
  readonly positions: number;
  readonly isTied: boolean;
  readonly targets: readonly string[];
}

const RANK = 8;

export const SHAPES = {
  S: {
    ...{ vocabulary: 1024, width: 128, layers: 4, heads: 4, batch: 4, length: 64, positions: 64 },
    isTied: false,
    targets: ["all-linear"],
  },
  "GPT-2 124M": {
    ...{ vocabulary: 50_257, width: 768, layers: 12, heads: 12, batch: 1, length: 64, positions: 1024 },
    isTied: true,
    targets: ["attn.c_attn"],
  },
} as const satisfies Readonly<Record<string, ShapeSize>>;
export type ShapeName = keyof typeof SHAPES;

export interface Workload {
  readonly size: ShapeSize;
  readonly model: LanguageModel;
  readonly adapter: AdapterShape;
  readonly dataset: Dataset;
  request(localSteps: number, dropoutRate?: number): RoundRequest;
}

export function workload(name: ShapeName): Workload {
  const size: ShapeSize = SHAPES[name];
  const config = parseConfig({
    ...{ model_type: "gpt2", vocab_size: size.vocabulary, n_positions: size.positions },
    ...{ n_embd: size.width, n_layer: size.layers, n_head: size.heads, eos_token_id: 0 },
    tie_word_embeddings: size.isTied,
  });
  const adapter = adapterShape(config, { rank: RANK, alpha: 16, targetModules: [...size.targets] });
  const random = createRandom("bench", name);
  const tensors: TensorSource = {
    shapes: parameterShapes(config),
    // Uniform: 124 million normal deviates would take longer than what is measured.
    async read(key) {
      const drawn = createRandom("bench", name, key);
      const [mean, spread] = /ln_.*weight/.test(key) ? [1, 0.1] : [0, 0.07];
      const size = tensors.shapes.get(key)?.reduce((product, extent) => product * extent, 1) ?? 0;
      const values = new Float32Array(size);
      for (let i = 0; i < size; i++) values[i] = mean + spread * (2 * drawn.uniform() - 1);
      return values;
    },
  };
  const dataset: Dataset = {
    kind: "language-model",
    windows: Array.from({ length: size.batch }, () =>
      Int32Array.from({ length: size.length + 1 }, () => random.below(size.vocabulary)),
    ),
  };
  return {
    ...{ size, adapter, dataset, model: { config, tensors } },
    request(localSteps, dropoutRate = 0.5) {
      const mask = drawDropoutMask(adapter, { seed: name, round: 1, participantId: "bench", dropoutRate });
      return {
        ...{ mask, dropoutRate, batchSeed: "bench" },
        values: gatherValues(initialAdapter(adapter, name), keptIndices(adapter, mask)),
        training: {
          ...{ localSteps, batchSize: size.batch, learningRate: 1e-3, weightDecay: 0, rescale: "none" },
        },
      };
    },
  };
}

/** Floating-point operations of the matrix products of one LoRA step at full rank (a multiply-add counts two). */
export function stepFlops({ size, model, adapter }: Workload): number {
  const { width: d, layerCount, innerWidth, vocabularySize } = model.config;
  const base = layerCount * (4 * d * d + 2 * d * innerWidth) + d * vocabularySize;
  const attention = layerCount * 2 * size.length * d; // scores and their product with the values, per token
  const factors = adapter.modules.reduce(
    (sum, { inFeatures, outFeatures }) => sum + adapter.rank * (inFeatures + outFeatures),
    0,
  );
  // Frozen weights: forward and dx. Attention and factors: forward and both operands' gradients.
  return 2 * size.batch * size.length * (2 * base + 3 * attention + 3 * factors);
}
