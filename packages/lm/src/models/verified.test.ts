/** Every architecture against transformers and peft in float64, on our float64 reference and on WASM. */
import { describe, expect, test } from "vitest";
import { adapterToPeft } from "../adapter/peft.ts";
import { openReference } from "../engines/reference/engine.ts";
import { openWasmEngine } from "../engines/wasm/open.ts";
import { createTokenizer } from "../files/tokenizer.ts";
import { nodeHost, readModel } from "../node.ts";
import { createPlannedTrainer } from "../trainer/planned-trainer.ts";
import { uploadWeights } from "../trainer/upload.ts";
import {
  folderOf,
  logitsOf,
  openVerified,
  readJson,
  relativeError,
  type TokenCase,
} from "./verified.contract.ts";

const DECODERS = ["gpt2", "gpt2-variants", "llama", "llama3", "mistral", "qwen2", "qwen3", "gemma3"];
const CLASSIFIERS = ["gpt2-classifier", "llama-classifier", "bert", "roberta", "distilbert"];
const ENGINES = [
  ["the reference", openReference],
  ["WASM", () => openWasmEngine(nodeHost(2))],
] as const;
// Measured: 6·10⁻⁶ at most (a gradient on WASM); transformers takes norms and rotations in float32 even so.
const TOLERANCE = 2e-5;

describe.each([...DECODERS, ...CLASSIFIERS])("%s", (name) => {
  test.each(ENGINES)("logits, loss and every gradient on %s", async (_, open) => {
    const verified = await openVerified(name);
    const { model, shape, adapter, dataset, expected, gradient } = verified;
    const engine = await open();
    await uploadWeights(engine, model, "f32");
    expect(relativeError(await logitsOf(engine, verified), expected.logits)).toBeLessThan(TOLERANCE);
    engine.dispose();
    const trainer = await createPlannedTrainer(await open(), model, shape, "f32");
    const { loss } = await trainer.evaluate(dataset, adapter);
    expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(TOLERANCE);
    expect(relativeError(await trainer.gradient(dataset, adapter), gradient)).toBeLessThan(TOLERANCE);
    if (expected.plainLoss !== undefined && expected.greedy !== undefined) {
      const plain = await trainer.evaluate(dataset);
      expect(Math.abs(plain.loss / expected.plainLoss - 1)).toBeLessThan(TOLERANCE);
      const options = { maxTokens: 6, temperature: 0, topK: 1, seed: "greedy" };
      const continued = await trainer.generate(expected.greedy.slice(0, 4), options);
      expect(continued).toEqual(expected.greedy.slice(4));
    }
    trainer.dispose();
  });

  test("its adapter leaves as peft wrote it", async () => {
    const { model, shape, adapter } = await openVerified(name);
    const peft = await readJson<Record<string, unknown>>(name, "adapter/adapter_config.json");
    const { config, tensors } = adapterToPeft(model.config, shape, adapter, null);
    expect(config).toMatchObject({
      r: peft.r,
      lora_alpha: peft.lora_alpha,
      task_type: peft.task_type,
      fan_in_fan_out: peft.fan_in_fan_out,
    });
    const { adapter: again } = await openVerified(name);
    expect(again).toEqual(adapter);
    expect(tensors.size).toBe(shape.modules.length * 2 + shape.dense.length);
  });
});

describe("tokens", () => {
  test.each([...DECODERS, ...CLASSIFIERS])(
    "of %s are the library's, and so is what they spell",
    async (name) => {
      const { tokenizer } = await readModel(folderOf(name));
      const { tokens } = await readJson<{ tokens: readonly TokenCase[] }>(name, "expected.json");
      expectTokens(tokenizer, tokens);
    },
  );

  test("of a Unigram tokenizer", async () => {
    const json = (file: string) => readJson<unknown>("unigram", file);
    const config = { vocabularySize: 200, endOfTextId: 2 };
    const { tokenizer } = createTokenizer(
      await json("tokenizer.json"),
      await json("tokenizer_config.json"),
      config,
    );
    const { tokens } = (await json("expected.json")) as { tokens: readonly TokenCase[] };
    expectTokens(tokenizer, tokens);
  });

  function expectTokens(
    { encode, decode, prefix, suffix }: ReturnType<typeof createTokenizer>["tokenizer"],
    tokens: readonly TokenCase[],
  ): void {
    for (const { text, ids, special, decoded } of tokens) {
      expect(encode(text), text).toEqual(ids);
      expect([...prefix, ...encode(text), ...suffix], text).toEqual(special);
      expect(decode(ids), text).toBe(decoded);
    }
  }
});
