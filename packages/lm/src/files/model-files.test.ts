/** Whole model folders: the bundled base against its float64 reference, and folders with something wrong. */
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { adapterShape } from "../adapter/lora.ts";
import { openEngine } from "../engines/tfjs/open.ts";
import { hiddenStates, tokenLogits, uploadModel } from "../engines/tfjs/transformer.ts";
import { readModel, wasmDirectory } from "../node.ts";
import { createTrainer } from "../trainer/open.ts";
import { loadModel, type ModelFile } from "./model-files.ts";
import { createTokenizer } from "./tokenizer.ts";

const base = new URL("../../../../models/base/", import.meta.url).pathname;

interface Reference {
  readonly prompts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly meanNll: number;
    readonly lastLogits: readonly number[];
  }[];
  readonly encodings: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

describe("the bundled base model", () => {
  const reference = JSON.parse(readFileSync(`${base}reference.json`, "utf8")) as Reference;

  test("encodes as the reference tokenizer does, and back", async () => {
    const { tokenizer } = await readModel(base);
    for (const { text, ids } of [...reference.encodings, ...reference.prompts]) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test("has the reference loss", async () => {
    const { model } = await readModel(base);
    const shape = adapterShape(model.config, { rank: 1, alpha: 1, targetModules: ["attn.c_attn"] });
    const trainer = await createTrainer({
      backend: "wasm",
      model,
      adapter: shape,
      wasmBase: wasmDirectory(),
    });
    for (const { ids, meanNll } of reference.prompts) {
      const windows = [Int32Array.from(ids)];
      const { loss } = await trainer.evaluate({ kind: "language-model", windows });
      expect(Math.abs(loss - meanNll)).toBeLessThan(1e-5);
    }
    trainer.dispose();
  });

  test("refuses another model's size of vocabulary", async () => {
    const { model } = await readModel(base);
    const json = (name: string): unknown => JSON.parse(readFileSync(base + name, "utf8"));
    const open = (vocabularySize: number) =>
      createTokenizer(json("tokenizer.json"), json("tokenizer_config.json"), {
        ...model.config,
        vocabularySize,
      });
    expect(() => open(4096)).toThrow("tokenizer: has 2048 ids, but the model's vocab_size is 4096");
    expect(() => open(1024)).toThrow("tokenizer: has 2048 ids, but the model's vocab_size is 1024");
    expect(open(2048 + 64).encode("the")).toEqual(open(2048).encode("the"));
  });

  test("computes the reference logits", async () => {
    await (await openEngine("wasm", { wasmBase: wasmDirectory() })).run(async () => undefined);
    const { model } = await readModel(base);
    const transformer = uploadModel(model);
    for (const { ids, lastLogits } of reference.prompts) {
      const logits = tf.tidy(() => {
        const tokens = { ids: Int32Array.from(ids), batchSize: 1, length: ids.length };
        const hidden = hiddenStates(transformer, tokens);
        return tokenLogits(transformer, tf.slice(hidden, [ids.length - 1, 0], [1, -1]));
      });
      const got = logits.dataSync();
      const worst = Math.max(...lastLogits.map((expected, i) => Math.abs(expected - (got[i] as number))));
      expect(worst).toBeLessThan(1e-4);
      logits.dispose();
    }
    transformer.dispose();
  });
});

describe("a model folder that is not right", () => {
  const good = async (file: ModelFile): Promise<Uint8Array> => {
    const contents: Readonly<Record<ModelFile, unknown>> = {
      "config.json": {
        model_type: "gpt2",
        vocab_size: 2,
        n_positions: 4,
        n_embd: 2,
        n_layer: 1,
        n_head: 1,
        eos_token_id: 0,
      },
      "tokenizer.json": {
        model: { type: "BPE", vocab: { "<|endoftext|>": 0, a: 1 }, merges: [] },
        added_tokens: [{ id: 0, content: "<|endoftext|>", special: true }],
        normalizer: null,
        pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
        post_processor: null,
        decoder: { type: "ByteLevel" },
      },
      "tokenizer_config.json": {},
      "model.safetensors": {},
    };
    return new TextEncoder().encode(JSON.stringify(contents[file]));
  };
  const but = (name: ModelFile, text: string) => (file: ModelFile) =>
    file === name ? Promise.resolve(new TextEncoder().encode(text)) : good(file);

  test.each([
    ["config.json", "{", "config.json: expected JSON, got 1 other bytes"],
    ["config.json", '{"model_type":"llama"}', 'config.json: expected model_type to be "gpt2", got "llama"'],
    ["tokenizer.json", "{}", "tokenizer: expected tokenizer.json to have model.vocab, got none"],
    [
      "tokenizer.json",
      '{"model":{"vocab":{"a":0,"b":1,"c":2}}}',
      "tokenizer: has 3 ids, but the model's vocab_size is 2; use the tokenizer.json that came with the model",
    ],
    [
      "tokenizer.json",
      '{"model":{"vocab":{"a":0,"b":1}}}',
      "tokenizer: expected a special token with the model's eos_token_id 0, got none",
    ],
    ["model.safetensors", "not a model", /^safetensors: header says \d+ bytes/],
  ] as const)("%s: %s", async (name, text, message) => {
    await expect(loadModel(but(name, text))).rejects.toThrow(message);
  });

  test("a missing folder names the file", async () => {
    await expect(readModel("/nowhere")).rejects.toThrow(/^model: cannot read \/nowhere\/\S+$/);
  });
});
