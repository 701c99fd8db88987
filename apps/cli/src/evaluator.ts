/** The main thread's door to the language model: everything that touches tensors happens in a worker thread. */
import type { AdapterShape, RoundEvaluation, RunConfig, Sample } from "@fedlodrop/run";
import type { EvaluatorCalls } from "./evaluator-thread.ts";
import { startThread } from "./thread.ts";

export interface ModelTerms extends Pick<RunConfig, "rank" | "alpha" | "targetModules"> {
  /** 0 for a language model. */
  readonly labelCount: number;
  readonly sequenceLength: number;
}

export interface EvaluationTexts {
  readonly kind: "language-model" | "classification";
  /** Windows or samples of each set. */
  readonly count: number;
  readonly heldOut: readonly Sample[];
  /** Of each part that the training texts are dealt into. */
  readonly splits: readonly (readonly Sample[])[];
}

export interface Evaluator {
  readonly adapter: AdapterShape;
  /** Windows or samples of the largest split; null without texts. */
  readonly largestSplit: number | null;
  /** What is odd about the model's files. */
  readonly warnings: readonly string[];
  /** On the held-out texts, and evenly on the training texts of `parts`. */
  evaluate(adapter: Float32Array, parts: readonly number[]): Promise<RoundEvaluation>;
  serialize(adapter: Float32Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Throws in one line when the model cannot be used. */
export async function openEvaluator(
  modelDirectory: string,
  terms: ModelTerms,
  texts: EvaluationTexts | null,
): Promise<Evaluator> {
  const thread = startThread<EvaluatorCalls>(new URL("./evaluator-thread.ts", import.meta.url));
  try {
    return {
      ...(await thread.call("open", { modelDirectory, terms, texts })),
      evaluate: (adapter, parts) => thread.call("evaluate", { adapter, parts }),
      serialize: (adapter) => thread.call("serialize", adapter),
      close: () => thread.close(),
    };
  } catch (error) {
    await thread.close();
    throw error;
  }
}
