import type { BufferId, Rows, Span, WeightName } from "../../ops/buffer.ts";

/** A frozen matrix in float64, whatever base it came from: value of input i and output o at [o · inFeatures + i]. */
export interface Matrix {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly values: Float64Array;
}

/** What a kernel of the reference computes on: everything is float64, integers too. */
export interface Memory {
  buffer(id: BufferId): Float64Array;
  vector(name: WeightName): Float64Array;
  matrix(name: WeightName): Matrix;
}

/** Element of an array that is known to be there. */
export const at = (values: ArrayLike<number>, index: number): number => {
  const value = values[index];
  if (value === undefined) throw new Error(`kernel: expected an index below ${values.length}, got ${index}`);
  return value;
};

export const spanOf = (memory: Memory, { buffer, offset }: Span): Float64Array =>
  memory.buffer(buffer).subarray(offset);

/** Row i of rows of `width` that lie inside a wider buffer; a view, so that kernels write through it. */
export const rowOf = (
  memory: Memory,
  { buffer, offset, stride }: Rows,
  i: number,
  width: number,
): Float64Array => memory.buffer(buffer).subarray(offset + i * stride, offset + i * stride + width);
