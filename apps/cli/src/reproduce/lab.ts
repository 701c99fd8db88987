/**
 * Where federations are run in this process: a task dealt to devices, one trainer, and three sets of texts to measure on.
 * Held-out texts are halved: one half may choose (a learning rate, when to stop, what a live planner sees), the other
 * only reports, so that nothing is reported on texts that it was chosen by.
 */
import {
  adapterShape,
  createTrainer,
  type Dataset,
  datasetFromSamples,
  type LanguageModel,
  type LocalTrainer,
  pickRows,
} from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import type { AdapterShape, RunConfig } from "@fedlodrop/run";
import { prepareTask } from "@fedlodrop/tasks/node";
import { findModel } from "../find-model.ts";
import { type SimulatedDevice, sampleCount, simulatedDevices } from "./device-model.ts";

export interface Lab {
  readonly shape: AdapterShape;
  readonly model: LanguageModel;
  readonly trainer: LocalTrainer;
  /** Another one, for the same adapter on another base; whoever opens it disposes of it. */
  openTrainer(model: LanguageModel): Promise<LocalTrainer>;
  readonly devices: readonly SimulatedDevice[];
  /** Texts that were trained on, evenly from all devices, and the two halves of the held-out ones. */
  readonly train: Dataset;
  readonly choose: Dataset;
  readonly report: Dataset;
  readonly close: () => void;
}

/** @param samples how many windows or samples each of the three sets has at most */
export async function openLab(config: RunConfig, samples: number): Promise<Lab> {
  const { task: name, devices: count, split, seed, samplesPerDevice, training, rank, alpha } = config;
  const task = await prepareTask(name, {
    devices: count,
    rule: split,
    seed,
    samplesPerDevice,
    sequenceLength: training.sequenceLength,
    heldOutSamples: 2 * samples,
  });
  const { kind, labels } = task.definition;
  const { model, tokenizer } = await readModel(await findModel(config.model));
  const shape = adapterShape(model.config, {
    rank,
    alpha,
    targetModules: config.targetModules,
    ...(kind === "classification" && { labels: labels.length }),
  });
  const openTrainer = (base: LanguageModel): Promise<LocalTrainer> =>
    createTrainer({ backend: "wasm", model: base, adapter: shape, wasmHost: nodeHost(1) });
  const trainer = await openTrainer(model);
  const datasetOf = (texts: Parameters<typeof datasetFromSamples>[0]): Dataset =>
    datasetFromSamples(texts, tokenizer, { kind, sequenceLength: training.sequenceLength });
  const heldOut = datasetOf(task.heldOut);
  const half = (which: number): number[] =>
    thinned(
      Array.from({ length: sampleCount(heldOut) }, (_, row) => row).filter((row) => row % 2 === which),
      samples,
    );
  const trained = datasetOf(task.devices.flatMap(({ train }) => train));
  return {
    shape,
    model,
    trainer,
    openTrainer,
    devices: simulatedDevices(task.devices.map(({ train }) => datasetOf(train))),
    train: pickRows(
      trained,
      thinned(
        Array.from({ length: sampleCount(trained) }, (_, row) => row),
        samples,
      ),
    ),
    choose: pickRows(heldOut, half(0)),
    report: pickRows(heldOut, half(1)),
    close: () => trainer.dispose(),
  };
}

/** At most `limit` of them, evenly spaced. */
function thinned(rows: readonly number[], limit: number): number[] {
  const count = Math.min(limit, rows.length);
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)] as number);
}
