import fc from "fast-check";
import { expect, it } from "vitest";
import { pack, unpack } from "./packed.ts";

const array = fc.oneof(
  fc.uint8Array(),
  fc.float32Array().map((values) => values.subarray(Math.min(1, values.length))),
  fc.float64Array(),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.double(),
    fc.string(),
    fc.string().map((text) => `\u0000${text}`),
    fc.constantFrom("\u00000", "\u0000s", "\u0000NaN"),
    array,
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("tree"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

it("gives back what was packed: figures that JSON has not, and arrays to the bit", () => {
  fc.assert(
    fc.property(tree, (value) => {
      // JSON has one zero.
      const plain = JSON.stringify(value) === undefined ? null : value;
      expect(unpack(pack(plain))).toEqual(structuredClone(withoutNegativeZero(plain)));
    }),
  );
});

function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (ArrayBuffer.isView(value) || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutNegativeZero(one)]));
}

it("says so when something is missing", () => {
  const bytes = pack({ values: Float64Array.of(1, 2, 3) });
  expect(() => unpack(bytes.subarray(0, bytes.length - 1))).toThrow("packed: expected");
});
