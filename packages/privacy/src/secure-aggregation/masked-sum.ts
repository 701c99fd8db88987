/** A round's masked inputs added up as they arrive, unmasked at the end: one array of the adapter's size. */
import { inPieces, type Pieces } from "@fedlodrop/run";
import { COVERS } from "./company.ts";
import { toReal, unpackNumbers } from "./fixed-point.ts";
import { addMask } from "./mask-stream.ts";
import { type Coverage, mendableIndices, sentCount, sentIndices } from "./roster.ts";

/** What the unmasking needs to know of one device. */
export type Unmasking =
  /** Its own mask is taken off. */
  | { readonly kind: "left"; readonly device: number; readonly mask: Uint8Array }
  /** The masks that it shares with survivors are. */
  | { readonly kind: "vanished"; readonly device: number; readonly masks: ReadonlyMap<number, Uint8Array> };

export interface MaskedSum {
  /** @param input bytes of a device, `inputBytes` of them */
  add(device: number, input: Uint8Array): Pieces<void>;
  inputBytes(device: number): number;
  /** The new adapter: the weighted mean per coordinate, or the old value where nothing can be known. */
  finish(
    adapter: Float32Array,
    unmaskings: readonly Unmasking[],
  ): Pieces<{ readonly adapter: Float32Array; readonly counted: number }>;
}

export function beginMaskedSum(coverage: Coverage): MaskedSum {
  const { roster, kept, cover, unitOf } = coverage;
  const { format } = roster;
  const { words } = format;
  const size = unitOf.length;
  const sum = new Uint32Array(size * words);
  const valuesOf = new Uint32Array(cover.length);
  for (const unit of unitOf) valuesOf[unit] = (valuesOf[unit] as number) + 1;
  const isSender = (device: number): boolean => kept[device] != null;
  // Worked out when it is asked for: together, five hundred devices' places are a hundred times the adapter.
  const sent = (device: number): Uint32Array => {
    if (!isSender(device)) throw new Error(`masked sum: device ${device} is not a sender`);
    return sentIndices(coverage, device);
  };
  return {
    inputBytes: (device) => (isSender(device) ? sentCount(coverage, valuesOf, device) * format.bytes : 0),
    *add(device, input) {
      const indices = sent(device);
      yield;
      yield* inPieces(indices.length, (from, to) => {
        const numbers = unpackNumbers(input.subarray(from * format.bytes, to * format.bytes), format);
        for (let i = from; i < to; i++) {
          const at = (indices[i] as number) * words;
          let carry = 0;
          for (let w = 0; w < words; w++) {
            const value = (sum[at + w] as number) + (numbers[(i - from) * words + w] as number) + carry;
            sum[at + w] = value;
            carry = value > 0xffffffff ? 1 : 0;
          }
        }
      });
    },
    *finish(adapter, unmaskings) {
      const unmasked = sum.slice();
      const weights = new Float64Array(cover.length);
      const isLost = new Uint8Array(cover.length);
      for (const unmasking of unmaskings) {
        yield;
        const { device } = unmasking;
        const units = kept[device] as Uint32Array;
        switch (unmasking.kind) {
          case "left": {
            yield* addMask(unmasked, words, sent(device), unmasking.mask, -1);
            const { weight } = roster.entries[device] as (typeof roster.entries)[number];
            for (const unit of units) weights[unit] = (weights[unit] as number) + weight;
            break;
          }
          case "vanished":
            for (const unit of units) if (cover[unit] === COVERS.indexOf("firm")) isLost[unit] = 1;
            for (const [other, mask] of unmasking.masks) {
              yield;
              const places = mendableIndices(coverage, device, other);
              yield* addMask(unmasked, words, places, mask, other < device ? -1 : 1);
            }
            break;
          default:
            unmasking satisfies never;
        }
      }
      let counted = 0;
      const changed = adapter.slice();
      yield* inPieces(changed.length, (from, to) => {
        for (let index = from; index < to; index++) {
          const unit = unitOf[index] as number;
          const weight = weights[unit] as number;
          if (weight === 0 || cover[unit] === COVERS.indexOf("closed") || isLost[unit] === 1) continue;
          counted++;
          changed[index] = (adapter[index] as number) + toReal(unmasked, index, format) / weight;
        }
      });
      return { adapter: changed, counted };
    },
  };
}
