/** What a task is: texts on devices, a held-out set, a metric and a story. Pure data; no tensors, no files. */
import type { Sample } from "@fedlodrop/run";

/** Settings that make the task worth watching; the host may change them. */
export interface RecommendedSettings {
  /** Tokens of one training window (language model) or the cut of one sample (classification). */
  readonly sequenceLength: number;
  readonly batchSize: number;
  readonly localSteps: number;
  readonly learningRate: number;
  readonly rounds: number;
  readonly rank: number;
  /** Training samples (classification) or windows (language model) each device holds. */
  readonly samplesPerDevice: number;
  readonly dropoutRate: number;
  readonly split: SplitRule;
}

export interface TaskDefinition {
  readonly name: string;
  readonly title: string;
  /** One line for a classroom. */
  readonly story: string;
  readonly kind: "language-model" | "classification";
  /** Class names, in label order; empty for language modelling. */
  readonly labels: readonly string[];
  readonly metric: "perplexity" | "accuracy";
  readonly recommended: RecommendedSettings;
  /** Openings for the try-it box. */
  readonly prompts: readonly string[];
}

/** How training texts are dealt to devices. */
export type SplitRule =
  | { readonly kind: "natural" }
  | { readonly kind: "iid" }
  | { readonly kind: "dirichlet"; readonly alpha: number };

/** One natural owner of texts: a president, a mailbox, a genre. Its held-out texts are fixed before any run. */
export interface TextGroup {
  readonly name: string;
  readonly train: readonly Sample[];
  readonly heldOut: readonly Sample[];
}

export interface DeviceSplit {
  /** Whose texts these are, e.g. "Ronald Reagan". */
  readonly name: string;
  readonly train: readonly Sample[];
}

export interface PreparedTask {
  readonly definition: TaskDefinition;
  readonly devices: readonly DeviceSplit[];
  readonly heldOut: readonly Sample[];
}
