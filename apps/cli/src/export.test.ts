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

/** A file of GGUF version 3 read by its specification: settings and f32 tensors, extents as it has them, the fastest first. */
function readGguf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (count: number): number => {
    at += count;
    return at - count;
  };
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => Number(view.getBigUint64(take(8), true));
  const string = () => {
    const length = u64();
    const from = take(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  expect(u32()).toBe(0x46554747); // "GGUF"
  expect(u32()).toBe(3);
  const [tensorCount, settingCount] = [u64(), u64()];
  const setting = (): string | number => {
    const type = u32();
    if (type === 8) return string();
    expect(type).toBe(6);
    return view.getFloat32(take(4), true);
  };
  const settings = Object.fromEntries(Array.from({ length: settingCount }, () => [string(), setting()]));
  const heads = Array.from({ length: tensorCount }, () => {
    const [name, dimensions] = [string(), u32()];
    const extents = Array.from({ length: dimensions }, u64);
    expect(u32()).toBe(0);
    return { name, extents, place: u64() };
  });
  const data = 32 * Math.ceil(at / 32);
  const tensors = new Map(
    heads.map(({ name, extents, place }) => {
      expect(place % 32).toBe(0);
      const values = Array.from({ length: extents.reduce((a, b) => a * b) }, (_, i) =>
        view.getFloat32(data + place + 4 * i, true),
      );
      return [name, { extents, values }];
    }),
  );
  return { settings, tensors };
}

/** Of one block: PEFT's names of modules and llama.cpp's. */
const GGUF_NAMES: Readonly<Record<string, string>> = {
  ...{ "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v" },
  ...{ "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up" },
  ...{ "mlp.down_proj": "ffn_down", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output" },
  ...{ "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down" },
};

// Heads of 6 tell the order of rows from its inverse; in heads of 4, which the others have, it is its own.
test.each([
  ["gpt2", "gpt2", null],
  ["llama", "llama", ["attn_q", "attn_k"]],
  ["llama3", "llama", ["attn_q", "attn_k"]],
  ["mistral", "llama", ["attn_q", "attn_k"]],
  ["qwen2", "qwen2", null],
  ["qwen3", "qwen3", null],
  ["gemma3", "gemma3", null],
])("%s as llama.cpp has it", async (name, architecture, turned) => {
  const [peft, gguf] = [join(folder, "peft"), join(folder, "adapter.gguf")];
  await exportRun([await writeRun(name), "--peft", peft, "--gguf-lora", gguf]);
  const { settings, tensors } = readGguf(await readFile(gguf));
  expect(settings).toEqual({
    "general.architecture": architecture,
    "general.type": "adapter",
    "adapter.type": "lora",
    "adapter.lora.alpha": 4,
  });
  const theirs = parseSafetensors(await readFile(join(peft, "adapter_model.safetensors")));
  expect(tensors.size).toBe(theirs.size);
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads } = JSON.parse(
    await readFile(join(models, name, "config.json"), "utf8"),
  );
  for (const [peftName, { shape, values }] of theirs) {
    const [, block, module, factor] = /\.(\d+)\.(.*)\.lora_([AB])\.weight$/.exec(peftName) ?? [];
    const matrix = GGUF_NAMES[module as string];
    const own = tensors.get(`blk.${block}.${matrix}.weight.lora_${factor?.toLowerCase()}`);
    const [rows, columns] = shape as [number, number];
    expect(own?.extents, peftName).toEqual([columns, rows]);
    let expected = [...values];
    if (factor === "B" && turned?.includes(matrix as string)) {
      // [heads, 2, half, rank] with its second and third axis changed places.
      const count = matrix === "attn_q" ? heads : keyValueHeads;
      const half = rows / count / 2;
      expected = [];
      for (let head = 0; head < count; head++)
        for (let channel = 0; channel < half; channel++)
          for (const side of [0, 1]) {
            const row = (2 * head + side) * half + channel;
            expected.push(...values.subarray(row * columns, (row + 1) * columns));
          }
    }
    expect(own?.values, peftName).toEqual(expected);
  }
});

test("what cannot be exported is said in one line", async () => {
  await expect(exportRun([folder, "--peft", folder])).rejects.toThrow(
    /report\.json: there is no such file; a run has it when it is over$/,
  );
  await expect(exportRun([folder])).rejects.toThrow("expected --peft DIR, --gguf-lora FILE or --merged DIR");
  const run = await writeRun("bert");
  await expect(exportRun([run, "--merged", join(folder, "m")])).rejects.toThrow("use --peft, which has it");
  await expect(exportRun([run, "--gguf-lora", join(folder, "g")])).rejects.toThrow(
    /^gguf: expected a gpt2, .* or gemma3_text model, got bert$/,
  );
  await cp(join(run, "report.json"), join(run, "adapter.safetensors"));
  await expect(exportRun([run, "--peft", join(folder, "p")])).rejects.toThrow(/safetensors/);
});
