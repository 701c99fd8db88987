/**
 * One federation without sockets: the product's masks, trainer and aggregation in the order a run has them, every
 * participant in every round. What it leaves out is the wire, which changes no number at f32.
 */
import { createAggregation } from "@fedlodrop/federation";
import type { Dataset, Trainer, TrainingOptions } from "@fedlodrop/lm";
import {
  type AdapterShape,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";

export interface Federation {
  readonly trainer: Trainer;
  readonly shape: AdapterShape;
  /** One dataset per participant. */
  readonly datasets: readonly Dataset[];
  readonly training: TrainingOptions;
  readonly dropoutRate: number;
  readonly seed: string;
}

/** The full adapter after each round. */
export async function* federate(federation: Federation, rounds: number): AsyncGenerator<Float32Array> {
  const { trainer, shape, datasets, training, dropoutRate, seed } = federation;
  let adapter = initialAdapter(shape, seed);
  for (let round = 1; round <= rounds; round++) {
    const aggregation = createAggregation(adapter.length);
    for (const [index, dataset] of datasets.entries()) {
      const participantId = `p${index + 1}`;
      const mask = drawDropoutMask(shape, { seed, round, participantId, dropoutRate });
      const indices = keptIndices(shape, mask);
      const values = gatherValues(adapter, indices);
      const batchSeed = `${seed}/${round}/${participantId}`;
      const { delta } = await trainer.trainRound({ mask, dropoutRate, values, training, batchSeed }, dataset);
      aggregation.fold(delta, indices, sampleCount(dataset));
    }
    adapter = aggregation.apply(adapter);
    yield adapter;
  }
}

function sampleCount(dataset: Dataset): number {
  return dataset.kind === "language-model" ? dataset.windows.length : dataset.sequences.length;
}
