/**
 * One federation without sockets: the product's masks, trainer and aggregation in the order a run has them, every
 * participant in every round. What it leaves out is the wire, which changes no number at f32.
 */
import { type Admission, beginFold, boundsOf, createStandings } from "@fedlodrop/federation";
import type { Dataset, Trainer } from "@fedlodrop/lm";
import {
  type AdapterShape,
  type Aggregation,
  atOnce,
  gatherValues,
  initialAdapter,
  type RunConfig,
  subAdapter,
} from "@fedlodrop/run";

export interface Federation {
  readonly trainer: Trainer;
  readonly shape: AdapterShape;
  /** One dataset per participant. */
  readonly datasets: readonly Dataset[];
  readonly training: RunConfig["training"];
  readonly dropoutRate: number;
  readonly seed: string;
  readonly aggregation: Aggregation;
  /** What a participant sends in place of its change. */
  readonly tamper?: (participantId: string, round: number, changes: Float32Array) => Float32Array;
}

export interface RoundOutcome {
  readonly round: number;
  /** The full adapter after the round. */
  readonly adapter: Float32Array;
  readonly admissions: readonly (Admission & { readonly participantId: string })[];
  readonly agreements: ReadonlyMap<string, number | null>;
}

export async function* federate(federation: Federation, rounds: number): AsyncGenerator<RoundOutcome> {
  const { trainer, shape, datasets, training, dropoutRate, seed, aggregation } = federation;
  const { tamper = (_id, _round, changes) => changes } = federation;
  const standings = createStandings();
  let adapter = initialAdapter(shape, seed);
  const seen: RoundOutcome["admissions"][] = [];
  for (let round = 1; round <= rounds; round++) {
    const bounds = boundsOf(seen, training, adapter);
    const { isLeftOut } = standings;
    const fold = beginFold(aggregation, { shape, adapter, bounds, isLeftOut });
    const admissions: (Admission & { participantId: string })[] = [];
    for (const [index, dataset] of datasets.entries()) {
      const participantId = `p${index + 1}`;
      const { mask, indices } = subAdapter(shape, { seed, round, participantId, dropoutRate });
      const values = gatherValues(adapter, indices);
      const batchSeed = `${seed}/${round}/${participantId}`;
      const { delta } = await trainer.trainRound({ mask, dropoutRate, values, training, batchSeed }, dataset);
      const changes = tamper(participantId, round, delta);
      const update = { participantId, changes, indices, weight: sampleCount(dataset) };
      const admission = atOnce(fold.admit(update));
      admissions.push({ participantId, ...admission });
    }
    const { agreements, ...combined } = atOnce(fold.finish());
    adapter = combined.adapter;
    seen.push(admissions);
    standings.note(agreements);
    yield { round, adapter, admissions, agreements };
  }
}

function sampleCount(dataset: Dataset): number {
  return dataset.kind === "language-model" ? dataset.windows.length : dataset.sequences.length;
}
