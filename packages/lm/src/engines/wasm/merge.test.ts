/** Which products take their adapter in. That the sums are right then is engine.contract.ts's, on every build. */
import { expect, test } from "vitest";
import type { PlanBuffer } from "../../plan/engine.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { mergeAdapters } from "./merge.ts";

const [X, U, Y, VALUES, INDICES, OTHER] = [0, 1, 2, 3, 4, 5] as const;
const buffers = (["input", "activation", "activation", "state", "input", "state"] as const).map(
  (kind, id): PlanBuffer => ({
    kind,
    name: `${id}`,
    type: id === INDICES ? "i32" : "f32",
    size: 1e6,
    slot: null,
  }),
);

/** x [rows, 64] · W [64, 96] with `kept` columns of A. */
function calls(rows: number, kept: number): readonly [KernelCall, KernelCall, KernelCall] {
  const at = (buffer: number, offset: number) => ({ buffer, offset });
  const [inputs, outputs] = [
    { indices: at(INDICES, 0), factor: at(VALUES, 0), kept, features: 64 },
    { indices: at(INDICES, 64), factor: at(VALUES, 512), kept: 48, features: 96 },
  ];
  return [
    {
      ...{ kind: "linear", x: X, weight: "w", bias: null, residual: null, out: Y },
      ...{ rows, inFeatures: 64, outFeatures: 96 },
    },
    { kind: "lora-down", x: X, scale: 1, out: U, rows, rank: 8, ...inputs },
    { kind: "lora-up", u: U, y: Y, rows, rank: 8, ...outputs },
  ];
}

const kinds = (found: readonly KernelCall[]): string => found.map(({ kind }) => kind).join(" ");

test("many rows: the product takes the adapter in, and LoRA's own two calls go, in whichever order they came", () => {
  const [product, down, up] = calls(64, 32);
  for (const order of [
    [product, down, up],
    [down, product, up],
  ]) {
    const { calls: left, merged } = mergeAdapters(order, buffers);
    expect(kinds(left)).toBe("linear");
    expect(merged.get(product)).toEqual({ down, up });
  }
});

test("a low rank activation that somebody else reads is still computed", () => {
  const read: KernelCall = { kind: "add", a: U, b: U, out: OTHER, size: 8 };
  expect(kinds(mergeAdapters([...calls(64, 32), read], buffers).calls)).toBe("linear lora-down add");
  const outside = buffers.map((buffer, id) => (id === U ? { ...buffer, kind: "output" as const } : buffer));
  expect(kinds(mergeAdapters(calls(64, 32), outside).calls)).toBe("linear lora-down");
});

test("few rows for the columns that were kept, such as a token's, are added to as they are", () => {
  for (const [rows, kept] of [
    [1, 64],
    [20, 32],
  ] as const)
    expect(kinds(mergeAdapters(calls(rows, kept), buffers).calls)).toBe("linear lora-down lora-up");
});

test("nothing merges where a call in between reads the result or changes what is merged", () => {
  const [product, down, up] = calls(64, 32);
  const add = (a: number, out: number): KernelCall => ({ kind: "add", a, b: a, out, size: 8 });
  for (const between of [add(Y, OTHER), add(OTHER, VALUES), add(OTHER, INDICES), add(OTHER, X)])
    expect(mergeAdapters([product, down, between, up], buffers).merged.size).toBe(0);
  expect(mergeAdapters([product, down, add(OTHER, OTHER), up], buffers).merged.size).toBe(1);
});
