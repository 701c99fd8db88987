/** Whole model folders: the bundled base against its float64 reference, and folders with something wrong. */
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { adapterShape } from "../adapter/lora.ts";
import { openEngine } from "../engines/tfjs/open.ts";
import { hiddenStates, tokenLogits, uploadModel } from "../engines/tfjs/transformer.ts";
import { allTensors } from "../models/tensor-source.ts";
import { nodeHost, readModel, wasmDirectory } from "../node.ts";
import { createTrainer } from "../trainer/open.ts";
import { bytesInMemory } from "./bytes.ts";
import { loadModel, type ModelFolder } from "./model-files.ts";
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

  test("needs no tokenizer_config.json, nor an eos_token_id that the tokenizer knows", async () => {
    const { tokenizer, model } = await readModel(base);
    const bare = await loadModel({
      open: async (name) => bytesInMemory(await readFile(base + name)),
      async read(name) {
        if (["tokenizer_config.json", "generation_config.json", "chat_template.jinja"].includes(name))
          return null;
        const bytes = await readFile(base + name);
        if (name !== "config.json") return bytes;
        const { eos_token_id: _, ...config } = JSON.parse(bytes.toString());
        return Buffer.from(JSON.stringify(config));
      },
    });
    expect(bare.model.config).toEqual(model.config);
    for (const { text, ids } of reference.encodings) {
      expect(bare.tokenizer.encode(text)).toEqual(ids);
      expect(bare.tokenizer.decode(ids)).toBe(tokenizer.decode(ids));
    }
  });

  test("takes what ends a text from generation_config.json where config.json does not say", async () => {
    const endOfText = async (ids: unknown) => {
      const { model } = await loadModel({
        open: async (name) => bytesInMemory(await readFile(base + name)),
        async read(name) {
          if (name === "generation_config.json") return Buffer.from(JSON.stringify({ eos_token_id: ids }));
          if (name === "chat_template.jinja") return null;
          const bytes = await readFile(base + name);
          return name === "config.json"
            ? Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), eos_token_id: null }))
            : bytes;
        },
      });
      return model.config.endOfTextId;
    };
    expect(await endOfText(0)).toBe(0);
    expect(await endOfText([0, 5])).toBe(0);
    expect(await endOfText(null)).toBe(0); // the tokenizer's
    await expect(endOfText(5)).rejects.toThrow("expected a special token with the model's eos_token_id 5");
  });

  test("has the reference loss", async () => {
    const { model } = await readModel(base);
    const shape = adapterShape(model.config, { rank: 1, alpha: 1, targetModules: ["attn.c_attn"] });
    const trainer = await createTrainer({
      backend: "wasm",
      model,
      adapter: shape,
      wasmHost: nodeHost(1),
    });
    for (const { ids, meanNll } of reference.prompts) {
      const windows = [Int32Array.from(ids)];
      const { loss } = await trainer.evaluate({ kind: "language-model", windows });
      expect(Math.abs(loss - meanNll)).toBeLessThan(1e-5);
    }
    trainer.dispose();
  });

  test("refuses ids that the model has no row for, and says so of rows without an id", async () => {
    const { model } = await readModel(base);
    const json = (name: string): unknown => JSON.parse(readFileSync(base + name, "utf8"));
    const open = (vocabularySize: number) =>
      createTokenizer(json("tokenizer.json"), json("tokenizer_config.json"), {
        ...model.config,
        vocabularySize,
      });
    expect(() => open(1024)).toThrow("tokenizer.json: has 2048 ids, but the model's vocab_size is 1024");
    expect(open(4096).warnings).toEqual([
      "tokenizer.json: has 2048 ids for the model's vocab_size of 4096; is it the one that came with the model?",
    ]);
    expect(open(2048 + 64).warnings).toEqual([]);
    expect(open(4096).tokenizer.encode("the")).toEqual(open(2048).tokenizer.encode("the"));
  });

  test("computes the reference logits", async () => {
    await (await openEngine("wasm", { tfjsWasm: wasmDirectory() })).run(async () => undefined);
    const { model } = await readModel(base);
    const transformer = uploadModel(model.config, await allTensors(model.tensors));
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
  const good = async (file: string): Promise<Uint8Array | null> => {
    const contents: Readonly<Record<string, unknown>> = {
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
    return file in contents ? new TextEncoder().encode(JSON.stringify(contents[file])) : null;
  };
  const but = (name: string, text: string): ModelFolder => {
    const read = (file: string) =>
      file === name ? Promise.resolve(new TextEncoder().encode(text)) : good(file);
    return {
      read,
      async open(file) {
        const bytes = await read(file);
        return bytes && bytesInMemory(bytes);
      },
    };
  };

  test.each([
    ["config.json", "{", "config.json: expected JSON, got 1 other bytes"],
    ["config.json", '{"model_type":"t5"}', 'config.json: expected model_type to be "gpt2" or "llama" or'],
    ["tokenizer.json", "{}", "tokenizer.json: expected model.vocab, got none"],
    [
      "tokenizer.json",
      '{"model":{"vocab":{"a":0,"b":1,"c":2}}}',
      "tokenizer.json: has 3 ids, but the model's vocab_size is 2; use the tokenizer.json that came with the model",
    ],
    [
      "tokenizer.json",
      '{"model":{"vocab":{"a":0,"b":1}}}',
      "tokenizer.json: expected a special token with the model's eos_token_id 0, got none",
    ],
    [
      "tokenizer.json",
      '{"model":{"type":"Unigram","vocab":[["a",0],["b",-1],["c",-2]]}}',
      "tokenizer.json: has 3 ids, but the model's vocab_size is 2; use the tokenizer.json that came with the model",
    ],
    ["model.safetensors", "not a model", /^model.safetensors: safetensors: header says \d+ bytes/],
    [
      "model.safetensors",
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n",
      'model.safetensors: is a git-lfs pointer, not the file itself; run "git lfs pull" in the model\'s folder',
    ],
    [
      "tokenizer.json",
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1355256\n",
      "tokenizer.json: is a git-lfs pointer",
    ],
  ] as const)("%s: %s", async (name, text, message) => {
    await expect(loadModel(but(name, text))).rejects.toThrow(message);
  });

  test("a missing file is named, with the form that it is there in", async () => {
    const folder = await mkdtemp(join(tmpdir(), "model-"));
    await expect(readModel("/nowhere")).rejects.toThrow(/^model: \/nowhere\/\S+: there is no such file$/);
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"] as const)
      await writeFile(join(folder, name), (await good(name)) ?? "");
    const missing = `model: ${folder}/model.safetensors: there is no such file`;
    await expect(readModel(folder)).rejects.toThrow(new RegExp(`^${missing}$`));
    await writeFile(join(folder, "pytorch_model.bin"), "");
    await expect(readModel(folder)).rejects.toThrow(`${missing}, but pytorch_model.bin is there`);
    await writeFile(join(folder, "model.safetensors.index.json"), "{}");
    await expect(readModel(folder)).rejects.toThrow(
      `model: ${folder}/model.safetensors.index.json: expected an object weight_map, got undefined`,
    );
    await writeFile(join(folder, "model.safetensors"), "no");
    await expect(readModel(folder)).rejects.toThrow(
      `model: ${folder}/model.safetensors: safetensors: expected at least 8 bytes, got 2`,
    );
    await rm(folder, { recursive: true });
  });
});
