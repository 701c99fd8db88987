/** What the language model's thread is asked, and what for: known to both of its sides. */
import type { AdapterShape, RoundEvaluation, RunConfig, Sample, TaskKind } from "@fedlodrop/run";
import type { RunFacts } from "./model-card.ts";

export interface ModelTerms
  extends Pick<RunConfig, "rank" | "alpha" | "targetModules" | "baseType" | "startFrom" | "seed"> {
  /** Outputs of the head: one a class, 1 for a number, 0 for a language model. */
  readonly labelCount: number;
  readonly sequenceLength: number;
}

export interface EvaluationTexts {
  readonly kind: TaskKind;
  /** Windows or samples of each set. */
  readonly count: number;
  readonly heldOut: readonly Sample[];
  /** What the model is asked after each round; null of a task without prompts. */
  readonly prompt: string | null;
  /** What the task calls its classes. */
  readonly labels: readonly string[];
  /** Of each part that the training texts are dealt into. */
  readonly splits: readonly (readonly Sample[])[];
}

export interface OpenedModel {
  readonly adapter: AdapterShape;
  /** What the first round begins with; null begins with an adapter that changes nothing yet. */
  readonly startingAdapter: Float32Array | null;
  /** Windows or samples of the largest split; null without texts. */
  readonly largestSplit: number | null;
  /** What is odd about the model's files. */
  readonly warnings: readonly string[];
}

export type EvaluatorCalls = {
  /** @throws in one line when the model folder cannot be used. */
  open(given: {
    readonly modelDirectory: string;
    readonly terms: ModelTerms;
    readonly texts: EvaluationTexts | null;
  }): Promise<OpenedModel>;
  /** Other held-out texts, of the same kind. @throws when the model was opened without texts */
  measureOn(heldOut: readonly Sample[]): Promise<void>;
  /** Losses and a showcase: on the held-out texts, and evenly on the training texts of `parts`; half as
   *  long again for parts that differ from the last ones, on which what the run began with is measured too.
   *  @throws when there are no texts */
  evaluate(given: {
    readonly adapter: Float32Array;
    readonly parts: readonly number[];
    /** Nobody trains beside it. */
    readonly alone: boolean;
  }): Promise<RoundEvaluation>;
  /** As a safetensors file. */
  serialize(adapter: Float32Array): Promise<Uint8Array>;
  /** As PEFT's folder, zipped. @param baseModel under which PEFT finds it */
  serializePeft(given: {
    readonly adapter: Float32Array;
    readonly baseModel: string;
    readonly facts: RunFacts;
  }): Promise<Uint8Array>;
};
