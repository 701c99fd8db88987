import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTinyModel } from "@fedlodrop/harness";
import { createTrainer, datasetFromSamples } from "@fedlodrop/lm";
import { readModel } from "@fedlodrop/lm/node";
import {
  adapterSize,
  createRandom,
  DEFAULT_RUN_CONFIG,
  initialAdapter,
  type RunConfig,
  resolveRunConfig,
  sampleWithoutReplacement,
} from "@fedlodrop/run";
import { prepareTask } from "@fedlodrop/tasks/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { availableTasks, loadWorkload, taskDefaults } from "./workload.ts";

let model: string;
beforeAll(async () => {
  model = await mkdtemp(join(tmpdir(), "fedlodrop-model-"));
  await writeTinyModel(model);
});
afterAll(() => rm(model, { recursive: true }));

const config = (change: Partial<RunConfig> = {}): RunConfig => ({
  ...DEFAULT_RUN_CONFIG,
  model,
  rank: 2,
  devices: 3,
  samplesPerDevice: 4,
  evaluationSamples: 6,
  training: { ...DEFAULT_RUN_CONFIG.training, sequenceLength: 16 },
  ...change,
});

describe("a workload", () => {
  it("evaluates in its thread what the model's own trainer evaluates here", async () => {
    const workload = await loadWorkload(config(), () => {});
    try {
      expect(workload).toMatchObject({
        deviceCount: 3,
        task: { name: "presidents", kind: "language-model" },
      });
      const texts = [0, 1, 2].map((index) => workload.deviceSplit(index));
      expect(new Set(texts.map(({ device }) => device)).size).toBe(3);
      expect(texts.every(({ samples }) => samples.length > 0)).toBe(true);
      const { tokenizer } = await readModel(model);
      const counts = texts.map(({ samples }) => {
        const split = datasetFromSamples(samples, tokenizer, { kind: "language-model", sequenceLength: 16 });
        return split.kind === "language-model" ? split.windows.length : 0;
      });
      expect(workload.largestSplit).toBe(Math.max(...counts));

      const adapter = initialAdapter(workload.adapter, "0").map((value, i) => value + 0.05 * Math.sin(i));
      const noAdapter = new Float32Array(adapter.length);
      const both = { trained: [0, 2], measured: [0, 2] };
      const first = await workload.evaluate!(adapter, both);
      // With all cores, to the same bits.
      expect(await workload.evaluate!(adapter, both, true)).toEqual(first);
      const { testLoss, trainLoss } = first;
      const base = await workload.evaluate!(noAdapter, both);
      expect(base.trainLoss).not.toBe(trainLoss);
      expect(first.baseTrainLoss).toBe(base.trainLoss);
      const nobody = { trained: [], measured: [1] };
      const other = await workload.evaluate!(adapter, nobody);
      expect(other).toMatchObject({ trainLoss: null, baseTrainLoss: null });
      // Other parts have other texts.
      const third = await workload.evaluate!(noAdapter, { ...both, trained: [1] });
      expect(third.trainLoss).not.toBe(base.trainLoss);
      expect(third.baseTrainLoss).toBe(third.trainLoss);
      // The same six held-out windows of two owners on the oracle engine, in this thread.
      const loaded = await readModel(model);
      const { heldOutOf } = await prepareTask("presidents", {
        devices: 3,
        rule: DEFAULT_RUN_CONFIG.split,
        seed: "0",
        samplesPerDevice: 4,
        sequenceLength: 16,
        heldOutSamples: 6,
        countTokens: (text) => loaded.tokenizer.encode(text).length,
      });
      const kind = "language-model";
      const drawn = (samples: readonly { readonly text: string }[], count: number): Int32Array[] => {
        const all = datasetFromSamples(samples, loaded.tokenizer, { kind, sequenceLength: 16 });
        const windows = all.kind === kind ? all.windows : [];
        const rows = sampleWithoutReplacement(windows.length, count, createRandom("evaluation"));
        return Array.from(rows, (row) => windows[row]!);
      };
      const trainer = await createTrainer({ backend: "cpu", model: loaded.model, adapter: workload.adapter });
      const lossOn = async (parts: readonly number[]) =>
        (await trainer.evaluate({ kind, windows: drawn(heldOutOf(parts), 6) }, adapter)).loss;
      // f32 sums in another order.
      expect(testLoss).toBeCloseTo(await lossOn([0, 2]), 5);
      expect(other.testLoss).toBeCloseTo(await lossOn([1]), 5);
      expect(other.testLoss).not.toBeCloseTo(testLoss, 5);
      // Three windows of each of two devices, and none of the third.
      const seen = { kind, windows: [0, 2].flatMap((part) => drawn(texts[part]!.samples, 3)) } as const;
      expect(trainLoss).toBeCloseTo((await trainer.evaluate(seen, adapter)).loss, 5);
      expect(first.exampleLossSpread).toBeCloseTo(
        (await trainer.evaluate(seen, adapter)).exampleLossSpread,
        5,
      );
      trainer.dispose();

      const file = await workload.serializeAdapter(adapter);
      expect(file.byteLength).toBeGreaterThan(4 * adapterSize(workload.adapter));
    } finally {
      await workload.close();
    }
  });

  it("takes for a run's beginning what it begins with, a drawn head too", async () => {
    const workload = await loadWorkload(config({ task: "eras", seed: "7" }), () => {});
    const adapter = initialAdapter(workload.adapter, "7");
    const { trainLoss, baseTrainLoss } = await workload.evaluate!(adapter, { trained: [0], measured: [0] });
    await workload.close();
    expect(baseTrainLoss).toBe(trainLoss);
    // A head of zeros finds both labels alike.
    expect(trainLoss).not.toBeCloseTo(Math.log(2), 6);
  });

  it("measures the same held-out windows under every seed", async () => {
    const losses = ["0", "1"].map(async (seed) => {
      const workload = await loadWorkload(config({ seed }), () => {});
      const adapter = new Float32Array(adapterSize(workload.adapter));
      const { testLoss } = await workload.evaluate!(adapter, { trained: [], measured: [0] });
      await workload.close();
      return testLoss;
    });
    const [first, second] = await Promise.all(losses);
    expect(second).toBe(first);
  });

  it("leaves texts and evaluation to participants who bring their own", async () => {
    const workload = await loadWorkload(config({ task: "own-text" }), () => {});
    expect(workload).toMatchObject({ evaluate: null, largestSplit: null });
    expect(workload.deviceSplit(0).samples).toEqual([]);
    await workload.close();
  });

  it("says in one line what is wrong", async () => {
    await expect(loadWorkload(config({ model: "/nowhere" }), () => {})).rejects.toThrow(
      /there is no \/nowhere$/,
    );
    await expect(loadWorkload(config({ task: "chess" }), () => {})).rejects.toThrow(
      /expected one of .* got "chess"$/,
    );
    for (const task of ["presidents", "own-text"]) {
      const training = { ...DEFAULT_RUN_CONFIG.training, sequenceLength: 4096 };
      await expect(loadWorkload(config({ task, training }), () => {})).rejects.toThrow(
        /^sequence length: expected at most \d+ tokens, as many as the model reads, got 4096$/,
      );
    }
  });
});

