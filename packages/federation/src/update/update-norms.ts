/**
 * How large an update is: in the adapter's entries, and in what it does to the model, ΔW = (B + ΔB)(A + ΔA) − BA.
 * The product never has to be formed: with the rank r small, its Frobenius norm follows from r × r Gram matrices,
 *
 *   ‖X Y‖² = ⟨XᵀX, YYᵀ⟩   and   ⟨X Y, X′Y′⟩ = ⟨XᵀX′, YY′ᵀ⟩   for X, X′ [n_out, r] and Y, Y′ [r, n_in],
 *
 * so that an update of n values costs about 3r·n multiplications.
 */
import {
  type AdapterShape,
  type AdapterSlice,
  adapterLayout,
  adapterSize,
  inPieces,
  type Pieces,
} from "@fedlodrop/run";
import type { Update } from "./update-rule.ts";

export interface UpdateNorms {
  /** Largest change of a value. */
  readonly largest: number;
  /** Root mean square of the changes, over the kept values. */
  readonly rms: number;
  /**
   * √Σ_u ‖ΔW_u‖² if the update were taken times `factor`, as if everything had been kept: a kept share s of columns
   * and rows has about s of the squared norm. α/r is left out.
   */
  product(factor: number): number;
}

export type MeasureNorms = (update: Pick<Update, "changes" | "indices">) => Pieces<UpdateNorms>;

/** Norms of updates of this adapter, the full vector as a round begins with it. */
export function* createNorms(shape: AdapterShape, adapter: Float32Array): Pieces<MeasureNorms> {
  const { rank } = shape;
  const slices = adapterLayout(shape);
  const cut = ({ offset, size }: AdapterSlice, from: Float32Array) => from.subarray(offset, offset + size);
  const factors: Factors[] = [];
  for (let u = 0; u < shape.modules.length; u++) {
    const [ofA, ofB] = [slices[2 * u] as AdapterSlice, slices[2 * u + 1] as AdapterSlice];
    const [a, b] = [cut(ofA, adapter), cut(ofB, adapter)];
    const [aa, bb] = [yield* rowProducts(a, a, rank), yield* columnProducts(b, b, rank)];
    factors.push({ a, b, ofA, ofB, aa, bb });
  }
  const size = adapterSize(shape);
  const dense = new Float32Array(size);

  return function* ({ changes, indices }) {
    let [squares, largest] = [0, 0];
    dense.fill(0);
    yield* inPieces(changes.length, (from, to) => {
      for (let i = from; i < to; i++) {
        const change = changes[i] as number;
        dense[indices[i] as number] = change;
        squares += change * change;
        largest = Math.max(largest, Math.abs(change));
      }
    });
    // ΔW(f) = f·L + f²·Q with L = ΔB A + B ΔA and Q = ΔB ΔA.
    let [linear, cross, quadratic] = [0, 0, 0];
    for (const { a, b, ofA, ofB, aa, bb } of factors) {
      const [da, db] = [cut(ofA, dense), cut(ofB, dense)];
      const [dada, ada] = [yield* rowProducts(da, da, rank), yield* rowProducts(a, da, rank)];
      const [dbdb, bdb] = [yield* columnProducts(db, db, rank), yield* columnProducts(b, db, rank)];
      linear += inner(dbdb, aa) + 2 * innerTransposed(bdb, ada) + inner(bb, dada);
      cross += inner(dbdb, ada) + inner(bdb, dada);
      quadratic += inner(dbdb, dada);
    }
    const kept = Math.max(1, changes.length) / size;
    return {
      largest,
      rms: Math.sqrt(squares / Math.max(1, changes.length)),
      product: (f) => Math.sqrt(Math.max(0, f * f * (linear + f * (2 * cross + f * quadratic))) / kept),
    };
  };
}

/** A [r, n_in] and B [n_out, r] of one module as the round begins with them, and their Gram matrices [r, r]. */
interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly ofA: AdapterSlice;
  readonly ofB: AdapterSlice;
  readonly aa: Float64Array;
  readonly bb: Float64Array;
}

/** X Yᵀ [r, r] of X and Y [r, n]; of X with itself only one half is worked out. */
function* rowProducts(x: Float32Array, y: Float32Array, rank: number): Pieces<Float64Array> {
  const length = x.length / rank;
  const products = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++) {
    for (let j = x === y ? i : 0; j < rank; j++) {
      const sum = dot(x, i * length, y, j * length, length);
      products[i * rank + j] = sum;
      if (x === y) products[j * rank + i] = sum;
    }
    yield;
  }
  return products;
}

/** Xᵀ Y [r, r] of X and Y [n, r], likewise. */
function* columnProducts(x: Float32Array, y: Float32Array, rank: number): Pieces<Float64Array> {
  const products = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++) {
    for (let j = x === y ? i : 0; j < rank; j++) {
      const sum = columnDot(x, i, y, j, rank);
      products[i * rank + j] = sum;
      if (x === y) products[j * rank + i] = sum;
    }
    yield;
  }
  return products;
}

/** Σ_k x[from + k]·y[start + k] */
function dot(x: Float32Array, from: number, y: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < length; k++) sum += (x[from + k] as number) * (y[start + k] as number);
  return sum;
}

/** Of column i of X and column j of Y, both with `width` columns. */
function columnDot(x: Float32Array, i: number, y: Float32Array, j: number, width: number): number {
  let sum = 0;
  for (let row = 0; row < y.length; row += width) sum += (x[row + i] as number) * (y[row + j] as number);
  return sum;
}

function inner(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
}

/** ⟨Xᵀ, Y⟩ */
function innerTransposed(x: Float64Array, y: Float64Array): number {
  const rank = Math.sqrt(x.length);
  let sum = 0;
  for (let i = 0; i < rank; i++)
    for (let j = 0; j < rank; j++) sum += (x[i * rank + j] as number) * (y[j * rank + i] as number);
  return sum;
}
