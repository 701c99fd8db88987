/** Models, adapters and results of fixtures/models, which tools/verify/make_models.py has from transformers and peft. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AdapterShape } from "@fedlodrop/run";
import { labelsOf } from "../adapter/lora.ts";
import { adapterFromPeft } from "../adapter/peft.ts";
import { fullIndices, placeFullAdapter, toKernelOrder } from "../adapter/placement.ts";
import { createBatch, sampleCount } from "../data/batches.ts";
import { type Dataset, datasetFromSamples } from "../data/dataset.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { parseSafetensors } from "../files/safetensors.ts";
import { readModel } from "../node.ts";
import type { BufferId } from "../ops/buffer.ts";
import type { Engine } from "../plan/engine.ts";
import { planGeneration, readPrompt } from "../trainer/generation.ts";
import { planStep, STEP } from "../trainer/step-plan.ts";
import { writeBatch } from "../trainer/write-batch.ts";
import { architectureOf } from "./architecture.ts";
import type { LanguageModel } from "./language-model.ts";

const FOLDER = new URL("../../fixtures/models/", import.meta.url).pathname;

export interface TokenCase {
  readonly text: string;
  readonly ids: readonly number[];
  readonly special: readonly number[];
  readonly decoded: string;
}

/** What the libraries computed, in float64 but for tokens. */
interface Expected {
  readonly tokens: readonly TokenCase[];
  readonly windows?: readonly number[][];
  readonly sequences?: readonly number[][];
  readonly labels?: readonly number[];
  /** Numbers to be estimated, of the sequences or of pairs of texts. */
  readonly values?: readonly number[];
  readonly pairs?: readonly (readonly [text: string, pair: string])[];
  readonly maxLength?: number;
  /** Of the last token of every window, or of every sequence. */
  readonly logits: readonly number[];
  readonly loss: number;
  /** Without the adapter. */
  readonly plainLoss?: number;
  /** A window's first tokens, and what they are continued with. */
  readonly greedy?: readonly number[];
}

export interface VerifiedModel {
  readonly model: LanguageModel;
  readonly expected: Expected;
  readonly shape: AdapterShape;
  readonly adapter: Float32Array;
  /** Of the loss, in the adapter's flat layout. */
  readonly gradient: Float32Array;
  readonly dataset: Dataset;
}

export const folderOf = (name: string): string => join(FOLDER, name);

export async function readJson<T>(name: string, file: string): Promise<T> {
  return JSON.parse(await readFile(join(FOLDER, name, file), "utf8")) as T;
}

export async function openVerified(name: string): Promise<VerifiedModel> {
  const { model, tokenizer } = await readModel(folderOf(name));
  const expected = await readJson<Expected>(name, "expected.json");
  const tensors = async (file: string) => parseSafetensors(await readFile(join(FOLDER, name, file)));
  const config = await readJson<unknown>(name, "adapter/adapter_config.json");
  const { shape, adapter } = adapterFromPeft(
    model.config,
    config,
    await tensors("adapter/adapter_model.safetensors"),
  );
  const gradient = adapterFromPeft(model.config, config, await tensors("gradients.safetensors")).adapter;
  const dataset = datasetOf(expected, tokenizer);
  return { model, expected, shape, adapter, gradient, dataset };
}

function datasetOf(expected: Expected, tokenizer: Tokenizer): Dataset {
  const { windows, labels, values, pairs, maxLength = 0 } = expected;
  const ids = (rows: readonly number[][] = []) => rows.map((row) => Int32Array.from(row));
  if (windows) return { kind: "language-model", windows: ids(windows) };
  if (pairs) {
    const samples = pairs.map(([text, pair], row) => ({ text, pair, value: values?.[row] as number }));
    return datasetFromSamples(samples, tokenizer, { kind: "regression", sequenceLength: maxLength });
  }
  const sequences = ids(expected.sequences);
  const secondFrom = Int32Array.from(sequences, ({ length }) => length);
  return values
    ? { kind: "regression", sequences, secondFrom, values: Float32Array.from(values) }
    : { kind: "classification", sequences, secondFrom, labels: Int32Array.from(labels ?? []) };
}

/** Logits of the last token of every window, or of every sequence. */
export async function logitsOf(
  engine: Engine,
  { model, shape, adapter, dataset }: VerifiedModel,
): Promise<number[]> {
  const architecture = architectureOf(model.config);
  const placement = placeFullAdapter(shape);
  if (dataset.kind !== "language-model") {
    const batch = createBatch(dataset, [...Array(sampleCount(dataset)).keys()]);
    const sizes = { batch: batch.batchSize, length: batch.length, labels: labelsOf(shape) };
    const plan = planStep(architecture, { ...sizes, placement, purpose: "evaluate" });
    const execution = await engine.prepare(plan.plan);
    execution.write(plan.adapter?.values as BufferId, toKernelOrder(adapter, placement));
    execution.write(plan.adapter?.indices as BufferId, fullIndices(shape));
    writeBatch(execution, plan, batch, architecture);
    const [logits] = await execution.run(STEP, [plan.logits as BufferId]);
    return [...(logits as Float32Array)];
  }
  const logits: number[] = [];
  const plan = planGeneration(architecture, 16, 32, placement);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.adapter?.values as BufferId, toKernelOrder(adapter, placement));
  execution.write(plan.adapter?.indices as BufferId, fullIndices(shape));
  for (const window of dataset.windows)
    logits.push(...(await readPrompt(execution, plan, [...window.slice(0, -1)])));
  return logits;
}

/** ‖a − b‖ / ‖b‖. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length)
    throw new Error(`expected ${expected.length} values, got ${got.length}`);
  const wanted = Array.from(expected);
  return Math.hypot(...wanted.map((value, i) => (got[i] as number) - value)) / Math.hypot(...wanted);
}
