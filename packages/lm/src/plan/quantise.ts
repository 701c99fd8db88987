/** Frozen matrices in fewer bits, made from f32 one tensor at a time. */
import { fromFloat16s, toFloat16s } from "@fedlodrop/protocol";
import { type BaseType, type HostWeight, INT4_BLOCK, type PackedMatrix } from "./weight.ts";

type Matrix = Extract<HostWeight, { kind: "matrix" }>;

/** The matrix in another base. Symmetric round-to-nearest: codes·scale, the scale such that the largest value fits. */
export function quantise(matrix: Extract<Matrix, { base: "f32" }>, base: BaseType): Matrix {
  const { kind, name, inFeatures, outFeatures } = matrix;
  const shape = { kind, name, inFeatures, outFeatures } as const;
  switch (base) {
    case "f32":
      return matrix;
    case "f16":
      return { ...shape, base, bits: toFloat16s(outIn(matrix)) };
    case "int8":
      return { ...shape, base, ...encode(outIn(matrix), inFeatures, inFeatures, 127, -127) };
    case "int4":
      return { ...shape, base, ...encode(outIn(matrix), inFeatures, INT4_BLOCK, 7, -8) };
    default:
      return base satisfies never;
  }
}

/** The values that a matrix in fewer bits stands for, in the order [out, in]. */
export function widen(matrix: PackedMatrix & { readonly inFeatures: number }): Float32Array {
  const { inFeatures } = matrix;
  switch (matrix.base) {
    case "f16":
      return fromFloat16s(matrix.bits);
    case "int8":
    case "int4": {
      const { codes, scales } = matrix;
      const block = matrix.base === "int8" ? inFeatures : INT4_BLOCK;
      const blocks = Math.ceil(inFeatures / block);
      const values = new Float32Array(codes.length);
      for (let i = 0; i < codes.length; i++) {
        const place = Math.floor(i / inFeatures) * blocks + Math.floor((i % inFeatures) / block);
        values[i] = (codes[i] as number) * (scales[place] as number);
      }
      return values;
    }
    default:
      return matrix satisfies never;
  }
}

/** A matrix with rows of that many values, columns first. */
export function turned(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column] as number;
  return result;
}

/** Values in the order [out, in]. */
function outIn({ order, outFeatures, values }: Extract<Matrix, { base: "f32" }>): Float32Array {
  return order === "out-in" ? values : turned(values, outFeatures);
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
