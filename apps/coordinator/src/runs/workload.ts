/** What a run computes, given by whoever composes the program: the coordinator knows neither models nor tasks. */
import type { RunDescription } from "@fedlodrop/protocol";
import type {
  AdapterShape,
  DeviceTexts,
  ModelManifest,
  RoundEvaluation,
  RunConfig,
  RunReport,
} from "@fedlodrop/run";

/** Parts of the training texts, by their numbers. */
export interface EvaluatedParts {
  /** Of those whose updates are in the adapter. */
  readonly trained: readonly number[];
  /** Of those whose owners' held-out texts are measured. */
  readonly measured: readonly number[];
}

/** What devices are served: all that a gateway needs of a workload. */
export interface RunFiles {
  /** Parts the training texts are dealt into. */
  readonly deviceCount: number;
  deviceSplit(index: number): DeviceTexts;
  /** Folder with the base model's files. */
  readonly modelDirectory: string;
  /** What of it is served. */
  readonly modelManifest: ModelManifest;
}

export interface Workload extends RunFiles {
  readonly adapter: AdapterShape;
  readonly task: RunDescription["task"];
  /** Windows or samples of the largest split; null when participants bring their own texts. */
  readonly largestSplit: number | null;
  /** Loss of full adapters, off the event loop, on held-out texts and on those trained on; null when nobody evaluates.
   *  @param alone nobody trains any more: it may take the whole machine */
  readonly evaluate:
    | ((adapter: Float32Array, parts: EvaluatedParts, alone?: boolean) => Promise<RoundEvaluation>)
    | null;
  /** What the first round begins with; null begins with one that changes nothing yet. */
  readonly startingAdapter: Float32Array | null;
  /** The adapter as a safetensors file. */
  serializeAdapter(adapter: Float32Array): Promise<Uint8Array>;
  /** As PEFT loads it: a zip of its folder, with the facts of the run. */
  serializePeft(adapter: Float32Array, facts: RunReport): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Throws in one line what is wrong with the model or the task. */
export type LoadWorkload = (config: RunConfig) => Promise<Workload>;
