/** A model from its Hugging Face files, wherever they are read from. */
import type { Tokenizer } from "../data/tokenizer.ts";
import { modelFromCheckpoint } from "../models/checkpoint.ts";
import { type ModelConfig, parseConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { TensorSource } from "../models/tensor-source.ts";
import type { ByteSource } from "./bytes.ts";
import { openWeightsFile } from "./quantised.ts";
import { openShards } from "./shards.ts";
import { tokenizerJsonOf } from "./slow-tokenizer.ts";
import { createTokenizer, endOfTextOf } from "./tokenizer.ts";

export interface LoadedModel {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  /** What is odd about the files, though they can be used; one line each. */
  readonly warnings: readonly string[];
}

/** What git holds in place of a large file until git-lfs has fetched it. */
const LFS_POINTER = "version https://git-lfs.github.com/spec/";

/** For models without one: text comes back from ids as it was, spaces before punctuation included. */
const DEFAULT_TOKENIZER_CONFIG = { clean_up_tokenization_spaces: false };

/** Where a model's files lie. Both give null for a file that is not there. */
export interface ModelFolder {
  /** All of a small file. */
  read(file: string): Promise<Uint8Array | null>;
  /** A large one, to be read in parts. */
  open(file: string): Promise<ByteSource | null>;
}

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/** Reads of the weights only where they lie: they are fetched, one at a time, by whoever needs them.
 *  @throws one line that begins with the name of the file that is missing or wrong */
export async function loadModel(folder: ModelFolder): Promise<LoadedModel> {
  const weights = openWeights(folder);
  weights.catch(() => {}); // Heard of below: of two faults the same one is told every time.
  const { shape, tokenizer, warnings } = await loadTokenizer(folder);
  const { file, tensors } = await weights;
  return { model: await inFile(file, async () => modelFromCheckpoint(shape, tensors)), tokenizer, warnings };
}

async function openWeights(
  folder: ModelFolder,
): Promise<{ readonly file: string; readonly tensors: TensorSource }> {
  const open = async (file: string): Promise<TensorSource | null> => {
    const bytes = await folder.open(file);
    if (bytes === null) return null;
    expectNoPointer(file, await bytes.read(0, Math.min(bytes.byteLength, LFS_POINTER.length)));
    return inFile(file, () => openWeightsFile(bytes));
  };
  const whole = await open(WEIGHTS);
  if (whole !== null) return { file: WEIGHTS, tensors: whole };
  const index = await optional(folder, INDEX);
  if (index === null) throw missing(WEIGHTS);
  const parsed = parseJson(INDEX)(index);
  const openShard = async (file: string): Promise<TensorSource> => {
    const shard = await open(file);
    if (shard === null) throw missing(file);
    return shard;
  };
  return { file: INDEX, tensors: await inFile(INDEX, () => openShards(parsed, openShard)) };
}

/** The tokenizer without the weights. @throws as `loadModel` does */
export async function loadTokenizer(
  folder: ModelFolder,
): Promise<Omit<LoadedModel, "model"> & { readonly shape: ModelConfig }> {
  const [config, whole, tokenizerConfig, generation, template] = await Promise.all([
    required(folder, "config.json").then(parseJson("config.json")),
    optional(folder, "tokenizer.json"),
    optional(folder, "tokenizer_config.json").then((bytes) =>
      bytes === null ? DEFAULT_TOKENIZER_CONFIG : parseJson("tokenizer_config.json")(bytes),
    ),
    optional(folder, "generation_config.json").then((bytes) =>
      bytes === null ? null : parseJson("generation_config.json")(bytes),
    ),
    optional(folder, "chat_template.jinja").then((bytes) => bytes && new TextDecoder().decode(bytes)),
  ]);
  const tokenizerJson =
    whole === null
      ? await fromPredecessors(folder, config, tokenizerConfig)
      : parseJson("tokenizer.json")(whole);
  const tokenizers = endOfTextOf(tokenizerJson, tokenizerConfig);
  const shape = parseConfig(config, [
    ...endsIn(generation),
    ...(tokenizers === undefined ? [] : [tokenizers]),
  ]);
  return { shape, ...createTokenizer(tokenizerJson, tokenizerConfig, shape, template) };
}

/** What tokenizer.json would say, from the two files that stand in its place. */
async function fromPredecessors(
  folder: ModelFolder,
  config: unknown,
  tokenizerConfig: unknown,
): Promise<unknown> {
  const [vocabulary, merges] = await Promise.all([
    optional(folder, "vocab.json"),
    optional(folder, "merges.txt"),
  ]);
  if (vocabulary === null || merges === null) throw missing("tokenizer.json");
  const { model_type: modelType } = (config ?? {}) as { readonly model_type?: unknown };
  const text = new TextDecoder().decode(merges);
  return tokenizerJsonOf(modelType, parseJson("vocab.json")(vocabulary), text, tokenizerConfig);
}

/** Of generation_config.json, where newer models say it. */
function endsIn(generation: unknown): readonly number[] {
  const { eos_token_id: ids } = (generation ?? {}) as { readonly eos_token_id?: unknown };
  return (Array.isArray(ids) ? ids : [ids]).filter((id) => typeof id === "number");
}

async function optional(folder: ModelFolder, name: string): Promise<Uint8Array | null> {
  const bytes = await folder.read(name);
  if (bytes !== null) expectNoPointer(name, bytes);
  return bytes;
}

async function required(folder: ModelFolder, name: string): Promise<Uint8Array> {
  const bytes = await optional(folder, name);
  if (bytes === null) throw missing(name);
  return bytes;
}

const missing = (name: string): Error => new Error(`${name}: there is no such file`);

function expectNoPointer(name: string, bytes: Uint8Array): void {
  if (new TextDecoder().decode(bytes.subarray(0, LFS_POINTER.length)) === LFS_POINTER)
    throw new Error(
      `${name}: is a git-lfs pointer, not the file itself; run "git lfs pull" in the model's folder`,
    );
}

const parseJson =
  (name: string) =>
  (bytes: Uint8Array): unknown => {
    try {
      // TextDecoder leaves out a byte order mark.
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new Error(`${name}: expected JSON, got ${bytes.byteLength} other bytes`, { cause });
    }
  };

async function inFile<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
