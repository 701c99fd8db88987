/** A whole run, coordinator and devices, on models of other families than the bundled one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSafetensors } from "@fedlodrop/lm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNodeDevice } from "./node-device.ts";
import { startRun } from "./start-run.ts";

const models = new URL("../../../packages/lm/fixtures/models/", import.meta.url).pathname;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "families-"));
  const rows = Array.from({ length: 90 }, (_, row) => `"the cat sat on mat ${row} and looked at the dog"`);
  await writeFile(join(folder, "texts.csv"), ["text", ...rows].join("\n"));
  const labelled = rows.map((row, i) => `${row},${i % 2 === 0 ? "even" : "odd"}`);
  await writeFile(join(folder, "labelled.csv"), ["text,label", ...labelled].join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["llama", "texts.csv", 8],
  ["gemma3", "texts.csv", 8],
  ["qwen3", "labelled.csv", 9],
  ["bert", "labelled.csv", 10],
  ["distilbert", "labelled.csv", 12],
])("%s trains on %s", { timeout: 120_000 }, async (model, texts, tensors) => {
  const run = await startRun({
    ...{ task: join(folder, texts), model: join(models, model), out: join(folder, model) },
    ...{ rounds: 1, rank: 2, devices: 1, evaluationSamples: 4, pages: false },
    training: { localSteps: 2, batchSize: 2, sequenceLength: 16 },
  });
  const device = startNodeDevice(run.url, { nickname: "ada", threads: 1 });
  await device.ready;
  await run.host.command({ kind: "start" });
  await device.ended;
  await device.leave();
  const file = await run.adapterFile();
  const { rounds, baseTestLoss, finalTestLoss } = await run.stop();
  expect(rounds.map(({ participants }) => participants.map(({ outcome }) => outcome))).toEqual([
    ["aggregated"],
  ]);
  expect(baseTestLoss).toBeGreaterThan(0);
  expect(finalTestLoss).toBeGreaterThan(0);
  expect(finalTestLoss).not.toBe(baseTestLoss);
  // Two factors of two matrices in each of two blocks, and the head's.
  expect(parseSafetensors(file).size).toBe(tensors);
});
