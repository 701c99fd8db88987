import { adapterLayout, adapterSize } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { allTensors } from "../models/tensor-source.ts";
import { model, weights } from "../trainer/pytorch.contract.ts";
import { type AdapterOptions, adapterShape, mergeAdapter } from "./lora.ts";

const { config } = model;

test("an adapter names each adapted matrix with its sizes, in block order", () => {
  const shape = adapterShape(config, { rank: 4, alpha: 8, targetModules: ["mlp.c_proj", "attn.c_attn"] });
  expect(shape.modules).toEqual([
    { name: "h.0.attn.c_attn", inFeatures: 16, outFeatures: 48 },
    { name: "h.0.mlp.c_proj", inFeatures: 64, outFeatures: 16 },
    { name: "h.1.attn.c_attn", inFeatures: 16, outFeatures: 48 },
    { name: "h.1.mlp.c_proj", inFeatures: 64, outFeatures: 16 },
  ]);
  expect(shape.dense).toEqual([]);
});

test("labels add a head without bias", () => {
  const shape = adapterShape(config, { rank: 1, alpha: 1, targetModules: null, labels: 3 });
  expect(shape.dense).toEqual([{ name: "score", shape: [3, 16], initialStandardDeviation: 0.02 }]);
});

test.each([
  [{ rank: 0 }, "adapter: expected a rank of at least 1, got 0"],
  [{ alpha: 0 }, "adapter: expected alpha above 0, got 0"],
  [
    { targetModules: [] },
    "adapter: expected target modules among all-linear, c_attn, attn.c_proj, c_fc, mlp.c_proj, got none",
  ],
  [{ targetModules: ["c_attn", "attn"] }, /expected target modules among .*, got attn/],
  [{ targetModules: ["_attn"] }, /expected target modules among .*, got _attn/],
  [{ labels: 0 }, "adapter: expected at least 1 label, got 0"],
] satisfies [Partial<AdapterOptions>, string | RegExp][])("%o is refused", (change, message) => {
  const options = { rank: 4, alpha: 8, targetModules: null, ...change };
  expect(() => adapterShape(config, options)).toThrow(message);
});

test("merging adds (α/r)·(B·A)ᵀ to the adapted matrix alone: a product worked by hand", async () => {
  const shape = adapterShape(config, { rank: 2, alpha: 6, targetModules: ["attn.c_proj"] });
  const adapter = new Float32Array(adapterSize(shape));
  const set = (name: string, index: number, value: number): void => {
    const slice = adapterLayout(shape).find((candidate) => candidate.name === name);
    if (!slice) throw new Error(`no slice ${name}`);
    adapter[slice.offset + index] = value;
  };
  // A[0, 5] = 2, A[1, 5] = 1; B[3, 0] = 0.5, B[3, 1] = −4: ΔW[3, 5] = 3·(0.5·2 − 4·1) = −9.
  set("h.1.attn.c_proj.loraA", 5, 2);
  set("h.1.attn.c_proj.loraA", 16 + 5, 1);
  set("h.1.attn.c_proj.loraB", 2 * 3, 0.5);
  set("h.1.attn.c_proj.loraB", 2 * 3 + 1, -4);
  const merged = mergeAdapter(model, shape, adapter);
  for (const [name, { values }] of await allTensors(merged.tensors)) {
    const before = weights.get(name)?.values as Float32Array;
    const changed = [...values.keys()].filter((i) => values[i] !== before[i]);
    // W is [in, out]: row 5, column 3.
    expect(changed, name).toEqual(name === "h.1.attn.c_proj.weight" ? [5 * 16 + 3] : []);
    for (const i of changed) expect(values[i]).toBeCloseTo((before[i] as number) - 9, 5);
  }
  expect(() => mergeAdapter(model, shape, adapter.subarray(1))).toThrow(
    /expected 128 adapter values, got 127/,
  );
});
