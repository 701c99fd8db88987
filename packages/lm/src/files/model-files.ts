/** A model from its Hugging Face files, wherever they are read from. */
import type { ModelFile } from "@fedlodrop/run";
import type { Tokenizer } from "../data/tokenizer.ts";
import { isParameter, modelFromCheckpoint } from "../models/checkpoint.ts";
import { parseConfig, type TransformerConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { parseSafetensors } from "./safetensors.ts";
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

/** Gives the bytes of one file, by fetch or from a folder; null when there is none. */
export type ReadFile = (file: ModelFile) => Promise<Uint8Array | null>;

/** @throws one line that begins with the name of the file that is missing or wrong */
export async function loadModel(read: ReadFile): Promise<LoadedModel> {
  const [{ shape, tokenizer, warnings }, weights] = await Promise.all([
    loadTokenizer(read),
    required(read, "model.safetensors"),
  ]);
  const model = inFile("model.safetensors", () =>
    modelFromCheckpoint(shape, parseSafetensors(weights, isParameter(shape))),
  );
  return { model, tokenizer, warnings };
}

/** The tokenizer without the weights. @throws as `loadModel` does */
export async function loadTokenizer(
  read: ReadFile,
): Promise<Omit<LoadedModel, "model"> & { readonly shape: TransformerConfig }> {
  const [config, tokenizerJson, tokenizerConfig] = await Promise.all([
    required(read, "config.json").then(parseJson("config.json")),
    required(read, "tokenizer.json").then(parseJson("tokenizer.json")),
    optional(read, "tokenizer_config.json").then((bytes) =>
      bytes === null ? DEFAULT_TOKENIZER_CONFIG : parseJson("tokenizer_config.json")(bytes),
    ),
  ]);
  const shape = parseConfig(config, endOfTextOf(tokenizerJson, tokenizerConfig));
  return { shape, ...createTokenizer(tokenizerJson, tokenizerConfig, shape) };
}

async function optional(read: ReadFile, name: ModelFile): Promise<Uint8Array | null> {
  const bytes = await read(name);
  if (bytes !== null && new TextDecoder().decode(bytes.subarray(0, LFS_POINTER.length)) === LFS_POINTER)
    throw new Error(
      `${name}: is a git-lfs pointer, not the file itself; run "git lfs pull" in the model's folder`,
    );
  return bytes;
}

async function required(read: ReadFile, name: ModelFile): Promise<Uint8Array> {
  const bytes = await optional(read, name);
  if (bytes === null) throw new Error(`${name}: there is no such file`);
  return bytes;
}

const parseJson =
  (name: ModelFile) =>
  (bytes: Uint8Array): unknown => {
    try {
      // TextDecoder leaves out a byte order mark.
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new Error(`${name}: expected JSON, got ${bytes.byteLength} other bytes`, { cause });
    }
  };

function inFile<T>(name: ModelFile, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
