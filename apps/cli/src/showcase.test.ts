import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTinyModel } from "@fedlodrop/harness";
import { adapterShape, createTrainer, datasetFromSamples, type LocalTrainer } from "@fedlodrop/lm";
import { nodeHost, readModel, wasmDirectory } from "@fedlodrop/lm/node";
import { type AdapterShape, initialAdapter, type Sample } from "@fedlodrop/run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openShowcase } from "./showcase.ts";

let folder: string;
let loaded: Awaited<ReturnType<typeof readModel>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-model-"));
  await writeTinyModel(folder);
  loaded = await readModel(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function open(labels?: number): Promise<{ trainer: LocalTrainer; shape: AdapterShape }> {
  const { model } = loaded;
  const shape = adapterShape(model.config, {
    rank: 2,
    alpha: 4,
    targetModules: null,
    ...(labels && { labels }),
  });
  return {
    shape,
    trainer: await createTrainer({
      backend: "wasm",
      model,
      adapter: shape,
      base: "f32",
      wasmHost: nodeHost(1),
      tfjsWasm: wasmDirectory(),
    }),
  };
}
const trained = (shape: AdapterShape): Float32Array =>
  initialAdapter(shape, "0").map((value, i) => value + 0.5 * Math.sin(i));

describe("a showcase of texts", () => {
  const heldOut = [
    {
      text: "No. Our schools are the pride of this nation! So be it.",
    },
  ];
  const terms = () =>
    ({
      kind: "language-model",
      prompt: "Our schools",
      labels: [],
      sequenceLength: 16,
      tokenizer: loaded.tokenizer,
      seed: "0",
    }) as const;

  it("has the same answer of both while the adapter changes nothing, and another one afterwards", async () => {
    const { trainer, shape } = await open();
    const showcase = openShowcase(heldOut, terms());
    const untrained = await showcase.of(trainer, initialAdapter(shape, "0"));
    if (untrained?.kind !== "text") throw new Error("expected a text");
    expect(untrained.tuned).toBe(untrained.base);
    expect(untrained.unseen?.tunedNats).toBeCloseTo(untrained.unseen?.baseNats as number, 5);
    const after = await showcase.of(trainer, trained(shape));
    if (after?.kind !== "text") throw new Error("expected a text");
    expect(after.base).toBe(untrained.base);
    expect(after.tuned).not.toBe(after.base);
    expect(after.unseen?.tunedNats).not.toBeCloseTo(after.unseen?.baseNats as number, 3);
    trainer.dispose();
  });

  it("shows a whole sentence where the model reads as much, with the loss of just that sentence", async () => {
    const { trainer, shape } = await open();
    const sentence = "Our schools are the pride of this nation!";
    const all = { ...terms(), sequenceLength: 60 };
    const sample = await openShowcase(heldOut, all).of(trainer, trained(shape));
    if (sample?.kind !== "text") throw new Error("expected a text");
    expect(sample.unseen?.text).toBe(sentence);
    const alone = datasetFromSamples([{ text: sentence }], loaded.tokenizer, all);
    if (alone.kind !== "language-model") throw new Error("expected windows");
    expect(sample.unseen?.tokens).toBe((alone.windows[0]?.length ?? 0) - 1);
    expect(sample.unseen?.tunedNats).toBeCloseTo((await trainer.evaluate(alone, trained(shape))).loss, 6);
    trainer.dispose();
  });

  it("shows a sentence without names and numbers, where there is one", async () => {
    const { trainer, shape } = await open();
    const shown = async (...texts: readonly string[]): Promise<string | undefined> => {
      const all = { ...terms(), sequenceLength: 90 };
      const sample = await openShowcase(
        texts.map((text) => ({ text })),
        all,
      ).of(trainer, trained(shape));
      return sample?.kind === "text" ? sample.unseen?.text : undefined;
    };
    const named = "In his day, the late Congressman was Thomas Jr.";
    const numbered = "We have built 4 thousand miles of new roads.";
    const plain = "The work that I have asked of you is not done.";
    expect(await shown(`${named} ${numbered}`, plain)).toBe(plain);
    expect(await shown(`${named} ${numbered}`)).toBe(named);
    trainer.dispose();
  });

  it("has nothing to show without a prompt, and no sentence where there is none", async () => {
    const { trainer, shape } = await open();
    expect(await openShowcase(heldOut, { ...terms(), prompt: null }).of(trainer, trained(shape))).toBeNull();
    const sample = await openShowcase([{ text: "no sentence here" }], terms()).of(trainer, trained(shape));
    expect(sample).toMatchObject({ kind: "text", unseen: null });
    trainer.dispose();
  });
});

describe("a showcase of labels", () => {
  const labels = ["a", "b", "c"];
  const guessesOf = async (heldOut: readonly Sample[], seed = "0", adapter = trained) => {
    const { trainer, shape } = await open(labels.length);
    const terms = { kind: "classification", prompt: null, labels, sequenceLength: 16 } as const;
    const { tokenizer } = loaded;
    const sample = await openShowcase(heldOut, { ...terms, tokenizer, seed }).of(trainer, adapter(shape));
    trainer.dispose();
    if (sample?.kind !== "labels") throw new Error("expected labels");
    return sample.guesses;
  };
  const numbered = (label: number, k: number): Sample => ({
    label,
    text: `It was said ${k} times that the roads are long, that the nights are cold and that nobody walks home alone.`,
  });
  const many = Array.from({ length: 90 }, (_, k) => numbered(k % 15 === 0 ? k % 2 : 2, k));

  it("has probabilities that sum to 1, all alike before training", async () => {
    const guesses = await guessesOf([0, 0, 0, 2, 1, 0].map(numbered));
    expect(guesses.map(({ label }) => label).sort()).toEqual([0, 0, 0, 0, 1, 2]);
    for (const { base, tuned } of guesses) {
      // The head is zero then: no label is likelier than another.
      for (const probability of base) expect(probability).toBeCloseTo(1 / 3, 5);
      expect(tuned.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 5);
    }
  });

  it("takes eight texts of every label, in an order that the seed draws and no pattern", async () => {
    const draws: (readonly { readonly label: number; readonly text: string }[])[] = [];
    for (const seed of ["0", "1", "2", "3"]) draws.push(await guessesOf(many, seed));
    for (const guesses of draws) {
      expect(guesses).toHaveLength(8);
      expect(new Set(guesses.map(({ label }) => label))).toEqual(new Set([0, 1, 2]));
    }
    // Labels are drawn before texts: a rare one is shown more than once, and nobody can count on the commonest.
    expect(draws.flat().filter(({ label }) => label === 2).length).toBeLessThan(4 * 6);
    const orders = draws.map((guesses) => guesses.map(({ label }) => label).join(""));
    expect(new Set(orders).size).toBeGreaterThan(1);
    expect(orders.filter((order) => order.startsWith("012"))).not.toHaveLength(orders.length);
    expect((await guessesOf(many, "1")).map(({ text }) => text)).toEqual(draws[1]?.map(({ text }) => text));
  });

  it("prefers texts that say something to salutations, beginnings in mid-sentence and a few words", async () => {
    const rather = [
      "Mr. President, Mr. Speaker, Members of the Eighty-third Congress of the United States, and my fellow Americans: Tonight I come.",
      "and so the roads are long, and the nights are cold, and nobody walks home alone, as was said before by all of us.",
      "Thank you.",
    ].map((text) => ({ text, label: 0 }));
    const telling = Array.from({ length: 8 }, (_, k) => numbered(k % 3, k));
    for (const seed of ["0", "1"])
      expect((await guessesOf([...rather, ...telling], seed)).map(({ text }) => text).sort()).toEqual(
        telling.map(({ text }) => text).sort(),
      );
    // Where there is nothing else, they are shown.
    expect(await guessesOf(rather)).toHaveLength(3);
  });

  it("cuts a long text behind a sentence, or else behind a word", async () => {
    const sentence = numbered(0, 7).text;
    const [sentences] = await guessesOf([{ label: 0, text: `${sentence} ${sentence} ${sentence}` }]);
    expect(sentences?.text).toBe(`${sentence} ${sentence} …`);
    const words = "and nobody walked ".repeat(30).trim();
    const [cut] = await guessesOf([{ label: 0, text: words }]);
    expect(cut?.text).toMatch(/ (and|nobody|walked) …$/);
    expect(cut?.text.length).toBeLessThanOrEqual(242);
  });
});
