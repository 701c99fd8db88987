/** The arrays of a checkpoint, known by their shapes and read one at a time: a model need never be in memory whole. */
import type { PackedMatrix } from "../plan/weight.ts";
import type { TensorMap } from "./named-tensor.ts";

export interface TensorSource {
  /** By name, in the order in which they are best read. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Row-major values of one of them. The caller must not change them, and should let go of them soon.
   *  @throws one line naming the tensor, when its values cannot be read */
  read(name: string): Promise<Float32Array>;
  /** A matrix in the fewer bits that its file has it in; null for every other tensor. */
  readonly packed?: (name: string) => Promise<PackedMatrix | null>;
}

export function tensorsInMemory(tensors: TensorMap): TensorSource {
  return {
    shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
    async read(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`tensors: expected ${name}, got none`);
      return tensor.values;
    },
  };
}

/** All at once, for models that are small or have to be. */
export async function allTensors({ shapes, read }: TensorSource): Promise<TensorMap> {
  const tensors = new Map();
  for (const [name, shape] of shapes) tensors.set(name, { shape, values: await read(name) });
  return tensors;
}
