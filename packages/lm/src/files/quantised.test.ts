/** A model in fewer bits, written and read again: the same numbers as when a device makes them itself. */
import { BASE_TYPES } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { modelFromCheckpoint } from "../models/checkpoint.ts";
import { weightsOf } from "../models/weights.ts";
import { readModel } from "../node.ts";
import { quantise } from "../plan/quantise.ts";
import { bytesInMemory } from "./bytes.ts";
import { openWeightsFile, quantisedFile } from "./quantised.ts";

const FIXTURES = new URL("../../fixtures/models/", import.meta.url).pathname;
const bases = BASE_TYPES.filter((base) => base !== "f32");

// In-out matrices and exact positions, odd vocabularies and gates, derived tables.
for (const name of ["gpt2", "llama", "gemma3", "bert"])
  test.each(bases)(`${name} in %s`, async (base) => {
    const { model } = await readModel(`${FIXTURES}${name}`);
    const parts: Uint8Array[] = [];
    for await (const part of quantisedFile(model, base)) parts.push(new Uint8Array(part));
    const file = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    const stored = modelFromCheckpoint(model.config, await openWeightsFile(bytesInMemory(file)));
    expect(stored.tensors.shapes.size).toBe(model.tensors.shapes.size);

    const own = new Map(weightsOf(model).map((weight) => [weight.name, weight]));
    for (const weight of weightsOf(stored)) {
      const original = await own.get(weight.name)!.load();
      const expected =
        original.kind === "vector" || (weight.kind === "matrix" && weight.isExact)
          ? original
          : quantise(original as Extract<typeof original, { base: "f32" }>, base);
      expect(await weight.load()).toEqual(expected);
    }
    // Whoever wants f32 gets the original's, to within the base's step.
    for (const [tensor, shape] of model.tensors.shapes) {
      expect(stored.tensors.shapes.get(tensor)).toEqual(shape);
      const [wanted, got] = [await model.tensors.read(tensor), await stored.tensors.read(tensor)];
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const error = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);
      expect(error).toBeLessThanOrEqual({ f16: 1 / 2048, int8: 0.51 / 127, int4: 0.51 / 7 }[base] * largest);
    }
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
