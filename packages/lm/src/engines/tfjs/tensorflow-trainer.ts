/**
 * The Trainer on tfjs autograd, over any engine. It holds the frozen model on the device; everything a call makes
 * is disposed before its promise settles. tfjs has one active backend per process: trainers of different backends
 * may coexist there, but must not run at the same time.
 */

import type { Backend } from "@fedlodrop/run";
import { type AdapterShape, adapterSize, createRandom } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";
import { rescaleFactor } from "../../adapter/rescale.ts";
import { type Batch, createBatch, sampleCount } from "../../data/batches.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { LanguageModel } from "../../models/language-model.ts";
import { allTensors } from "../../models/tensor-source.ts";
import type { EngineDescription } from "../../trainer/engine-description.ts";
import { evaluateScores, evaluateTokens, isJudged, scoresOf } from "../../trainer/evaluate.ts";
import { lastIds, sampleToken } from "../../trainer/generate.ts";
import { takeSteps, warmUpRequest, warmUpTimes } from "../../trainer/round-steps.ts";
import type {
  Evaluation,
  GenerationOptions,
  LocalTrainer,
  RoundOutcome,
  RoundRequest,
  TrainingOptions,
  TrainingStep,
} from "../../trainer/trainer.ts";
import { yieldToEvents } from "../../trainer/yield-to-events.ts";
import type { Engine } from "./engine.ts";
import { type AdapterTensors, createExpansion, placeFullAdapter, placeSubAdapter } from "./lora-dropout.ts";
import { headLogits, tokenLosses } from "./loss.ts";
import { type EngineOptions, openEngine } from "./open.ts";
import {
  disposeTraining,
  type Expansion,
  initTraining,
  lossAndGradient,
  padToSlots,
  trainStep,
} from "./train-step.ts";
import { hiddenStates, type TransformerTensors, tokenLogits, uploadModel } from "./transformer.ts";

/** @throws when the backend cannot start. */
export async function createTensorflowTrainer(
  backend: Backend,
  model: LanguageModel,
  adapter: AdapterShape,
  options: EngineOptions,
): Promise<LocalTrainer> {
  const engine = await openEngine(backend, options);
  // All at once, in memory: only what our own engines cannot run comes here.
  const tensors = await allTensors(model.tensors);
  return engine.run(async () => new TensorflowTrainer(engine, uploadModel(model.config, tensors), adapter));
}

class TensorflowTrainer implements LocalTrainer {
  readonly backend: Backend;
  readonly engine: EngineDescription;
  private readonly device: Engine;
  private readonly model: TransformerTensors;
  private readonly shape: AdapterShape;

  constructor(device: Engine, model: TransformerTensors, shape: AdapterShape) {
    this.device = device;
    this.engine = device.description;
    this.backend = device.description.backend;
    this.model = model;
    this.shape = shape;
  }

  async warmUp(dataset: Dataset, training: TrainingOptions) {
    const { steps } = await this.trainRound(warmUpRequest(this.shape, training), dataset);
    return warmUpTimes(steps);
  }

  trainRound(
    request: RoundRequest,
    dataset: Dataset,
    onStep?: (step: TrainingStep) => unknown,
    signal?: AbortSignal,
  ): Promise<RoundOutcome> {
    return this.device.run(() => this.train(request, dataset, onStep, signal));
  }

