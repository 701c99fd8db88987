/** The language model's thread in the coordinator's process: checks the model, evaluates adapters, writes their file. */
import { availableParallelism } from "node:os";
import {
  adapterShape,
  adapterToSafetensors,
  createTrainer,
  type Dataset,
  datasetFromSamples,
  joinDatasets,
  type LocalTrainer,
  type ModelConfig,
  pickRows,
  rowsOf,
} from "@fedlodrop/lm";
import { nodeHost, readModel, wasmDirectory } from "@fedlodrop/lm/node";
import { type AdapterShape, createRandom, initialAdapter, sampleWithoutReplacement } from "@fedlodrop/run";
import type { EvaluationTexts, EvaluatorCalls } from "./evaluator-calls.ts";
import { openShowcase, type Showcase } from "./showcase.ts";
import { peftFiles, startingAdapter, zipped } from "./start-adapter.ts";
import { answerCalls } from "./thread.ts";

interface Opened {
  /** Of held-out texts: what is measured, and what is shown. */
  readonly measured: (samples: EvaluationTexts["heldOut"]) => Measured;
  /** Not opened before it evaluates: a run can be joined before that. */
  readonly trainer: (threads: number) => Promise<LocalTrainer>;
  readonly now: Measured;
  /** Loss of what the run begins with on the training texts of some parts. */
  readonly lossAtFirst: (trainer: LocalTrainer, train: Dataset, parts: readonly number[]) => Promise<number>;
  /** Of each part of the training texts. */
  readonly splits: readonly Dataset[];
  /** Windows or samples of each set. */
  readonly count: number;
}

interface Measured {
  readonly heldOut: Dataset;
  readonly showcase: Showcase;
}

const CORES = availableParallelism();
/** Half of them, since tabs may train on this machine too; but two where there are two, or an evaluation takes longer than
 *  the round beside it, and tabs wait for it on a machine that has time. */
const CORES_BESIDE_ROUNDS = Math.min(CORES, Math.max(2, CORES >> 1));

let opened: Opened | null = null;
let shape: AdapterShape;
let modelConfig: ModelConfig;

const evaluatorCalls: EvaluatorCalls = {
  async open({ modelDirectory, terms, texts }) {
    const { model, tokenizer, warnings } = await readModel(modelDirectory);
    const { rank, alpha, targetModules, baseType, labelCount, sequenceLength, startFrom, seed } = terms;
    const { maxPositions } = model.config;
    if (sequenceLength > maxPositions)
      throw new Error(
        `sequence length: expected at most ${maxPositions} tokens, as many as the model reads, got ${sequenceLength}`,
      );
    shape = adapterShape(model.config, {
      rank,
      alpha,
      targetModules,
      ...(labelCount > 0 && { labels: labelCount }),
    });
    modelConfig = model.config;
    const begun = startFrom === null ? null : await startingAdapter(startFrom, model, shape);
    if (texts === null) return { adapter: shape, startingAdapter: begun, largestSplit: null, warnings };
    const { kind, count, prompt, labels } = texts;
    const dataset = (samples: EvaluationTexts["heldOut"]): Dataset =>
      datasetFromSamples(samples, tokenizer, { kind, sequenceLength });
    const measured = (samples: EvaluationTexts["heldOut"]): Measured => ({
      heldOut: someOf(dataset(samples), count),
      showcase: openShowcase(samples, { kind, prompt, labels, sequenceLength, tokenizer, seed }),
    });
    const splits = texts.splits.map(dataset);
    opened = {
      measured,
      now: measured(texts.heldOut),
      lossAtFirst: onceForParts(begun ?? initialAdapter(shape, seed)),
      splits,
      count,
      trainer: oneAtATime((threads) =>
        createTrainer({
          backend: "wasm",
          model,
          adapter: shape,
          base: baseType,
          wasmHost: nodeHost(threads),
          tfjsWasm: wasmDirectory(),
        }),
      ),
    };
    return {
      adapter: shape,
      startingAdapter: begun,
      largestSplit: Math.max(...splits.map((split) => rowsOf(split).length)),
      warnings,
    };
  },

  async measureOn(heldOut) {
    if (opened === null) throw new Error("measureOn: the model was opened without texts");
    opened = { ...opened, now: opened.measured(heldOut) };
  },

  async evaluate({ adapter, parts, alone }) {
    if (opened === null) throw new Error("evaluate: there are no held-out texts");
    const { now, splits, count } = opened;
    const { heldOut, showcase } = now;
    const trainer = await opened.trainer(alone ? CORES : CORES_BESIDE_ROUNDS);
    const test = await trainer.evaluate(heldOut, adapter);
    const train = joinDatasets(
      parts.map((part) => someOf(splits[part] as Dataset, Math.ceil(count / parts.length))),
    );
    const training = train && (await trainer.evaluate(train, adapter));
    const baseTrainLoss = train && (await opened.lossAtFirst(trainer, train, parts));
    return {
      testLoss: test.loss,
      trainLoss: training?.loss ?? null,
      baseTrainLoss,
      testAccuracy: test.accuracy ?? null,
      testF1: test.f1 ?? null,
      testMatthews: test.matthews ?? null,
      testPearson: test.pearson ?? null,
      testSpearman: test.spearman ?? null,
      exampleLossSpread: training?.exampleLossSpread ?? null,
      // A model may be too large to be asked as well: its losses count all the same.
      sample: await showcase.of(trainer, adapter).catch(() => null),
    };
  },

  async serializePeft({ adapter, baseModel, facts }) {
    return zipped(peftFiles(modelConfig, shape, adapter, baseModel, facts));
  },

  async serialize(adapter) {
    return adapterToSafetensors(shape, adapter);
  },
};

/** Measured again for other parts, which seldom change after the first rounds. */
function onceForParts(beginning: Float32Array): Opened["lossAtFirst"] {
  let last: { readonly parts: string; readonly loss: number } | null = null;
  return async (trainer, train, parts) => {
    if (last?.parts !== `${parts}`)
      last = { parts: `${parts}`, loss: (await trainer.evaluate(train, beginning)).loss };
    return last.loss;
  };
}

/** Opens at the first use, and again for another number of threads, which changes no bit of a result. */
function oneAtATime(
  open: (threads: number) => Promise<LocalTrainer>,
): (threads: number) => Promise<LocalTrainer> {
  let last: { readonly threads: number; readonly trainer: Promise<LocalTrainer> } | null = null;
  return async (threads) => {
    if (last !== null && last.threads !== threads) {
      (await last.trainer).dispose();
      last = null;
    }
    last ??= { threads, trainer: open(threads) };
    return last.trainer;
  };
}

/** At most `count` windows or samples: always the same ones, so that runs with different seeds compare. */
function someOf(dataset: Dataset, count: number): Dataset {
  const rows = rowsOf(dataset);
  if (rows.length <= count) return dataset;
  return pickRows(dataset, [...sampleWithoutReplacement(rows.length, count, createRandom("evaluation"))]);
}

answerCalls(evaluatorCalls);
