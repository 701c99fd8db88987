/**
 * What one participant holds in one round: which values of the full adapter, in which order. A function of the mask
 * key, so both sides build the same one; whoever needs it more than once keeps it instead of drawing the mask again.
 */
import { type AdapterShape, adapterSize } from "./adapter.ts";
import { type DropoutMask, drawDropoutMask, keptIndices, type MaskKey } from "./dropout-mask.ts";

export interface SubAdapter {
  readonly mask: DropoutMask;
  /** Places of the kept values in the full vector, ascending: the order of values on the wire. */
  readonly indices: Uint32Array;
  readonly valueCount: number;
  /** Values of the full adapter that it was cut from. */
  readonly fullValueCount: number;
}

/** Throws when the key's dropout rate is outside [0, 1). */
export function subAdapter(shape: AdapterShape, key: MaskKey): SubAdapter {
  const mask = drawDropoutMask(shape, key);
  const indices = keptIndices(shape, mask);
  return { mask, indices, valueCount: indices.length, fullValueCount: adapterSize(shape) };
}
