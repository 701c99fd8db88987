/**
 * A sub-adapter on the device: the kept values are the only variable, in wire order, and two index lists place
 * them. Aᵀ [in, rank] and (α/r)·g·Bᵀ [rank, out] are gathered from them with zeros where a column or row was
 * dropped; the gradient is gathered back. A dropped entry thus has no value, no gradient and no optimiser state.
 *
 * g = 1/(1−γ)², because each factor is kept with probability 1−γ: the masked product then equals the full
 * adapter's in expectation. Source: FedLoDrop, local tuning; the rescaling is LoRA Dropout's inverted form.
 */

import { type AdapterShape, adapterSize, type DropoutMask, keptIndices } from "@fedlodrop/run";
import * as tf from "@tensorflow/tfjs";

/** Where kept values lie, on the host. "Slot" is a position in the padded vector of kept values. */
export interface SubAdapterPlacement {
  readonly valueCount: number;
  /** Slots: the values, then at least one zero. A multiple of 4, so that every mask runs the same (vec4) shaders. */
  readonly slotCount: number;
  /** For each entry of the kernels' vector its slot; dropped entries read the first zero slot. */
  readonly slotOfEntry: Int32Array;
  /** For each slot its entry; zero slots name entry 0 and have scale 0. */
  readonly entryOfSlot: Int32Array;
  /** Factor per slot: (α/r)·g on values of B, 1 elsewhere, 0 on zero slots. */
  readonly scale: Float32Array;
}

/** The adapter as the forward pass reads it. */
export interface AdapterTensors {
  /** Per module name: Aᵀ [in, rank] and scaled Bᵀ [rank, out]. */
  readonly modules: ReadonlyMap<string, { readonly down: tf.Tensor2D; readonly up: tf.Tensor2D }>;
  /** Per dense parameter: its transpose. */
  readonly dense: ReadonlyMap<string, tf.Tensor2D>;
}

export function placeSubAdapter(
  shape: AdapterShape,
  mask: DropoutMask,
  productFactor: number,
): SubAdapterPlacement {
  const kept = keptIndices(shape, mask);
  const slotCount = 4 * Math.ceil((kept.length + 1) / 4);
  const { entry, isLoraB } = kernelEntries(shape);
  const slotOfEntry = new Int32Array(adapterSize(shape)).fill(kept.length);
  const entryOfSlot = new Int32Array(slotCount);
  const scale = new Float32Array(slotCount);
  const loraBScale = (shape.alpha / shape.rank) * productFactor;
  kept.forEach((flatIndex, slot) => {
    const position = entry[flatIndex] as number;
    slotOfEntry[position] = slot;
    entryOfSlot[slot] = position;
    scale[slot] = isLoraB[flatIndex] ? loraBScale : 1;
  });
  return { valueCount: kept.length, slotCount, slotOfEntry, entryOfSlot, scale };
}

/** Placement of the full adapter: nothing dropped, no rescaling. */
export function placeFullAdapter(shape: AdapterShape): SubAdapterPlacement {
  const all = (size: number): Uint32Array => Uint32Array.from({ length: size }, (_, index) => index);
  const mask = shape.modules.map((module) => ({
    keptColumns: all(module.inFeatures),
    keptRows: all(module.outFeatures),
  }));
  return placeSubAdapter(shape, mask, 1);
}

/** Expands slots into factors, differentiably. The caller disposes (or tidies) everything. */
export function createExpansion(
  shape: AdapterShape,
  placement: SubAdapterPlacement,
): { expand(slots: tf.Tensor1D): AdapterTensors; dispose(): void } {
  const slotOfEntry = tf.tensor1d(placement.slotOfEntry, "int32");
  const entryOfSlot = tf.tensor1d(placement.entryOfSlot, "int32");
  const scale = tf.tensor1d(placement.scale);
  const scatter = tf.customGrad((slots) => ({
    value: tf.gather(tf.mul(slots as tf.Tensor1D, scale), slotOfEntry),
    gradFunc: (dy: tf.Tensor) => tf.mul(tf.gather(dy, entryOfSlot), scale),
  }));
  const parts = kernelParts(shape);
  return {
    expand(slots) {
      const entries = scatter(slots);
      const tensors = tf.split(
        entries,
        parts.map(([rows, columns]) => rows * columns),
      );
      const factors = tensors.map((tensor, i) => tf.reshape(tensor, [...(parts[i] as Size)]) as tf.Tensor2D);
      const moduleCount = shape.modules.length;
      return {
        modules: new Map(
          shape.modules.map(({ name }, i) => [
            name,
            { down: factors[2 * i] as tf.Tensor2D, up: factors[2 * i + 1] as tf.Tensor2D },
          ]),
        ),
        dense: new Map(shape.dense.map(({ name }, i) => [name, factors[2 * moduleCount + i] as tf.Tensor2D])),
      };
    },
    dispose: () => tf.dispose([slotOfEntry, entryOfSlot, scale]),
  };
}

type Size = readonly [rows: number, columns: number];

/** Sizes of the pieces of the kernels' vector, in order: Aᵀ and Bᵀ of each module, then dense transposes. */
function kernelParts(shape: AdapterShape): readonly Size[] {
  return [
    ...shape.modules.flatMap(({ inFeatures, outFeatures }): Size[] => [
      [inFeatures, shape.rank],
      [shape.rank, outFeatures],
    ]),
    ...shape.dense.map((parameter): Size => {
      const [rows, columns] = parameter.shape;
      if (rows === undefined || columns === undefined || parameter.shape.length !== 2)
        throw new Error(
          `adapter: expected dense parameter ${parameter.name} to be a matrix, got [${parameter.shape}]`,
        );
      return [columns, rows];
    }),
  ];
}

/** For every index of the flat (wire) vector: its entry in the kernels' vector, and whether it belongs to a loraB. */
function kernelEntries(shape: AdapterShape): { entry: Uint32Array; isLoraB: Uint8Array } {
  const entry = new Uint32Array(adapterSize(shape));
  const isLoraB = new Uint8Array(entry.length);
  let offset = 0;
  // Each piece of the flat vector is the transpose of the kernels' piece, and they lie at the same offsets.
  kernelParts(shape).forEach(([rows, columns], part) => {
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        entry[offset + column * rows + row] = offset + row * columns + column;
    if (part < 2 * shape.modules.length && part % 2 === 1) isLoraB.fill(1, offset, offset + rows * columns);
    offset += rows * columns;
  });
  return { entry, isLoraB };
}
