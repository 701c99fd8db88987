/**
 * The adapter as both sides see it: names and sizes, and one flat vector of values.
 *
 * Flat layout, in the order of `modules`: loraA [rank, inFeatures] row-major, then loraB [outFeatures, rank]
 * row-major; after the last module each dense parameter, row-major. Every index below is into this vector.
 * loraA is the paper's A_u (r × n_in), loraB its B_u (n_out × r); the product is scaled by alpha / rank.
 */
import { createRandom } from "./random.ts";

/** One adapted weight matrix. */
export interface AdaptedModule {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** A parameter trained beside the adapter and always sent whole (a classifier head). */
export interface DenseParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Standard deviation of the normal initial values; 0 starts at zero. */
  readonly initialStandardDeviation: number;
}

export interface AdapterShape {
  readonly rank: number;
  readonly alpha: number;
  readonly modules: readonly AdaptedModule[];
  readonly dense: readonly DenseParameter[];
}

/** Where one parameter lies in the flat vector. */
export interface AdapterSlice {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Slices of the flat vector in order; LoRA factors are named `MODULE.loraA` and `MODULE.loraB`. */
export function adapterLayout(shape: AdapterShape): readonly AdapterSlice[] {
  const parameters = [
    ...shape.modules.flatMap((module) => [
      { name: `${module.name}.loraA`, shape: [shape.rank, module.inFeatures] },
      { name: `${module.name}.loraB`, shape: [module.outFeatures, shape.rank] },
    ]),
    ...shape.dense,
  ];
  let offset = 0;
  return parameters.map(({ name, shape }) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const slice = { name, shape, offset, size };
    offset += size;
    return slice;
  });
}

/** Number of values in the full adapter, dense parameters included. */
export function adapterSize(shape: AdapterShape): number {
  const loraValues = shape.modules.reduce((sum, m) => sum + shape.rank * (m.inFeatures + m.outFeatures), 0);
  const denseValues = shape.dense.reduce((sum, d) => sum + d.shape.reduce((product, n) => product * n, 1), 0);
  return loraValues + denseValues;
}

/**
 * Initial full adapter: loraA uniform on ±1/√inFeatures (Kaiming uniform with a = √5, PEFT's default), loraB zero,
 * so that ΔW = 0 before the first round; dense parameters normal.
 */
export function initialAdapter(shape: AdapterShape, seed: string): Float32Array {
  const values = new Float32Array(adapterSize(shape));
  const layout = new Map(adapterLayout(shape).map((slice) => [slice.name, slice]));
  const fill = (name: string, draw: () => number): void => {
    const slice = layout.get(name) as AdapterSlice;
    for (let i = 0; i < slice.size; i++) values[slice.offset + i] = draw();
  };
  for (const module of shape.modules) {
    const random = createRandom(seed, "initial-adapter", module.name);
    const limit = 1 / Math.sqrt(module.inFeatures);
    fill(`${module.name}.loraA`, () => (2 * random.uniform() - 1) * limit);
  }
  for (const parameter of shape.dense) {
    const random = createRandom(seed, "initial-adapter", parameter.name);
    fill(parameter.name, () => random.normal() * parameter.initialStandardDeviation);
  }
  return values;
}
