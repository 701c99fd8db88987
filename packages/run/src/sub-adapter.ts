/**
 * What one participant holds in one round: which values of the full adapter, in which order. A function of the mask
 * key, so both sides build the same one; whoever needs it more than once keeps it instead of drawing the mask again.
 */
import { type AdapterShape, adapterSize } from "./adapter.ts";
import {
  type DropoutMask,
  drawModuleMask,
  keptIndicesInPieces,
  type MaskKey,
  type ModuleMask,
} from "./dropout-mask.ts";
import { atOnce, type Pieces } from "./pieces.ts";

export interface SubAdapter {
  readonly mask: DropoutMask;
  /** Places of the kept values in the full vector, ascending: the order of values on the wire. */
  readonly indices: Uint32Array;
  readonly valueCount: number;
  /** Values of the full adapter that it was cut from. */
  readonly fullValueCount: number;
}

/** Throws when the key's dropout rate is outside [0, 1). */
export const subAdapter = (shape: AdapterShape, key: MaskKey): SubAdapter =>
  atOnce(subAdapterInPieces(shape, key));

/** For a process that others wait for. */
export function* subAdapterInPieces(shape: AdapterShape, key: MaskKey): Pieces<SubAdapter> {
  const mask: ModuleMask[] = [];
  for (const module of shape.modules) {
    mask.push(drawModuleMask(module, key));
    yield;
  }
  const indices = yield* keptIndicesInPieces(shape, mask);
  return { mask, indices, valueCount: indices.length, fullValueCount: adapterSize(shape) };
}
