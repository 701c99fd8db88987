/** Frozen weights as they are handed to an engine, one at a time; the engine keeps one form of its own and no host copy. */
import { BASE_TYPES, type BaseType } from "@fedlodrop/run";
import type { WeightName } from "../ops/buffer.ts";

/** How a frozen matrix is held. Sums are always taken in f32. */
export { BASE_TYPES, type BaseType };

/** Inputs of one output that share a scale in int4. */
export const INT4_BLOCK = 32;

export type HostWeight =
  | {
      readonly kind: "vector";
      readonly name: WeightName;
      readonly values: Float32Array;
    }
  | ({
      readonly kind: "matrix";
      readonly name: WeightName;
      readonly inFeatures: number;
      readonly outFeatures: number;
    } & MatrixValues);

/**
 * W[i, o] in one of:
 * f32   `values`, ordered [in, out] (GPT-2's Conv1D) or [out, in] (embeddings, torch's Linear);
 * f16   `bits`, IEEE half precision, [out, in];
 * int8  `codes` in [−127, 127], [out, in]; W = codes · scales[o];
 * int4  `codes` in [−8, 7], [out, in], one a byte (the engine packs); W = codes · scales[o, ⌊i/32⌋], scales [out, ⌈in/32⌉].
 */
type MatrixValues =
  | { readonly base: "f32"; readonly order: "in-out" | "out-in"; readonly values: Float32Array }
  | { readonly base: "f16"; readonly bits: Uint16Array }
  | { readonly base: "int8"; readonly codes: Int8Array; readonly scales: Float32Array }
  | { readonly base: "int4"; readonly codes: Int8Array; readonly scales: Float32Array };

/** A matrix's values in fewer bits than f32. */
export type PackedMatrix = Exclude<MatrixValues, { readonly base: "f32" }>;

/** Bits of a value that a matrix is never held below, whatever the run's base: 32 of position tables, whose rows are added and
 *  not multiplied with; 8 of token tables and output matrices, which each token's error comes from (docs/models.md). */
export type LeastBits = 32 | 8 | 4;

const BITS: Readonly<Record<BaseType, number>> = { f32: 32, f16: 16, int8: 8, int4: 4 };
const LEAST: Readonly<Record<LeastBits, BaseType>> = { 32: "f32", 8: "int8", 4: "int4" };

/** What a matrix is held in where the run's base is `base`. */
export const heldIn = (base: BaseType, leastBits: LeastBits): BaseType =>
  BITS[base] < leastBits ? LEAST[leastBits] : base;

/** What an engine must hold for a weight before any of it is loaded. */
export type WeightShape =
  | { readonly kind: "vector"; readonly size: number }
  | {
      readonly kind: "matrix";
      readonly inFeatures: number;
      readonly outFeatures: number;
      readonly base: BaseType;
    };

/** A weight that has not been read yet: what it is, and how to have it. */
export type LazyWeight = (
  | { readonly kind: "vector"; readonly name: WeightName; readonly size: number }
  | {
      readonly kind: "matrix";
      readonly name: WeightName;
      readonly inFeatures: number;
      readonly outFeatures: number;
      readonly leastBits: LeastBits;
    }
) & {
  /** Matrices in f32, to be held in any base, or in the base that their file has them in. Nothing is kept. */
  load(): Promise<HostWeight>;
};

/** What a weight becomes where the run's base is `base`. */
export function weightShape(weight: LazyWeight, base: BaseType): WeightShape {
  if (weight.kind === "vector") return { kind: "vector", size: weight.size };
  const { kind, inFeatures, outFeatures, leastBits } = weight;
  return { kind, inFeatures, outFeatures, base: heldIn(base, leastBits) };
}
