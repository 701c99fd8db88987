/** Frozen matrices in fewer bits, made from f32 one tensor at a time. */
import { toFloat16Bits } from "@fedlodrop/protocol";
import { type BaseType, type HostWeight, INT4_BLOCK } from "./weight.ts";

type Matrix = Extract<HostWeight, { kind: "matrix" }>;

/** The matrix in another base. Symmetric round-to-nearest: codes·scale, the scale such that the largest value fits. */
export function quantise(matrix: Extract<Matrix, { base: "f32" }>, base: BaseType): Matrix {
  const { kind, name, inFeatures, outFeatures } = matrix;
  const shape = { kind, name, inFeatures, outFeatures } as const;
  switch (base) {
    case "f32":
      return matrix;
    case "f16":
      return { ...shape, base, bits: Uint16Array.from(outIn(matrix), toFloat16Bits) };
    case "int8":
      return { ...shape, base, ...encode(outIn(matrix), inFeatures, inFeatures, 127, -127) };
    case "int4":
      return { ...shape, base, ...encode(outIn(matrix), inFeatures, INT4_BLOCK, 7, -8) };
    default:
      return base satisfies never;
  }
}

/** Values in the order [out, in]. */
function outIn({ order, inFeatures, outFeatures, values }: Extract<Matrix, { base: "f32" }>): Float32Array {
  if (order === "out-in") return values;
  const turned = new Float32Array(values.length);
  for (let i = 0; i < inFeatures; i++)
    for (let o = 0; o < outFeatures; o++) turned[o * inFeatures + i] = values[i * outFeatures + o] as number;
  return turned;
}

/** Codes with one scale for each `block` consecutive inputs of an output; the last block of a row may be shorter. */
function encode(
  values: Float32Array,
  inFeatures: number,
  block: number,
  largestCode: number,
  smallestCode: number,
): { readonly codes: Int8Array; readonly scales: Float32Array } {
  const codes = new Int8Array(values.length);
  const blocks = Math.ceil(inFeatures / block);
  const scales = new Float32Array((values.length / inFeatures) * blocks);
  for (let position = 0; position < scales.length; position++) {
    const start = Math.floor(position / blocks) * inFeatures + (position % blocks) * block;
    const end = Math.min(start + block, (Math.floor(position / blocks) + 1) * inFeatures);
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i] as number));
    const scale = Math.fround(largest / largestCode);
    scales[position] = scale;
    for (let i = start; i < end && scale > 0; i++)
      codes[i] = Math.min(largestCode, Math.max(smallestCode, Math.round((values[i] as number) / scale)));
  }
  return { codes, scales };
}
