/** The main thread's door to the language model: everything that touches tensors happens in a worker thread. */
import type { RoundEvaluation, Sample } from "@fedlodrop/run";
import type { EvaluationTexts, EvaluatorCalls, ModelTerms, OpenedModel } from "./evaluator-calls.ts";
import { startThread, type Thread } from "./thread.ts";

export interface Evaluator extends OpenedModel {
  /** Takes other held-out texts for the evaluations that follow. */
  measureOn(heldOut: readonly Sample[]): Promise<void>;
  evaluate(adapter: Float32Array, parts: readonly number[], alone?: boolean): Promise<RoundEvaluation>;
  serialize(adapter: Float32Array): Promise<Uint8Array>;
  readonly serializePeft: EvaluatorCalls["serializePeft"];
  close(): Promise<void>;
}

const start = (): Thread<EvaluatorCalls> =>
  startThread<EvaluatorCalls>(new URL("./evaluator-thread.ts", import.meta.url));

let spare: Thread<EvaluatorCalls> | null = null;

/** Starts the next evaluator's thread, whose modules load while its caller does something else. */
export function prepareEvaluator(): void {
  spare ??= start();
}

/** Throws in one line when the model cannot be used. */
export async function openEvaluator(
  modelDirectory: string,
  terms: ModelTerms,
  texts: EvaluationTexts | null,
): Promise<Evaluator> {
  const thread = spare ?? start();
  spare = null;
  try {
    return {
      ...(await thread.call("open", { modelDirectory, terms, texts })),
      measureOn: (heldOut) => thread.call("measureOn", heldOut),
      evaluate: (adapter, parts, alone = false) => thread.call("evaluate", { adapter, parts, alone }),
      serialize: (adapter) => thread.call("serialize", adapter),
      serializePeft: (given) => thread.call("serializePeft", given),
      close: () => thread.close(),
    };
  } catch (error) {
    await thread.close();
    throw error;
  }
}
