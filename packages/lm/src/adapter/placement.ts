/**
 * Where the kept values of an adapter lie for the kernels. The wire holds A′ as [rank, kept columns]; the kernels
 * want every factor as [kept, rank] (ops/lora.ts), so that values change places once when a round begins and ends.
 * Nothing is padded: a dropped column or row has no value, gradient or moment here either.
 */
import { type AdapterShape, adapterSize, type DropoutMask } from "@fedlodrop/run";

/** One adapted matrix: offsets into the vector of values (factors) and into the list of indices. */
export interface ModulePlacement {
  readonly keptColumns: number;
  readonly keptRows: number;
  readonly factorA: number; // [keptColumns, rank]
  readonly factorB: number; // [keptRows, rank]
  readonly columnIndices: number;
  readonly rowIndices: number;
}

export interface AdapterPlacement {
  readonly rank: number;
  /** s of ops/lora.ts: (α/rank)·g. */
  readonly scale: number;
  readonly modules: ReadonlyMap<string, ModulePlacement>;
  /** Offsets of dense parameters, row-major as on the wire. */
  readonly dense: ReadonlyMap<string, number>;
  readonly valueCount: number;
  readonly indexCount: number;
  /** What the shape of a plan depends on: equal keys, equal plans. */
  readonly key: string;
}

/** @param kept of each module, how many columns and rows */
export function placeAdapter(
  shape: AdapterShape,
  kept: readonly { readonly keptColumns: number; readonly keptRows: number }[],
  rescale: number,
): AdapterPlacement {
  const { rank } = shape;
  let values = 0;
  let indices = 0;
  const modules = new Map(
    shape.modules.map(({ name }, position) => {
      const { keptColumns, keptRows } = kept[position] as (typeof kept)[number];
      const placement = {
        keptColumns,
        keptRows,
        factorA: values,
        factorB: values + keptColumns * rank,
        columnIndices: indices,
        rowIndices: indices + keptColumns,
      };
      values += rank * (keptColumns + keptRows);
      indices += keptColumns + keptRows;
      return [name, placement] as const;
    }),
  );
  const dense = new Map(
    shape.dense.map(({ name, shape: extents }) => {
      const offset = values;
      values += extents.reduce((product, extent) => product * extent, 1);
      return [name, offset] as const;
    }),
  );
  const scale = (shape.alpha / rank) * rescale;
  const counts = kept.map(({ keptColumns, keptRows }) => [keptColumns, keptRows]);
  const key = JSON.stringify([scale, counts]);
  return { rank, scale, modules, dense, valueCount: values, indexCount: indices, key };
}

/** The full adapter: every column and row, unscaled. */
export function placeFullAdapter(shape: AdapterShape): AdapterPlacement {
  const kept = shape.modules.map((m) => ({ keptColumns: m.inFeatures, keptRows: m.outFeatures }));
  return placeAdapter(shape, kept, 1);
}

export function placeMasked(shape: AdapterShape, mask: DropoutMask, rescale: number): AdapterPlacement {
  const kept = mask.map((m) => ({ keptColumns: m.keptColumns.length, keptRows: m.keptRows.length }));
  return placeAdapter(shape, kept, rescale);
}

/** The list of indices that a mask fills in: of each module its columns, then its rows. */
export function maskIndices(mask: DropoutMask): Int32Array {
  return Int32Array.from(mask.flatMap(({ keptColumns, keptRows }) => [...keptColumns, ...keptRows]));
}

export function fullIndices(shape: AdapterShape): Int32Array {
  const all = (size: number): number[] => Array.from({ length: size }, (_, i) => i);
  return Int32Array.from(shape.modules.flatMap((m) => [...all(m.inFeatures), ...all(m.outFeatures)]));
}

/** Values in wire order → in kernel order. */
export function toKernelOrder(values: Float32Array, placement: AdapterPlacement): Float32Array {
  return reorder(values, placement, (placed, wire) => [placed, wire]);
}

/** Values in kernel order → in wire order. */
export function toWireOrder(values: Float32Array, placement: AdapterPlacement): Float32Array {
  return reorder(values, placement, (placed, wire) => [wire, placed]);
}

function reorder(
  values: Float32Array,
  { rank, modules }: AdapterPlacement,
  pick: (placed: number, wire: number) => readonly [to: number, from: number],
): Float32Array {
  const moved = values.slice();
  for (const { factorA, keptColumns } of modules.values())
    for (let column = 0; column < keptColumns; column++)
      for (let r = 0; r < rank; r++) {
        const [to, from] = pick(factorA + column * rank + r, factorA + r * keptColumns + column);
        moved[to] = values[from] as number;
      }
  return moved;
}

/** @throws one line when a full adapter's vector has another length than the shape says. */
export function checkAdapter(shape: AdapterShape, adapter: Float32Array): void {
  if (adapter.length !== adapterSize(shape))
    throw new Error(`adapter: expected ${adapterSize(shape)} values, got ${adapter.length}`);
}
