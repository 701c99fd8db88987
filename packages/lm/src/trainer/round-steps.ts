/** What the trainers of all engines do alike in a round: batches by their seed, aborts, reports, and a round to warm up. */
import {
  type AdapterShape,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";
import { type Batch, batchRows, createBatch, sampleCount } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import type { RoundRequest, TrainingOptions, TrainingStep } from "./trainer.ts";
import { yieldToEvents } from "./yield-to-events.ts";

/**
 * Takes the steps of a round one after another.
 * @param take one step; gives its loss and the gradient's norm
 * @throws when `signal` aborts, and when a step is not finite
 */
export async function takeSteps(
  { training, batchSeed }: Pick<RoundRequest, "training" | "batchSeed">,
  dataset: Dataset,
  take: (number: number, batch: Batch) => Promise<ArrayLike<number>>,
  onStep?: (step: TrainingStep) => unknown,
  signal?: AbortSignal,
): Promise<TrainingStep[]> {
  const batches = batchRows(sampleCount(dataset), training.batchSize, batchSeed);
  const steps: TrainingStep[] = [];
  for (let number = 1; number <= training.localSteps; number++) {
    await yieldToEvents();
    signal?.throwIfAborted();
    const start = performance.now();
    const batch = createBatch(dataset, batches.next().value as readonly number[]);
    const [loss, gradientNorm] = (await take(number, batch)) as unknown as [number, number];
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
      throw new Error(
        `training diverged at step ${number}: expected a finite loss and gradient, got ${loss} and ${gradientNorm} (learning rate ${training.learningRate})`,
      );
    const seconds = (performance.now() - start) / 1000;
    const step = { step: number, loss, gradientNorm, seconds, tokens: batch.tokenCount };
    steps.push(step);
    await onStep?.(step);
  }
  return steps;
}

/** Two steps to be thrown away. Any mask will do: what is compiled does not depend on it. */
export function warmUpRequest(shape: AdapterShape, training: TrainingOptions): RoundRequest {
  const dropoutRate = 0.5;
  const key = { seed: "warm-up", round: 0, participantId: "warm-up", dropoutRate };
  const mask = drawDropoutMask(shape, key);
  return {
    mask,
    dropoutRate,
    values: gatherValues(initialAdapter(shape, "warm-up"), keptIndices(shape, mask)),
    training: { ...training, localSteps: 2 },
    batchSeed: "warm-up",
  };
}

/** How long the first step of such a round took, with what comes with it, and the second. */
export function warmUpTimes([first, second]: readonly TrainingStep[]) {
  if (!first || !second) throw new Error("warm-up: expected two steps");
  return { firstStepSeconds: first.seconds, stepSeconds: second.seconds };
}
