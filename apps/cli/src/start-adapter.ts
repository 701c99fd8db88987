/** Adapters in PEFT's form, as a run begins with them and gives them away. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  adapterFromPeft,
  adapterToPeft,
  type LanguageModel,
  type ModelConfig,
  parseSafetensors,
  serializeSafetensors,
} from "@fedlodrop/lm";
import { readModel } from "@fedlodrop/lm/node";
import type { AdapterShape, RunConfig } from "@fedlodrop/run";
import { zipSync } from "fflate";
import { modelCard, type RunFacts } from "./model-card.ts";
import { inPlainWords } from "./plain-error.ts";

type StartAdapter = ReturnType<typeof adapterFromPeft>;

/** @param directory with adapter_config.json and adapter_model.safetensors
 *  @throws one line naming the file, when it is no adapter of this model that ours can be */
async function readPeftAdapter(directory: string, config: ModelConfig): Promise<StartAdapter> {
  const read = async <T>(name: string, parse: (bytes: Uint8Array) => T): Promise<T> => {
    const path = join(directory, name);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new Error(`adapter: ${inPlainWords(cause)}`, { cause });
    });
    try {
      return parse(bytes);
    } catch (cause) {
      throw new Error(`adapter: ${path}: ${inPlainWords(cause)}`, { cause });
    }
  };
  const settings = await read(
    "adapter_config.json",
    (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
  );
  const tensors = await read("adapter_model.safetensors", parseSafetensors);
  return adapterFromPeft(config, settings, tensors);
}

/** What of a run's settings its first adapter decides. */
export async function termsOfAdapter(
  directory: string,
  modelDirectory: string,
): Promise<Pick<RunConfig, "rank" | "alpha" | "targetModules">> {
  const { model } = await readModel(modelDirectory);
  const { shape, targetModules } = await readPeftAdapter(directory, model.config);
  return { rank: shape.rank, alpha: shape.alpha, targetModules: [...targetModules] };
}

/** The adapter, of the shape that the run has. @throws one line when its classes are not as many as the task's */
export async function startingAdapter(
  directory: string,
  { config }: LanguageModel,
  shape: AdapterShape,
): Promise<Float32Array> {
  const own = await readPeftAdapter(directory, config);
  const classes = ({ dense }: AdapterShape): number => dense.at(-1)?.shape[0] ?? 0;
  if (classes(own.shape) !== classes(shape))
    throw new Error(
      `adapter: ${directory} tells ${classes(own.shape) || "no"} classes apart, and the task has ${classes(shape) || "none"}`,
    );
  return own.adapter;
}

export interface PeftFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The files of PEFT's folder. @param baseModel name or folder under which PEFT finds the base model */
export function peftFiles(
  config: ModelConfig,
  shape: AdapterShape,
  adapter: Float32Array,
  baseModel: string,
  facts: RunFacts,
): readonly PeftFile[] {
  const { config: settings, tensors } = adapterToPeft(config, shape, adapter, baseModel);
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  return [
    { name: "adapter_config.json", bytes: text(`${JSON.stringify(settings, null, 2)}\n`) },
    { name: "adapter_model.safetensors", bytes: serializeSafetensors(tensors, { format: "pt" }) },
    { name: "README.md", bytes: text(modelCard(facts, shape)) },
  ];
}

/** As one file; trained numbers do not shrink. */
export const zipped = (files: readonly PeftFile[]): Uint8Array =>
  zipSync(Object.fromEntries(files.map(({ name, bytes }) => [name, bytes])), { level: 0 });
