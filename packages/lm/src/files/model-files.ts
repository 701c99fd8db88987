/** A model from its Hugging Face files, wherever they are read from. */

import type { Tokenizer } from "../data/tokenizer.ts";
import { modelFromCheckpoint } from "../models/checkpoint.ts";
import { parseConfig } from "../models/config.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { parseSafetensors } from "./safetensors.ts";
import { createTokenizer } from "./tokenizer.ts";

/** Files of a model folder that are read. */
export const MODEL_FILES = [
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
] as const;
export type ModelFile = (typeof MODEL_FILES)[number];

export interface LoadedModel {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
}

/** @param read gives the bytes of one file, by fetch or from a folder @throws one line naming the file that is wrong */
export async function loadModel(read: (file: ModelFile) => Promise<Uint8Array>): Promise<LoadedModel> {
  const json = async (name: ModelFile): Promise<unknown> => {
    const bytes = await read(name);
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new Error(`${name}: expected JSON, got ${bytes.byteLength} other bytes`, { cause });
    }
  };
  const [config, tokenizerJson, tokenizerConfig, weights] = await Promise.all([
    json("config.json").then(parseConfig),
    json("tokenizer.json"),
    json("tokenizer_config.json"),
    read("model.safetensors"),
  ]);
  return {
    tokenizer: createTokenizer(tokenizerJson, tokenizerConfig, config),
    model: modelFromCheckpoint(config, parseSafetensors(weights)),
  };
}
