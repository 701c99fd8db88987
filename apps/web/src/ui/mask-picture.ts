/**
 * The dropout mask as a picture: per adapted module two strips of cells, columns of A and rows of B, lit where kept.
 * Pure data; `MaskCanvas` paints it. Wide factors are binned, so that a cell shows the kept share of its bin.
 */
import type { AdaptedModule, DropoutMask } from "@fedlodrop/run";

export interface MaskStrip {
  readonly factor: "A" | "B";
  /** Kept share of each cell, 0 to 1. */
  readonly cells: Float32Array;
  readonly kept: number;
  readonly size: number;
}

export interface ModulePicture {
  readonly name: string;
  readonly strips: readonly [MaskStrip, MaskStrip];
}

export function maskPicture(
  modules: readonly AdaptedModule[],
  mask: DropoutMask,
  mostCells: number,
): readonly ModulePicture[] {
  return modules.map(({ name, inFeatures, outFeatures }, position) => {
    const module = mask[position];
    if (!module) throw new Error(`mask picture: expected ${modules.length} modules, got ${mask.length}`);
    return {
      name,
      strips: [
        strip("A", inFeatures, module.keptColumns, mostCells),
        strip("B", outFeatures, module.keptRows, mostCells),
      ],
    };
  });
}

function strip(factor: MaskStrip["factor"], size: number, kept: Uint32Array, mostCells: number): MaskStrip {
  const count = Math.min(size, mostCells);
  const cells = new Float32Array(count);
  const cellOf = (index: number): number => Math.floor((index * count) / size);
  // Cell c covers the indices from ⌈c·size/count⌉ up to the next cell's first.
  const firstIndex = (cell: number): number => Math.ceil((cell * size) / count);
  for (const index of kept) {
    const cell = cellOf(index);
    cells[cell] = (cells[cell] as number) + 1 / (firstIndex(cell + 1) - firstIndex(cell));
  }
  return { factor, cells, kept: kept.length, size };
}
