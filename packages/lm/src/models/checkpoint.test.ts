import { expect, test } from "vitest";
import { model } from "../trainer/pytorch.contract.ts";
import { modelFromCheckpoint, parameterShapes, UNTIED_HEAD } from "./checkpoint.ts";
import type { NamedTensor } from "./named-tensor.ts";

const { config, weights } = model;

test("names with and without the prefix give the same model", () => {
  const prefixed = new Map([...weights].map(([name, tensor]) => [`transformer.${name}`, tensor]));
  expect(modelFromCheckpoint(config, prefixed)).toEqual(modelFromCheckpoint(config, weights));
});

test("buffers are left behind, an untied head is taken", () => {
  const buffer: NamedTensor = { shape: [1], values: new Float32Array(1) };
  const head: NamedTensor = { shape: [40, 16], values: new Float32Array(640) };
  const tensors = new Map([...weights, ["h.0.attn.bias", buffer], [UNTIED_HEAD, head]]);
  const names = [...modelFromCheckpoint(config, tensors).weights.keys()];
  expect(names).toEqual([...parameterShapes(config).keys(), UNTIED_HEAD]);
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
