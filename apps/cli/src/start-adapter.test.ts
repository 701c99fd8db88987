/** A run that begins with a PEFT adapter, and gives it back as it was while nobody has trained. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSafetensors } from "@fedlodrop/lm";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRun } from "./start-run.ts";

const models = new URL("../../../packages/lm/fixtures/models/", import.meta.url).pathname;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "start-"));
  const rows = Array.from({ length: 60 }, (_, i) => `the cat sat on mat ${i} and looked at the dog`);
  await writeFile(join(folder, "texts.csv"), ["text", ...rows].join("\n"));
  await writeFile(
    join(folder, "labelled.csv"),
    ["text,label", ...rows.map((row, i) => `${row},${i % 2 ? "a" : "b"}`)].join("\n"),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const settings = (model: string, texts: string) => ({
  ...{
    model: join(models, model),
    task: join(folder, texts),
    pages: false,
    devices: 1,
    evaluationSamples: 4,
  },
  training: { sequenceLength: 16, batchSize: 2, localSteps: 1 },
});

test.each(["gpt2", "llama"])(
  "%s: what PEFT wrote is what PEFT gets back",
  { timeout: 60_000 },
  async (model) => {
    const directory = join(models, model, "adapter");
    const run = await startRun({ ...settings(model, "texts.csv"), startFrom: directory });
    const response = await fetch(new URL("api/adapter-peft.zip", run.url), {
      headers: { authorization: `Bearer ${run.hostKey}` },
    });
    const files = unzipSync(new Uint8Array(await response.arrayBuffer()));
    const { config } = await run.stop();
    const written = parseSafetensors(await readFile(join(directory, "adapter_model.safetensors")));
    const given = parseSafetensors(files["adapter_model.safetensors"]!);
    expect(given.size).toBe(written.size);
    for (const [name, tensor] of given) expect(written.get(name)).toEqual(tensor);
    const peft = JSON.parse(await readFile(join(directory, "adapter_config.json"), "utf8"));
    expect(JSON.parse(new TextDecoder().decode(files["adapter_config.json"]))).toMatchObject({
      ...{ r: peft.r, lora_alpha: peft.lora_alpha, base_model_name_or_path: join(models, model) },
      fan_in_fan_out: model === "gpt2",
    });
    expect(new TextDecoder().decode(files["README.md"])).toContain(`began with: ${directory}`);
    expect(config).toMatchObject({ rank: peft.r, alpha: peft.lora_alpha });
  },
);

test.each([
  ["gpt2", "texts.csv", "/nowhere", "adapter: /nowhere/adapter_config.json: there is no such file or folder"],
  ["gpt2", "labelled.csv", join(models, "gpt2/adapter"), "tells no classes apart, and the task has 2"],
  ["llama", "texts.csv", join(models, "gpt2/adapter"), "adapter"],
])("%s on %s from %s is refused", { timeout: 60_000 }, async (model, texts, startFrom, message) => {
  await expect(startRun({ ...settings(model, texts), startFrom })).rejects.toThrow(message);
});