it.each(availableTasks.map(({ name }) => name))("has defaults for %s that make a run", async (name) => {
  expect(resolveRunConfig(await taskDefaults(name))).toMatchObject({ task: name });
});

it("takes a task's own settings, under which the run's come first", async () => {
  const defaults = await taskDefaults("spam");
  const resolved = resolveRunConfig({ ...defaults, rounds: 3 });
  expect(resolved).toMatchObject({ task: "spam", rounds: 3, alpha: 2 * resolved.rank });
});

it("takes settings that suit a file's rows, which are dealt as the run says", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "fedlodrop-defaults-")), "rows.csv");
  const rows = Array.from({ length: 40 }, (_, i) => `film ${i},${i % 2 ? "yes" : "no"}`);
  await writeFile(path, ["text,label", ...rows].join("\n"));
  const { training, rounds } = await taskDefaults("spam");
  const defaults = await taskDefaults(path);
  expect(defaults).toMatchObject({ task: path, rounds, training });
  expect(defaults).not.toHaveProperty("devices");
  expect(defaults).not.toHaveProperty("split");
  await expect(taskDefaults("/nowhere/rows.csv")).rejects.toThrow("/nowhere/rows.csv: there is no such file");
});

it("leaves out conversations whose question fills the window, and says how many and whose", async () => {
  const path = join(await mkdtemp(join(tmpdir(), "fedlodrop-chat-")), "chat.jsonl");
  const row = (device: string, prompt: string, i: number) =>
    JSON.stringify({ device, prompt: `${prompt} ${i}`, completion: `answer ${i}` });
  const rows = (device: string, prompt: string) =>
    Array.from({ length: 12 }, (_, i) => row(device, prompt, i));
  await writeFile(path, [...rows("Ann", "Why?"), ...rows("Ben", "because ".repeat(20))].join("\n"));
  const said: string[] = [];
  const training = { ...DEFAULT_RUN_CONFIG.training, sequenceLength: 48 };
  const chat = config({ task: path, devices: 2, split: { kind: "natural" }, training });
  const workload = await loadWorkload(chat, (line) => said.push(line));
  expect(said).toContain(
    "task chat.jsonl: left out 12 answers that begin behind 48 tokens (--sequence-length), all that Ben had",
  );
  for (const index of [0, 1]) expect(workload.deviceSplit(index).samples.length).toBeGreaterThan(0);
  await workload.close();
  await writeFile(path, rows("Ben", "because ".repeat(20)).join("\n"));
  await expect(loadWorkload(chat, () => {})).rejects.toThrow(
    "chat.jsonl: expected an answer that begins within 48 tokens, got none in 12; a longer sequence length would have them",
  );
});
