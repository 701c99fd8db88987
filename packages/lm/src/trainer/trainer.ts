/**
 * What a training engine does for one participant. Several engines implement it (tfjs CPU autograd as the oracle,
 * WASM, WebGPU; a fused WebGPU engine has its place here too) and all pass `trainer.contract.ts`.
 * Values go in and come out as plain arrays in wire order (`keptIndices`), so no caller ever holds a tensor.
 */
import type { Backend, DropoutMask } from "@fedlodrop/run";
import type { Rescale } from "../adapter/rescale.ts";
import type { Dataset } from "../data/dataset.ts";
import type { EngineDescription } from "./engine-description.ts";

export interface TrainingOptions {
  /** E, optimiser steps per round. */
  readonly localSteps: number;
  readonly batchSize: number;
  /** AdamW; the optimiser state lives for one round. */
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly rescale: Rescale;
}

export interface RoundRequest {
  readonly mask: DropoutMask;
  readonly dropoutRate: number;
  /** The sub-adapter as downloaded: kept values only. */
  readonly values: Float32Array;
  readonly training: TrainingOptions;
  /** Seeds the order of the batches. */
  readonly batchSeed: string;
}

export interface TrainingStep {
  /** 1 … localSteps. */
  readonly step: number;
  /** Mean loss of the step's batch before its update, nats. */
  readonly loss: number;
  /** L2 norm of the gradient over the kept values. */
  readonly gradientNorm: number;
  readonly seconds: number;
  readonly tokens: number;
}

export interface RoundOutcome {
  /** trained − downloaded, kept values in wire order. */
  readonly delta: Float32Array;
  readonly steps: readonly TrainingStep[];
}

export interface Evaluation {
  /** Mean loss: nats a token of a language model or of answers, nats a sample of classification, squared error of regression. */
  readonly loss: number;
  /** Fraction of samples classified rightly; of classification only. */
  readonly accuracy?: number;
  /** Matthews' correlation; of classification only. */
  readonly matthews?: number;
  /** Positive-class F1 of a two-label classification. */
  readonly f1?: number;
  /** Correlations of a regression's estimates with what is true, where these vary. */
  readonly pearson?: number;
  readonly spearman?: number;
  /** 99th minus 1st percentile of the mean losses of single windows or samples, in the loss's unit. */
  readonly exampleLossSpread: number;
  /** What the mean is over: predicted tokens or samples. */
  readonly count: number;
}

export interface GenerationOptions {
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly seed: string;
  /** Of the prompt: the tokenizer's prefix in it, which stays when the context is full. None unless given. */
  readonly prefixLength?: number;
}

export interface Trainer {
  readonly backend: Backend;
  /** Runs one throw-away step, so that shaders are compiled and kernels chosen before a deadline clock starts. */
  warmUp(
    dataset: Dataset,
    training: TrainingOptions,
  ): Promise<{ readonly firstStepSeconds: number; readonly stepSeconds: number }>;
  /** Fine-tunes the kept entries; `onStep` is called after each step and awaited before the next. Rejects when `signal` aborts. */
  trainRound(
    request: RoundRequest,
    dataset: Dataset,
    onStep?: (step: TrainingStep) => unknown,
    signal?: AbortSignal,
  ): Promise<RoundOutcome>;
  /** Loss of the base model (`adapter` undefined; classification then has a zero head) or of the full adapter, flat-vector layout. */
  evaluate(dataset: Dataset, adapter?: Float32Array): Promise<Evaluation>;
  /** What the head makes of each sample: a score a class, of which `probabilitiesOf` makes probabilities, or the estimate.
   *  @param dataset of classification or regression */
  scores(dataset: Dataset, adapter: Float32Array | undefined): Promise<Float32Array[]>;
  /** Continues `promptIds`; `onToken` sees each id as it is drawn. */
  generate(
    promptIds: readonly number[],
    options: GenerationOptions,
    adapter?: Float32Array,
    onToken?: (id: number) => void,
  ): Promise<number[]>;
  dispose(): void;
}

/** A trainer in this process, which can say what it runs on. */
export interface LocalTrainer extends Trainer {
  readonly engine: EngineDescription;
  /** Gradient of the mean loss over the whole dataset, as one batch, in every entry of a full adapter. */
  gradient(dataset: Dataset, adapter: Float32Array): Promise<Float32Array>;
}
