/** Shape S of the measurements: one small GPT-2, one batch, one sub-adapter, all from a seed. */
import { adapterShape, type Dataset, parseConfig } from "@fedlodrop/lm";
import {
  createRandom,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
  TARGET_MODULES,
} from "@fedlodrop/run";
import { parameterShapes, UNTIED_HEAD } from "../../packages/lm/src/models/checkpoint.ts";

export const BATCH_SIZE = 4;
export const SEQUENCE_LENGTH = 64;
export const DROPOUT_RATE = 0.5;
export const LEARNING_RATE = 1e-3;

export const config = parseConfig({
  model_type: "gpt2",
  vocab_size: 1024,
  n_positions: SEQUENCE_LENGTH,
  n_embd: 128,
  n_layer: 4,
  n_head: 4,
  eos_token_id: 0,
});

export const adapter = adapterShape(config, {
  rank: 8,
  alpha: 16,
  targetModules: TARGET_MODULES,
});

const random = createRandom("shape S");

export const model = {
  config,
  weights: new Map(
    [...parameterShapes(config), [UNTIED_HEAD, [1024, 128]] as const].map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const [mean, deviation] = /ln_.*weight/.test(name) ? [1, 0.1] : [0, 0.05];
      const values = Float32Array.from({ length: size }, () => mean + deviation * random.normal());
      return [name, { shape, values }];
    }),
  ),
};

export const dataset: Dataset = {
  kind: "language-model",
  windows: Array.from({ length: BATCH_SIZE }, () =>
    Int32Array.from({ length: SEQUENCE_LENGTH + 1 }, () => random.below(config.vocabularySize)),
  ),
};

export const mask = drawDropoutMask(adapter, {
  seed: "shape S",
  round: 1,
  participantId: "bench",
  dropoutRate: DROPOUT_RATE,
});
export const values = gatherValues(initialAdapter(adapter, "shape S"), keptIndices(adapter, mask));

/** Floating-point operations of the matrix products of one LoRA step (a multiply-add counts two). */
export function stepFlops(): number {
  const { width: d, layerCount, innerWidth, vocabularySize } = config;
  const tokens = BATCH_SIZE * SEQUENCE_LENGTH;
  const base = layerCount * (4 * d * d + 2 * d * innerWidth) + d * vocabularySize;
  const attention = layerCount * 2 * SEQUENCE_LENGTH * d; // scores and their product with the values, per token
  const factors = adapter.modules.reduce(
    (sum, { inFeatures, outFeatures }) => sum + adapter.rank * (inFeatures + outFeatures),
    0,
  );
  // Frozen weights: forward and dx. Attention and factors: forward and both operands' gradients.
  return 2 * tokens * (2 * base + 3 * attention + 3 * factors);
}
