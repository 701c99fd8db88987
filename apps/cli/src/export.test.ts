/** A run's folder, exported: PEFT's files give back the adapter, and the merged model computes what both compute together. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adapterFromPeft, adapterToSafetensors, createTrainer, parseSafetensors } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openVerified } from "../../../packages/lm/src/models/verified.contract.ts";
import { exportRun } from "./export.ts";

const models = new URL("../../../packages/lm/fixtures/models/", import.meta.url).pathname;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "export-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function writeRun(name: string): Promise<string> {
  const { shape, adapter } = await openVerified(name);
  const targetModules = shape.modules.map((module) => module.name);
  const config = { ...DEFAULT_RUN_CONFIG, model: join(models, name), rank: 2, alpha: 4, targetModules };
  const run = join(folder, "run");
  await mkdir(run);
  const report = { runId: "r", config, rounds: [], baseTestLoss: 3, finalTestLoss: null };
  await writeFile(join(run, "report.json"), JSON.stringify(report));
  await writeFile(join(run, "adapter.safetensors"), adapterToSafetensors(shape, adapter));
  return run;
}

test.each(["gpt2", "qwen3", "bert", "roberta", "distilbert"])("%s as PEFT has it, and back", async (name) => {
  const peft = join(folder, "peft");
  await exportRun([await writeRun(name), "--peft", peft]);
  const { model, shape, adapter } = await openVerified(name);
  const config: unknown = JSON.parse(await readFile(join(peft, "adapter_config.json"), "utf8"));
  const tensors = parseSafetensors(await readFile(join(peft, "adapter_model.safetensors")));
  const back = adapterFromPeft(model.config, config, tensors);
  expect(back.adapter).toEqual(adapter);
  expect(back.shape).toEqual(shape);
  const theirs = parseSafetensors(await readFile(join(models, name, "adapter/adapter_model.safetensors")));
  expect([...tensors.keys()].sort()).toEqual([...theirs.keys()].sort());
  expect(await readFile(join(peft, "README.md"), "utf8")).toContain("held-out loss before: 3.0000");
});

test.each(["gpt2", "gpt2-variants", "llama"])("%s merged", async (name) => {
  const merged = join(folder, "merged");
  await exportRun([await writeRun(name), "--merged", merged]);
  const { shape, dataset, expected } = await openVerified(name);
  const { model } = await readModel(merged);
  const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });
  const { loss } = await trainer.evaluate(dataset);
  trainer.dispose();
  expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(1e-5);
});

test("what cannot be exported is said in one line", async () => {
  await expect(exportRun([folder, "--peft", folder])).rejects.toThrow(
    /report\.json: there is no such file; a run has it when it is over$/,
  );
  await expect(exportRun([folder])).rejects.toThrow("expected --peft DIR or --merged DIR");
  const run = await writeRun("bert");
  await expect(exportRun([run, "--merged", join(folder, "m")])).rejects.toThrow("use --peft, which has it");
  await cp(join(run, "report.json"), join(run, "adapter.safetensors"));
  await expect(exportRun([run, "--peft", join(folder, "p")])).rejects.toThrow(/safetensors/);
});
