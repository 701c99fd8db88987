/**
 * Row and column dropout masks. Both sides draw the same mask from (seed, round, participant, module name), so
 * only the dropout rate travels, never an index list. Counts are exact, ⌈(1−γ)·n⌉, which makes the payload size
 * a function of the rate alone. Source: FedLoDrop (arXiv 2510.12078), sub-adapter generation; the exact count
 * in place of Bernoulli draws is ours (docs/architecture.md).
 */
import { type AdaptedModule, type AdapterShape, adapterSize } from "./adapter.ts";
import { atOnce, inPieces, type Pieces } from "./pieces.ts";
import { createRandom, sampleWithoutReplacement } from "./random.ts";

/** What one module keeps. Indices are ascending, so kept values stream in flat-vector order. */
export interface ModuleMask {
  readonly keptColumns: Uint32Array; // of loraA, in [0, inFeatures)
  readonly keptRows: Uint32Array; // of loraB, in [0, outFeatures)
}

/** One mask per adapted module, in the order of `AdapterShape.modules`. */
export type DropoutMask = readonly ModuleMask[];

export interface MaskKey {
  readonly seed: string;
  readonly round: number;
  readonly participantId: string;
  /** γ in [0, 1). */
  readonly dropoutRate: number;
}

/** ⌈(1−γ)·size⌉, at least 1. The slack absorbs binary rounding: (1 − 0.7) · 10 must keep 3, not 4. */
export function keptCount(size: number, dropoutRate: number): number {
  if (!(dropoutRate >= 0 && dropoutRate < 1))
    throw new Error(`dropout rate: expected a number in [0, 1), got ${dropoutRate}`);
  return Math.max(1, Math.ceil((1 - dropoutRate) * size - 1e-9));
}

export const drawDropoutMask = (shape: AdapterShape, key: MaskKey): DropoutMask =>
  shape.modules.map((module) => drawModuleMask(module, key));

export function drawModuleMask({ name, inFeatures, outFeatures }: AdaptedModule, key: MaskKey): ModuleMask {
  const draw = (factor: string, size: number): Uint32Array =>
    sampleWithoutReplacement(
      size,
      keptCount(size, key.dropoutRate),
      createRandom(key.seed, key.round, key.participantId, name, factor),
    );
  return { keptColumns: draw("columns", inFeatures), keptRows: draw("rows", outFeatures) };
}

/** Number of values a sub-adapter has: Σ_u r·(|S^A_u| + |S^B_u|), plus every dense value. */
export function keptValueCount(shape: AdapterShape, dropoutRate: number): number {
  const dropped = shape.modules.reduce(
    (sum, { inFeatures, outFeatures }) =>
      sum +
      inFeatures -
      keptCount(inFeatures, dropoutRate) +
      outFeatures -
      keptCount(outFeatures, dropoutRate),
    0,
  );
  return adapterSize(shape) - shape.rank * dropped;
}

/** Flat-vector indices of the kept values, ascending: the order of values on the wire. */
export const keptIndices = (shape: AdapterShape, mask: DropoutMask): Uint32Array =>
  atOnce(keptIndicesInPieces(shape, mask));

/** A module a piece. */
export function* keptIndicesInPieces(shape: AdapterShape, mask: DropoutMask): Pieces<Uint32Array> {
  const { rank } = shape;
  const denseValues = adapterSize(shape) - adapterSize({ ...shape, dense: [] });
  const indices = new Uint32Array(
    mask.reduce((sum, kept) => sum + rank * (kept.keptColumns.length + kept.keptRows.length), denseValues),
  );
  let at = 0;
  let offset = 0;
  for (const [u, module] of shape.modules.entries()) {
    at = placeModule(indices, at, offset, rank, module.inFeatures, mask[u] as ModuleMask);
    offset += rank * (module.inFeatures + module.outFeatures);
    yield;
  }
  while (at < indices.length) indices[at++] = offset++;
  return indices;
}

/** Writes the places of one module, which lies at `offset`, from `at` on; returns where the next ones go. */
function placeModule(
  indices: Uint32Array,
  at: number,
  offset: number,
  rank: number,
  inFeatures: number,
  { keptColumns, keptRows }: ModuleMask,
): number {
  let next = at;
  for (let r = 0; r < rank; r++)
    for (let k = 0; k < keptColumns.length; k++)
      indices[next++] = offset + r * inFeatures + (keptColumns[k] as number);
  const ofB = offset + rank * inFeatures;
  for (let k = 0; k < keptRows.length; k++)
    for (let r = 0; r < rank; r++) indices[next++] = ofB + (keptRows[k] as number) * rank + r;
  return next;
}

/** The sub-adapter: the full vector's values at `indices`. */
export const gatherValues = (full: Float32Array, indices: Uint32Array): Float32Array =>
  atOnce(gatherInPieces(full, indices));

export function* gatherInPieces(full: Float32Array, indices: Uint32Array): Pieces<Float32Array> {
  const values = new Float32Array(indices.length);
  yield* inPieces(values.length, (from, to) => {
    for (let i = from; i < to; i++) values[i] = full[indices[i] as number] as number;
  });
  return values;
}
