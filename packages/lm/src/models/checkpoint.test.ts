import { expect, test } from "vitest";
import { model } from "../trainer/pytorch.contract.ts";
import { isParameter, modelFromCheckpoint, parameterShapes, UNTIED_HEAD } from "./checkpoint.ts";
import type { NamedTensor } from "./named-tensor.ts";

const { config, weights } = model;

test("names with and without the prefix give the same model", () => {
  const prefixed = new Map([...weights].map(([name, tensor]) => [`transformer.${name}`, tensor]));
  expect(modelFromCheckpoint(config, prefixed)).toEqual(modelFromCheckpoint(config, weights));
});

test("buffers are left behind; a head counts only where it is not tied", () => {
  const buffer: NamedTensor = { shape: [1], values: new Float32Array(1) };
  const head: NamedTensor = { shape: [40, 16], values: new Float32Array(640) };
  const tensors = new Map([...weights, ["h.0.attn.bias", buffer], [UNTIED_HEAD, head]]);
  const untied = { ...config, isHeadTied: false };
  expect([...modelFromCheckpoint(config, tensors).weights.keys()]).toEqual([
    ...parameterShapes(config).keys(),
  ]);
  expect(modelFromCheckpoint(untied, tensors).weights.get(UNTIED_HEAD)).toBe(head);
  expect([UNTIED_HEAD, "h.0.attn.bias", "transformer.wte.weight"].map(isParameter(untied))).toEqual([
    true,
    false,
    true,
  ]);
  expect(isParameter(config)(UNTIED_HEAD)).toBe(false);
  expect(() => modelFromCheckpoint(untied, weights)).toThrow(
    "checkpoint: expected a tensor lm_head.weight, as config.json says tie_word_embeddings false, got none",
  );
});

test("weights that are not numbers are named", () => {
  const bias = weights.get("h.1.ln_2.bias") as NamedTensor;
  for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const damaged = new Map([...weights, ["h.1.ln_2.bias", { ...bias, values: bias.values.with(3, wrong) }]]);
    expect(() => modelFromCheckpoint(config, damaged)).toThrow(
      `checkpoint: expected finite weights, got ${wrong} at value 3 of h.1.ln_2.bias`,
    );
  }
});

test("a missing tensor and a wrong shape are named", () => {
  const missing = new Map(weights);
  missing.delete("h.1.mlp.c_fc.bias");
  expect(() => modelFromCheckpoint(config, missing)).toThrow(
    "checkpoint: expected a tensor h.1.mlp.c_fc.bias, got none among 27 tensors",
  );
  expect(() => modelFromCheckpoint({ ...config, vocabularySize: 41 }, weights)).toThrow(
    "checkpoint: expected wte.weight of shape [41,16], got [40,16]",
  );
});
