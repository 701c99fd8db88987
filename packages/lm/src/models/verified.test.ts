/** Every architecture against transformers and peft in float64, on our float64 reference and on WASM. */
import type { ChatTurn } from "@fedlodrop/run";
import { describe, expect, test } from "vitest";
import { adapterToPeft } from "../adapter/peft.ts";
import { sequenceIds } from "../data/sequences.ts";
import { openReference } from "../engines/reference/engine.ts";
import { createTensorflowTrainer } from "../engines/tfjs/tensorflow-trainer.ts";
import { openWasmEngine } from "../engines/wasm/open.ts";
import { createTokenizer } from "../files/tokenizer.ts";
import { nodeHost, readModel } from "../node.ts";
import { isJudged } from "../trainer/evaluate.ts";
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
const CLASSIFIERS = [
  ...["gpt2-classifier", "llama-classifier", "bert", "roberta", "distilbert"],
  ...["gpt2-regression", "bert-regression"],
];
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
    if (isJudged(dataset)) {
      const scores = (await trainer.scores(dataset, adapter)).flatMap((own) => [...own]);
      expect(relativeError(scores, expected.logits)).toBeLessThan(TOLERANCE);
    }
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

test("tfjs, the oracle, has the same regression", async () => {
  const { model, shape, adapter, dataset, expected, gradient } = await openVerified("gpt2-regression");
  const trainer = await createTensorflowTrainer("cpu", model, shape, {});
  expect((await trainer.evaluate(dataset, adapter)).loss / expected.loss).toBeCloseTo(1, 5);
  expect(relativeError(await trainer.gradient(dataset, adapter), gradient)).toBeLessThan(TOLERANCE);
  trainer.dispose();
});

describe("pairs of texts", () => {
  test.each(["bert", "roberta", "distilbert"])(
    "are joined and cut for %s as the library does",
    async (name) => {
      const { tokenizer } = await readModel(folderOf(name));
      const cases = await readJson<readonly PairCase[]>(name, "pairs.json");
      for (const { text, pair, length, ids } of cases)
        expect([...sequenceIds({ text, pair }, tokenizer, length).ids], `${text} ‖ ${pair}`).toEqual(ids);
    },
  );
});

describe("conversations", () => {
  test.each(["qwen3", "llama3"])("in the template of %s are the library's tokens", async (name) => {
    const { template, cases } = await readJson<{ template: string; cases: readonly ChatCase[] }>(
      name,
      "chat.json",
    );
    const json = (file: string) => readJson<object>(name, file);
    const config = { ...(await json("tokenizer_config.json")), chat_template: template };
    const { model } = await readModel(folderOf(name));
    const { tokenizer } = createTokenizer(await json("tokenizer.json"), config, model.config);
    for (const { messages, asked, whole } of cases) {
      const { content } = messages.at(-1) as ChatTurn;
      const conversation = tokenizer.conversation(messages.slice(0, -1), content);
      expect(conversation.asked).toEqual(asked);
      expect([...conversation.asked, ...conversation.answer]).toEqual(whole);
    }
    const system: ChatTurn = { role: "system", content: "No." };
    const refused = () => tokenizer.conversation([system], "x");
    if (name === "llama3")
      expect(refused).toThrow("chat template: refuses the conversation (no system turn)");
  });
});

interface PairCase {
  readonly text: string;
  readonly pair: string;
  readonly length: number;
  readonly ids: readonly number[];
}

interface ChatCase {
  readonly messages: readonly ChatTurn[];
  readonly asked: readonly number[];
  readonly whole: readonly number[];
}

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
