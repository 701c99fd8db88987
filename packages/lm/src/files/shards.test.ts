import { expect, test } from "vitest";
import { type TensorSource, tensorsInMemory } from "../models/tensor-source.ts";
import { openShards } from "./shards.ts";

const [FIRST, SECOND] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
const tensor = (...values: number[]) => ({ shape: [values.length], values: Float32Array.from(values) });
const shards: Readonly<Record<string, TensorSource>> = {
  [FIRST]: tensorsInMemory(
    new Map([
      ["a", tensor(1, 2)],
      ["stray", tensor(9)],
    ]),
  ),
  [SECOND]: tensorsInMemory(new Map([["b", tensor(3)]])),
};
const open = (map: unknown) => openShards({ weight_map: map }, async (file) => shards[file] as TensorSource);

test("tensors are found in the file that the index names", async () => {
  const { shapes, read } = await open({ b: SECOND, a: FIRST });
  expect([...shapes]).toEqual([
    ["b", [1]],
    ["a", [2]],
  ]);
  expect(await read("a")).toEqual(Float32Array.of(1, 2));
  expect(await read("b")).toEqual(Float32Array.of(3));
  await expect(read("stray")).rejects.toThrow("expected a tensor stray, got none");
});

test.each([
  [{ a: "../../etc/passwd" }, 'for a, got "../../etc/passwd"'],
  [{ a: 7 }, "for a, got 7"],
  [{ b: FIRST }, `expected b in ${FIRST}, got none`],
  ["nothing", 'expected an object weight_map, got "nothing"'],
])("%o is refused", async (map, message) => {
  await expect(open(map)).rejects.toThrow(message);
});
