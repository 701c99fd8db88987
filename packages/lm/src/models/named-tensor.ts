/** An array with its shape, on the host, row-major. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type TensorMap = ReadonlyMap<string, NamedTensor>;
