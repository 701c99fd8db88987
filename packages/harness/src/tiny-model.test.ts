import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModel } from "@fedlodrop/lm/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyModel } from "./tiny-model.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tiny-model-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("is the same for the same seed and another for another", async () => {
  const weights = async (name: string, seed: string): Promise<Buffer> => {
    await writeTinyModel(join(folder, name), seed);
    return readFile(join(folder, name, "model.safetensors"));
  };
  const [first, again, other] = [await weights("a", "s"), await weights("b", "s"), await weights("c", "t")];
  expect(first.equals(again)).toBe(true);
  expect(first.equals(other)).toBe(false);
});

it("writes a safetensors header whose tensors fill the file exactly", async () => {
  await writeTinyModel(join(folder, "d"));
  const file = await readFile(join(folder, "d", "model.safetensors"));
  const headerLength = Number(file.readBigUInt64LE(0));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.toString("utf8", 8, 8 + headerLength),
  );
  let end = 0;
  for (const { shape, data_offsets } of Object.values(header)) {
    expect(data_offsets[0]).toBe(end);
    end += 4 * shape.reduce((product, extent) => product * extent, 1);
    expect(data_offsets[1]).toBe(end);
  }
  expect(8 + headerLength + end).toBe(file.length);
  expect(header["wte.weight"]?.shape).toEqual([257, 32]);
});

it("opens as a language model whose tokens are bytes", async () => {
  await writeTinyModel(join(folder, "e"));
  const { model, tokenizer } = await readModel(join(folder, "e"));
  expect(model.config).toMatchObject({ vocabularySize: 257, layerCount: 2, width: 32, endOfTextId: 256 });
  const text = "Naïve – 日本\n";
  expect(tokenizer.encode(text)).toHaveLength(new TextEncoder().encode(text).length);
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
});
