/** A model in fewer bits, written and read again: the same numbers as when a device makes them itself. */
import { BASE_TYPES } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { modelFromCheckpoint } from "../models/checkpoint.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { weightsOf } from "../models/weights.ts";
import { readModel } from "../node.ts";
import { quantise } from "../plan/quantise.ts";
import { heldIn } from "../plan/weight.ts";
import { bytesInMemory } from "./bytes.ts";
import { openWeightsFile, quantisedFile } from "./quantised.ts";

const FIXTURES = new URL("../../fixtures/models/", import.meta.url).pathname;
const bases = BASE_TYPES.filter((base) => base !== "f32");

async function fileOf(model: LanguageModel, base: (typeof bases)[number]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of quantisedFile(model, base)) parts.push(new Uint8Array(part));
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

// In-out matrices and exact positions, odd vocabularies and gates, derived tables.
for (const name of ["gpt2", "llama", "gemma3", "bert"])
  test.each(bases)(`${name} in %s`, async (base) => {
    const { model } = await readModel(`${FIXTURES}${name}`);
    const file = await fileOf(model, base);
    const stored = modelFromCheckpoint(model.config, await openWeightsFile(bytesInMemory(file)));
    expect(stored.tensors.shapes.size).toBe(model.tensors.shapes.size);

    const own = new Map(weightsOf(model).map((weight) => [weight.name, weight]));
    for (const weight of weightsOf(stored)) {
      const original = await own.get(weight.name)!.load();
      const expected =
        original.kind === "vector" || weight.kind === "vector"
          ? original
          : quantise(original as Extract<typeof original, { base: "f32" }>, heldIn(base, weight.leastBits));
      expect(await weight.load()).toEqual(expected);
    }
    // Whoever wants f32 gets the original's, to within the base's step.
    for (const [tensor, shape] of model.tensors.shapes) {
      expect(stored.tensors.shapes.get(tensor)).toEqual(shape);
      const [wanted, got] = [await model.tensors.read(tensor), await stored.tensors.read(tensor)];
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const error = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
      expect(error).toBeLessThanOrEqual({ f16: 1 / 2048, int8: 0.51 / 127, int4: 0.2 }[base] * largest);
    }
  });

const MATRIX = "h.0.attn.c_attn.weight";

/** The file with its metadata's word on one matrix changed, or its header's. */
function withChanged(file: Uint8Array, change: (packing: Record<string, unknown>) => unknown): Uint8Array {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const said = JSON.parse(header.__metadata__["fedlodrop.matrices"]);
  said[MATRIX] = change(said[MATRIX]);
  header.__metadata__["fedlodrop.matrices"] = JSON.stringify(said);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const changed = new Uint8Array(8 + json.length + file.length - 8 - length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(json.length), true);
  changed.set(json, 8);
  changed.set(file.subarray(8 + length), 8 + json.length);
  return changed;
}

test.each(bases)("metadata that the header of a file in %s does not bear out is refused", async (base) => {
  const { model } = await readModel(`${FIXTURES}gpt2`);
  const file = await fileOf(model, base);
  const opened = (change: (packing: Record<string, unknown>) => unknown) =>
    openWeightsFile(bytesInMemory(withChanged(file, change)));
  await expect(opened((packing) => packing)).resolves.toBeTruthy();
  await expect(opened((packing) => ({ ...packing, outFeatures: 4800 }))).rejects.toThrow(
    `safetensors: expected ${MATRIX} to be [4800,`,
  );
  await expect(opened((packing) => ({ ...packing, inFeatures: 64 }))).rejects.toThrow("to be [48,");
  for (const odd of [null, 7, { base: "int2" }, { base, order: "in-out", inFeatures: -1, outFeatures: 48 }])
    await expect(opened(() => odd)).rejects.toThrow(`to say how ${MATRIX} is held in f16, int8 or int4, got`);
});

test("halves that are no number are found where they are read", async () => {
  const { model } = await readModel(`${FIXTURES}gpt2`);
  const file = await fileOf(model, "f16");
  const halves = new Uint16Array(file.buffer);
  halves[halves.length - 5] = 0x7c01;
  const stored = modelFromCheckpoint(model.config, await openWeightsFile(bytesInMemory(file)));
  const last = weightsOf(stored).filter((weight) => weight.kind === "matrix" && weight.leastBits < 32);
  const loads = await Promise.allSettled(last.map((weight) => weight.load()));
  const refused = loads.flatMap((load) => (load.status === "rejected" ? [String(load.reason)] : []));
  expect(refused).toEqual([expect.stringMatching(/expected finite values in .+, got none at \d+$/)]);
});

test("int8 takes a quarter of f32", async () => {
  const { model } = await readModel(new URL("../../../../models/base", import.meta.url).pathname);
  let bytes = 0;
  for await (const part of quantisedFile(model, "int8")) bytes += part.byteLength;
  const values = [...model.tensors.shapes.values()].reduce(
    (sum, shape) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  expect(bytes).toBeLessThan(1.2 * values);
});