  private async train(
    request: RoundRequest,
    dataset: Dataset,
    onStep: ((step: TrainingStep) => unknown) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<RoundOutcome> {
    const { mask, dropoutRate, values, training } = request;
    const placement = placeSubAdapter(this.shape, mask, rescaleFactor(training.rescale, dropoutRate));
    if (values.length !== placement.valueCount)
      throw new Error(`round: expected ${placement.valueCount} kept values, got ${values.length}`);
    const expansion = createExpansion(this.shape, placement);
    let state = initTraining(values, placement.slotCount);
    const take = async (_number: number, batch: Batch) => {
      const stepped = trainStep(this.model, expansion, batch, state, training);
      state = stepped.state;
      return this.device.read(stepped.report);
    };
    try {
      const steps = await takeSteps(request, dataset, take, onStep, signal);
      const trained = await this.device.read(state.slots.clone());
      return { delta: values.map((value, i) => (trained[i] as number) - value), steps };
    } finally {
      disposeTraining(state);
      expansion.dispose();
    }
  }

  async evaluate(dataset: Dataset, adapter?: Float32Array): Promise<Evaluation> {
    if (isJudged(dataset)) return evaluateScores(dataset, await this.scores(dataset, adapter));
    return this.withAdapter(adapter, (factors) =>
      evaluateTokens(dataset, (batch) => this.compute(() => tokenLosses(this.model, batch, factors?.()))),
    );
  }

  /** The base model has no head; a zero one predicts every class alike. */
  scores(dataset: Dataset, adapter: Float32Array | undefined): Promise<Float32Array[]> {
    return this.withAdapter(adapter ?? new Float32Array(adapterSize(this.shape)), (factors) =>
      scoresOf(dataset, (batch) => this.compute(() => headLogits(this.model, batch, factors?.()))),
    );
  }

  gradient(dataset: Dataset, adapter: Float32Array): Promise<Float32Array> {
    const batch = createBatch(
      dataset,
      Array.from({ length: sampleCount(dataset) }, (_, row) => row),
    );
    return this.withSlots(adapter, async (expansion, slots) => {
      const padded = await this.compute(() => lossAndGradient(this.model, expansion, batch, slots).gradient);
      return padded.slice(0, adapter.length);
    });
  }

  async generate(
    promptIds: readonly number[],
    { maxTokens, temperature, topK, seed, prefixLength }: GenerationOptions,
    adapter?: Float32Array,
    onToken?: (id: number) => void,
  ): Promise<number[]> {
    const { maxPositions, endOfTextId, endIds } = this.model.config;
    const random = createRandom(seed, "generate");
    const ids = promptIds.length > 0 ? [...promptIds] : [endOfTextId];
    const generated: number[] = [];
    return this.withAdapter(adapter, async (factors) => {
      while (generated.length < maxTokens) {
        const context = lastIds(ids, maxPositions, prefixLength);
        const logits = await this.compute(() => this.nextLogits(context, factors?.()));
        const id = sampleToken(logits, temperature, topK, random);
        if (endIds.includes(id)) break;
        ids.push(id);
        generated.push(id);
        onToken?.(id);
      }
      return generated;
    });
  }

  dispose(): void {
    this.model.dispose();
  }

  /** Logits [1, V] of the token after `context`. */
  private nextLogits(context: readonly number[], factors: AdapterTensors | undefined): tf.Tensor {
    const { maxPositions, width } = this.model.config;
    // A multiple of 4 for the vec4 kernels; causal attention never looks at the padding.
    const length = Math.min(maxPositions, 4 * Math.ceil(context.length / 4));
    const ids = new Int32Array(length);
    ids.set(context);
    const hidden = hiddenStates(this.model, { ids, batchSize: 1, length }, factors);
    return tokenLogits(this.model, tf.slice(hidden, [context.length - 1, 0], [1, width]));
  }

  /** Runs a forward pass and reads its result; events are let in first. */
  private async compute(forward: () => tf.Tensor): Promise<Float32Array> {
    await yieldToEvents();
    return this.device.read(tf.tidy(forward));
  }

  /** Gives `use` the full adapter's factors (flat-vector layout) while it runs. */
  private withAdapter<T>(
    adapter: Float32Array | undefined,
    use: (factors: (() => AdapterTensors) | undefined) => Promise<T>,
  ): Promise<T> {
    return adapter
      ? this.withSlots(adapter, (expansion, slots) => use(() => expansion.expand(slots)))
      : this.device.run(() => use(undefined));
  }

  private withSlots<T>(
    adapter: Float32Array,
    use: (expansion: Expansion, slots: tf.Tensor1D) => Promise<T>,
  ): Promise<T> {
    return this.device.run(async () => {
      if (adapter.length !== adapterSize(this.shape))
        throw new Error(`adapter: expected ${adapterSize(this.shape)} values, got ${adapter.length}`);
      const placement = placeFullAdapter(this.shape);
      const expansion = createExpansion(this.shape, placement);
      const slots = tf.tensor1d(padToSlots(adapter, placement.slotCount));
      try {
        return await use(expansion, slots);
      } finally {
        slots.dispose();
        expansion.dispose();
      }
    });
  }
}
