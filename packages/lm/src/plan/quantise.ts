/** Frozen matrices in fewer bits, made from f32 one tensor at a time. */
import { fromFloat16s, toFloat16s } from "@fedlodrop/protocol";
import { type BaseType, type HostWeight, INT4_BLOCK, type PackedMatrix } from "./weight.ts";

type Matrix = Extract<HostWeight, { kind: "matrix" }>;

/** The matrix in another base: codes·scale, each value as the nearest of them. */
export function quantise(matrix: Extract<Matrix, { base: "f32" }>, base: BaseType): Matrix {
  const { kind, name, inFeatures, outFeatures } = matrix;
  const shape = { kind, name, inFeatures, outFeatures } as const;
  switch (base) {
    case "f32":
      return matrix;
    case "f16":
      return { ...shape, base, bits: toFloat16s(outIn(matrix)) };
    case "int8":
      return { ...shape, base, ...encodeRows(outIn(matrix), inFeatures) };
    case "int4":
      return { ...shape, base, ...encodeBlocks(outIn(matrix), inFeatures) };
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

interface Codes {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** One scale for each output: its largest value is 127 of them. */
function encodeRows(values: Float32Array, inFeatures: number): Codes {
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(values.length / inFeatures);
  for (let row = 0; row < scales.length; row++) {
    const start = row * inFeatures;
    let largest = 0;
    for (let i = start; i < start + inFeatures; i++)
      largest = Math.max(largest, Math.abs(values[i] as number));
    const scale = Math.fround(largest / 127);
    scales[row] = scale;
    for (let i = start; i < start + inFeatures && scale > 0; i++)
      codes[i] = Math.min(127, Math.max(-127, Math.round((values[i] as number) / scale)));
  }
  return { codes, scales };
}

/** Steps that a block's largest value is tried as, with its sign such that it may be −8; more find nothing better. */
const TRIED_STEPS = [7.2, 7.4, 7.6, 7.8, 8, 8.2, 8.4, 8.6, 8.8];

/** One scale, of either sign, for each 32 consecutive inputs of an output; the last block of a row may be shorter. Of the scales
 *  that are tried the one with the least squared error, each fitted to the codes it leads to. Source: llama.cpp, Q4_0. */
function encodeBlocks(values: Float32Array, inFeatures: number): Codes {
  const codes = new Int8Array(values.length);
  const blocks = Math.ceil(inFeatures / INT4_BLOCK);
  const scales = new Float32Array((values.length / inFeatures) * blocks);
  for (let position = 0; position < scales.length; position++) {
    const row = Math.floor(position / blocks) * inFeatures;
    const start = row + (position % blocks) * INT4_BLOCK;
    const end = Math.min(start + INT4_BLOCK, row + inFeatures);
    const scale = Math.fround(bestScale(values, start, end));
    scales[position] = scale;
    for (let i = start; i < end && scale !== 0; i++) codes[i] = int4Code((values[i] as number) / scale);
  }
  return { codes, scales };
}

const int4Code = (steps: number): number => Math.min(7, Math.max(-8, Math.round(steps)));

/** Of values[start, end); 0 where all of them are. */
function bestScale(values: Float32Array, start: number, end: number): number {
  let extreme = 0;
  for (let i = start; i < end; i++) {
    const value = values[i] as number;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  if (extreme === 0) return 0;
  let best = 0;
  let scale = 0;
  for (const steps of TRIED_STEPS) {
    // For codes c the scale x·c/c·c is best, and takes (x·c)²/c·c off the squared error.
    const inverse = -steps / extreme;
    let along = 0;
    let square = 0;
    for (let i = start; i < end; i++) {
      const value = values[i] as number;
      // Rounded by cutting off, which is several times as quick as Math.round: this runs nine times for every weight.
      const shifted = (value * inverse + 8.5) | 0;
      const code = Math.min(Math.max(shifted, 0), 15) - 8;
      along += value * code;
      square += code * code;
    }
    if (along * along <= best * square) continue;
    best = (along * along) / square;
    scale = along / square;
  }
  return scale;
}
