import { initialAdapter } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { parseSafetensors } from "../files/safetensors.ts";
import { model } from "../trainer/pytorch.contract.ts";
import { adapterFromSafetensors, adapterToSafetensors } from "./adapter-file.ts";
import { adapterShape } from "./lora.ts";

const shape = adapterShape(model.config, { rank: 3, alpha: 6, targetModules: ["mlp.c_fc"], labels: 2 });
const adapter = initialAdapter(shape, "file");

test("an adapter survives its file, under PEFT's names for the factors", () => {
  const bytes = adapterToSafetensors(shape, adapter);
  expect(adapterFromSafetensors(shape, bytes)).toEqual(adapter);
  const shapes = [...parseSafetensors(bytes)].map(([name, tensor]) => [name, tensor.shape]);
  expect(shapes).toEqual([
    ["h.0.mlp.c_fc.loraA", [3, 16]],
    ["h.0.mlp.c_fc.loraB", [64, 3]],
    ["h.1.mlp.c_fc.loraA", [3, 16]],
    ["h.1.mlp.c_fc.loraB", [64, 3]],
    ["score", [2, 16]],
  ]);
});

test("a file of another adapter is refused", () => {
  const bytes = adapterToSafetensors(shape, adapter);
  expect(() => adapterFromSafetensors({ ...shape, rank: 4 }, bytes)).toThrow(
    "adapter file: expected h.0.mlp.c_fc.loraA of shape [4,16], got [3,16]",
  );
  expect(() => adapterFromSafetensors({ ...shape, dense: [] }, bytes)).toThrow("expected 4 tensors, got 5");
  expect(() => adapterToSafetensors(shape, adapter.subarray(1))).toThrow(/expected \d+ values, got \d+/);
});
