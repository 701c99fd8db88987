/**
 * How large an update is: in the adapter's entries, and in what it does to the model, ΔW = (B + ΔB)(A + ΔA) − BA.
 * The product never has to be formed: with the rank r small, its Frobenius norm follows from r × r Gram matrices,
 *
 *   ‖X Y‖² = ⟨XᵀX, YYᵀ⟩   and   ⟨X Y, X′Y′⟩ = ⟨XᵀX′, YY′ᵀ⟩   for X, X′ [n_out, r] and Y, Y′ [r, n_in],
 *
 * so that an update of n values costs about 3r·n multiplications.
 */
import { type AdapterShape, adapterLayout, adapterSize } from "@fedlodrop/run";
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

export type MeasureNorms = (update: Pick<Update, "changes" | "indices">) => UpdateNorms;

/** Norms of updates of this adapter, the full vector as a round begins with it. */
export function createNorms(shape: AdapterShape, adapter: Float32Array): MeasureNorms {
  const { rank } = shape;
  const slices = adapterLayout(shape);
  const factors = shape.modules.map((_, u) => {
    const cut = (slice: (typeof slices)[number] | undefined, from: Float32Array) =>
      from.subarray(slice?.offset, (slice?.offset ?? 0) + (slice?.size ?? 0));
    const [ofA, ofB] = [slices[2 * u], slices[2 * u + 1]];
    const [a, b] = [cut(ofA, adapter), cut(ofB, adapter)];
    return { a, b, ofA, ofB, cut, aa: rowProducts(a, a, rank), bb: columnProducts(b, b, rank) };
  });
  const size = adapterSize(shape);
  const dense = new Float32Array(size);

  return ({ changes, indices }) => {
    let [squares, largest] = [0, 0];
    dense.fill(0);
    for (let i = 0; i < changes.length; i++) {
      const change = changes[i] as number;
      dense[indices[i] as number] = change;
      squares += change * change;
      largest = Math.max(largest, Math.abs(change));
    }
    // ΔW(f) = f·L + f²·Q with L = ΔB A + B ΔA and Q = ΔB ΔA.
    let [linear, cross, quadratic] = [0, 0, 0];
    for (const { a, b, ofA, ofB, cut, aa, bb } of factors) {
      const [da, db] = [cut(ofA, dense), cut(ofB, dense)];
      const [dada, ada] = [rowProducts(da, da, rank), rowProducts(a, da, rank)];
      const [dbdb, bdb] = [columnProducts(db, db, rank), columnProducts(b, db, rank)];
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

/** X Yᵀ [r, r] of X and Y [r, n]; of X with itself only one half is worked out. */
function rowProducts(x: Float32Array, y: Float32Array, rank: number): Float64Array {
  const length = x.length / rank;
  const products = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = x === y ? i : 0; j < rank; j++) {
      const [left, right] = [i * length, j * length];
      let sum = 0;
      for (let k = 0; k < length; k++) sum += (x[left + k] as number) * (y[right + k] as number);
      products[i * rank + j] = sum;
      if (x === y) products[j * rank + i] = sum;
    }
  return products;
}

/** Xᵀ Y [r, r] of X and Y [n, r], likewise. */
function columnProducts(x: Float32Array, y: Float32Array, rank: number): Float64Array {
  const products = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i++)
    for (let j = x === y ? i : 0; j < rank; j++) {
      let sum = 0;
      for (let row = 0; row < y.length; row += rank) sum += (x[row + i] as number) * (y[row + j] as number);
      products[i * rank + j] = sum;
      if (x === y) products[j * rank + i] = sum;
    }
  return products;
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
