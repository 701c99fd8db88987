/** A device's round with the optimiser here, one gradient at a time: for steps that the engine's own round does not take. */
import {
  batchRows,
  type Dataset,
  type LocalTrainer,
  pickRows,
  type RoundRequest,
  type TrainingStep,
} from "@fedlodrop/lm";
import { sampleCount } from "./device-model.ts";

/** What a step sees of the adapter: each value times its factor, 0 where it is dropped or frozen values' gradients are. */
export interface StepView {
  /** Factor of each value in the forward pass; the gradient's by the chain rule. Null leaves all as they are. */
  readonly factors: Float32Array | null;
  /** Whether a value is trained. */
  isTrained(index: number): boolean;
}

/** AdamW as PyTorch has it. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** Of the full adapter; losses of batches are not known (NaN). */
export async function trainStepwise(
  trainer: Pick<LocalTrainer, "gradient">,
  { values, training, batchSeed }: RoundRequest,
  dataset: Dataset,
  viewOf: (step: number) => StepView,
): Promise<{ readonly delta: Float32Array; readonly steps: readonly TrainingStep[] }> {
  const { localSteps, batchSize, learningRate, weightDecay } = training;
  const trained = values.slice();
  const [means, squares] = [new Float64Array(values.length), new Float64Array(values.length)];
  const batches = batchRows(sampleCount(dataset), batchSize, batchSeed);
  const steps: TrainingStep[] = [];
  for (let step = 1; step <= localSteps; step++) {
    const { factors, isTrained } = viewOf(step);
    const seen = factors === null ? trained : trained.map((value, i) => value * (factors[i] as number));
    const gradient = await trainer.gradient(
      pickRows(dataset, batches.next().value as readonly number[]),
      seen,
    );
    let norm = 0;
    for (let i = 0; i < trained.length; i++) {
      if (!isTrained(i)) continue;
      const g = (gradient[i] as number) * (factors === null ? 1 : (factors[i] as number));
      norm += g * g;
      const mean = BETA1 * (means[i] as number) + (1 - BETA1) * g;
      const square = BETA2 * (squares[i] as number) + (1 - BETA2) * g * g;
      [means[i], squares[i]] = [mean, square];
      const root = Math.sqrt(square / (1 - BETA2 ** step)) + EPSILON;
      trained[i] =
        (trained[i] as number) * (1 - learningRate * weightDecay) -
        ((learningRate / (1 - BETA1 ** step)) * mean) / root;
    }
    steps.push({ step, loss: Number.NaN, gradientNorm: Math.sqrt(norm), seconds: 0, tokens: 0 });
  }
  return { delta: trained.map((value, i) => value - (values[i] as number)), steps };
}
