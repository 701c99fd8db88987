/**
 * A round of DP-SGD (Abadi et al. 2016) on the kept values, with AdamW as its optimiser: each step draws every example
 * with the same probability, clips each one's gradient, adds noise to their sum, and goes on from there alone. What the round
 * gives away of one example is what these sums do, at any learning rate and for any number of kept values.
 *
 * Gradients come one example at a time, by any trainer: the batch's own backward pass holds only their mean.
 */
import type { AdapterShape } from "@fedlodrop/run";
import { sampleCount } from "../data/batches.ts";
import { type Dataset, pickRows } from "../data/dataset.ts";
import { BETA1, BETA2, EPSILON } from "./adamw.ts";
import { asFullAdapter, maskedGradient } from "./masked-gradient.ts";
import type { LocalTrainer, RoundOutcome, RoundRequest, TrainingStep } from "./trainer.ts";
import { yieldToEvents } from "./yield-to-events.ts";

export interface ExamplePrivacy {
  /** Largest Euclidean norm of an example's gradient. */
  readonly clip: number;
  /** Each clipped gradient is cut to whole ones of these towards zero: it moves their sum by the norm at most, to the last bit. */
  readonly grain: number;
  /** Unpredictable, uniform on (0, 1]: who is drawn is a secret. */
  uniform(): number;
  /** Adds the noise to a sum of clipped gradients, both in whole grains, in place. */
  addNoise(grains: Float64Array): void;
}

/** Probability with which a step draws each of so many examples. */
export const samplingRate = (examples: number, batchSize: number): number =>
  Math.min(1, batchSize / examples);

export async function trainPrivately(
  trainer: Pick<LocalTrainer, "gradient" | "evaluate">,
  shape: AdapterShape,
  request: Omit<RoundRequest, "mask" | "batchSeed"> & { readonly indices: Uint32Array },
  dataset: Dataset,
  privacy: ExamplePrivacy,
  onStep?: (step: TrainingStep) => unknown,
  signal?: AbortSignal,
): Promise<RoundOutcome> {
  const { dropoutRate, indices, training } = request;
  const { rescale, batchSize, learningRate, weightDecay, localSteps } = training;
  const { clip, grain } = privacy;
  const count = sampleCount(dataset);
  const rate = samplingRate(count, batchSize);
  const values = request.values.slice();
  const kept = { dropoutRate, rescale, indices, values };
  const [mean, variance] = [new Float64Array(values.length), new Float64Array(values.length)];
  const steps: TrainingStep[] = [];
  for (let number = 1; number <= localSteps; number++) {
    const start = performance.now();
    const rows = Array.from({ length: count }, (_, row) => row).filter(() => privacy.uniform() <= rate);
    const sum = new Float64Array(values.length);
    for (const row of rows) {
      await yieldToEvents();
      signal?.throwIfAborted();
      const gradient = await maskedGradient(trainer, shape, kept, pickRows(dataset, [row]));
      const norm = Math.sqrt(gradient.reduce((total, value) => total + value * value, 0));
      // One that has no length, because numbers ran over, says nothing: that it did must not show.
      if (!Number.isFinite(norm)) continue;
      const factor = norm > clip ? clip / norm : 1;
      for (let i = 0; i < sum.length; i++)
        sum[i] = (sum[i] as number) + Math.trunc((factor * (gradient[i] as number)) / grain);
    }
    // A step that draws nobody says as little of anybody; its loss is the first one's.
    const measured = pickRows(dataset, rows.length > 0 ? rows : [0]);
    const { loss, count: targets } = await trainer.evaluate(measured, asFullAdapter(shape, kept).adapter);
    privacy.addNoise(sum);
    let squares = 0;
    for (let i = 0; i < values.length; i++) {
      const gradient = ((sum[i] as number) * grain) / (rate * count);
      squares += gradient * gradient;
      mean[i] = BETA1 * (mean[i] as number) + (1 - BETA1) * gradient;
      variance[i] = BETA2 * (variance[i] as number) + (1 - BETA2) * gradient * gradient;
      const root = Math.sqrt((variance[i] as number) / (1 - BETA2 ** number)) + EPSILON;
      const step = (mean[i] as number) / (1 - BETA1 ** number) / root;
      values[i] = (values[i] as number) * (1 - learningRate * weightDecay) - learningRate * step;
    }
    if (!Number.isFinite(loss) || !Number.isFinite(squares))
      throw new Error(
        `training diverged at step ${number}: expected a finite loss and gradient, got ${loss}`,
      );
    const seconds = (performance.now() - start) / 1000;
    const step = { step: number, loss, gradientNorm: Math.sqrt(squares), seconds, tokens: targets };
    steps.push(step);
    await onStep?.(step);
  }
  return { delta: values.map((value, i) => value - (request.values[i] as number)), steps };
}
