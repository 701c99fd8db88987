import { expect, test } from "vitest";
import { model, weights } from "../trainer/pytorch.contract.ts";
import { modelFromCheckpoint, parameterShapes } from "./checkpoint.ts";
import type { NamedTensor, TensorMap } from "./named-tensor.ts";
import { UNTIED_HEAD } from "./parameters.ts";
import { allTensors, tensorsInMemory } from "./tensor-source.ts";

const { config } = model;
const from = (tensors: TensorMap, shape = config) => modelFromCheckpoint(shape, tensorsInMemory(tensors));

test("names with and without the prefix give the same model", async () => {
  const prefixed = new Map([...weights].map(([name, tensor]) => [`transformer.${name}`, tensor]));
  expect(await allTensors(from(prefixed).tensors)).toEqual(await allTensors(from(weights).tensors));
  expect(await allTensors(from(weights).tensors)).toEqual(weights);
});

test("buffers are left behind; a head counts only where it is not tied", async () => {
  const buffer: NamedTensor = { shape: [1], values: new Float32Array(1) };
  const head: NamedTensor = { shape: [40, 16], values: new Float32Array(640) };
  const tensors = new Map([["h.0.attn.bias", buffer], ...weights, [UNTIED_HEAD, head]]);
  const untied = { ...config, head: "own" as const };
  const names = [...parameterShapes(config).keys()].sort();
  expect([...from(tensors).tensors.shapes.keys()].sort()).toEqual(names);
  const { tensors: withHead } = from(tensors, untied);
  expect([...withHead.shapes.keys()].sort()).toEqual([...names, UNTIED_HEAD].sort());
  expect(await withHead.read(UNTIED_HEAD)).toBe(head.values);
  expect(() => from(weights, untied)).toThrow(
    "checkpoint: expected a tensor lm_head.weight, as config.json says tie_word_embeddings false, got none",
  );
});

test("weights that are not numbers are named when they are read, by their name in the file", async () => {
  const bias = weights.get("h.1.ln_2.bias") as NamedTensor;
  for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const damaged = [...weights, ["h.1.ln_2.bias", { ...bias, values: bias.values.with(3, wrong) }]] as const;
    const prefixed = new Map(damaged.map(([name, tensor]) => [`transformer.${name}`, tensor]));
    await expect(from(prefixed).tensors.read("h.1.ln_2.bias")).rejects.toThrow(
      `checkpoint: expected finite weights, got ${wrong} at value 3 of transformer.h.1.ln_2.bias`,
    );
  }
});

test("a missing tensor and a wrong shape are named", () => {
  const missing = new Map(weights);
  missing.delete("h.1.mlp.c_fc.bias");
  expect(() => from(missing)).toThrow(
    "checkpoint: expected a tensor h.1.mlp.c_fc.bias, got none among 27 tensors",
  );
  expect(() => from(weights, { ...config, vocabularySize: 41 })).toThrow(
    "checkpoint: expected wte.weight of shape [41,16], got [40,16]",
  );
});
