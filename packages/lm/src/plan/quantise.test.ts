import { createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { quantise, widen } from "./quantise.ts";
import { heldIn } from "./weight.ts";

const inInt4 = (values: Float32Array, inFeatures: number): Float32Array => {
  const shape = { kind: "matrix", name: "w", inFeatures, outFeatures: values.length / inFeatures } as const;
  const matrix = quantise({ ...shape, base: "f32", order: "out-in", values }, "int4");
  if (matrix.base !== "int4") throw new Error(`expected int4, got ${matrix.base}`);
  return widen(matrix);
};

const squaredError = (values: Float32Array, got: Float32Array): number =>
  values.reduce((sum, value, i) => sum + (value - (got[i] as number)) ** 2, 0);

/** Each block in steps of a seventh of its largest value. */
function plainlyRounded(values: Float32Array): Float32Array {
  const rounded = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += 32) {
    const block = values.subarray(start, start + 32);
    const scale = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 7;
    rounded.set(
      block.map((value) => scale * Math.round(value / scale)),
      start,
    );
  }
  return rounded;
}

test("int4 errs less than plain rounding does: by a fifth on normal deviates, in no block by much more", () => {
  const random = createRandom("int4");
  const values = Float32Array.from({ length: 64 * 64 }, () => random.normal());
  const [got, plain] = [inInt4(values, 64), plainlyRounded(values)];
  expect(squaredError(values, got)).toBeLessThan(0.8 * squaredError(values, plain));
  for (let start = 0; start < values.length; start += 32) {
    const of = (all: Float32Array): Float32Array => all.subarray(start, start + 32);
    expect(squaredError(of(values), of(got))).toBeLessThan(1.2 * squaredError(of(values), of(plain)));
  }
});

test("int4 has what sixteen steps can say exactly, with either sign at the far end, and zeros", () => {
  const steps = Float32Array.from({ length: 48 }, (_, i) => 0.25 * ((i % 16) - 8));
  expect(inInt4(steps, 48)).toEqual(steps);
  const turned = steps.map((value) => -value);
  expect(inInt4(turned, 48)).toEqual(turned);
  expect(inInt4(new Float32Array(40), 40)).toEqual(new Float32Array(40));
});

test("token tables and outputs are in eight bits at least, position tables in f32", () => {
  const held = (leastBits: 32 | 8 | 4) =>
    (["f32", "f16", "int8", "int4"] as const).map((base) => heldIn(base, leastBits));
  expect(held(4)).toEqual(["f32", "f16", "int8", "int4"]);
  expect(held(8)).toEqual(["f32", "f16", "int8", "int8"]);
  expect(held(32)).toEqual(["f32", "f32", "f32", "f32"]);
});
