/** A device measures the full adapter on its own texts: on some that it never trains on, and on as many that it does. */
import { type Dataset, type LocalTrainer, pickRows, rowsOf } from "@fedlodrop/lm";
import type { DeviceEvaluated, RunDescription } from "@fedlodrop/protocol";
import { fetchFullAdapter } from "./full-adapter.ts";

export interface SetAside {
  readonly trained: Dataset;
  /** Null where there is nothing to spare. */
  readonly kept: Dataset | null;
}

/** One window or sample in so many is kept back. */
const KEPT_EVERY = 10;

/** Every tenth window or sample, the last one at least; a device with a single one trains on it. */
export function setAside(dataset: Dataset): SetAside {
  const count = rowsOf(dataset).length;
  if (count < 2) return { trained: dataset, kept: null };
  const rows = Array.from({ length: count }, (_, row) => row);
  const isKept = (row: number): boolean => (count - 1 - row) % KEPT_EVERY === 0;
  return {
    trained: pickRows(
      dataset,
      rows.filter((row) => !isKept(row)),
    ),
    kept: pickRows(dataset, rows.filter(isKept)),
  };
}

export interface OwnEvaluation {
  readonly site: string;
  readonly token: string;
  readonly run: RunDescription;
  readonly trainer: Pick<LocalTrainer, "evaluate">;
  readonly dataset: Dataset;
  /** Null where there is nothing to measure on. */
  readonly kept: Dataset | null;
}

/** Of the base model, once for each set of texts. */
const baseLosses = new WeakMap<Dataset, number>();

/** What the round's adapter gives; nothing measured where that fails, or the adapter is already a later round's. */
export async function answerEvaluation(task: OwnEvaluation, round: number): Promise<DeviceEvaluated> {
  const nothing: DeviceEvaluated = { round, measured: null };
  const { kept } = task;
  if (kept === null) return nothing;
  const found = await evaluateOwn({ ...task, kept }).catch(() => nothing);
  return found.round === round ? found : nothing;
}

/** Of the adapter as it is when it is fetched; at most as many windows or samples as the run's evaluations measure. */
async function evaluateOwn(task: OwnEvaluation & { readonly kept: Dataset }): Promise<DeviceEvaluated> {
  const { site, token, run, trainer, dataset } = task;
  const start = performance.now();
  const { adapter, round } = await fetchFullAdapter(site, token, run);
  const kept = someOf(task.kept, run.config.evaluationSamples);
  const test = await trainer.evaluate(kept, adapter);
  const train = await trainer.evaluate(someOf(dataset, rowsOf(kept).length), adapter);
  const baseTestLoss = baseLosses.get(task.kept) ?? (await trainer.evaluate(kept)).loss;
  baseLosses.set(task.kept, baseTestLoss);
  const seconds = (performance.now() - start) / 1000;
  return {
    round,
    measured: { testLoss: test.loss, trainLoss: train.loss, baseTestLoss, count: test.count, seconds },
  };
}

/** At most so many, evenly spaced: the same ones each time. */
function someOf(dataset: Dataset, most: number): Dataset {
  const count = rowsOf(dataset).length;
  if (count <= most) return dataset;
  return pickRows(
    dataset,
    Array.from({ length: most }, (_, row) => Math.floor((row * count) / most)),
  );
}
