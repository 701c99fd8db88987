/**
 * LoRA's thin products over compact factors: F [kept][rank] holds only kept columns of A (turned) or kept rows of B, and
 * an ascending list of their indices says which columns of the activations they meet. A and B are used alike:
 *
 *   down      u = s·x[:, kept]·F        forward with A, backward (from dy) with B
 *   up        y[:, kept] += u·Fᵀ        forward with B, backward (into dx) with A (lora-up.ts)
 *   gradient  dF = x[:, kept]ᵀ·u        the factors' gradients
 *
 * Lanes run over the rank, eight at a time; lanes beyond the rank read what happens to lie there and are not stored.
 */
import { takePiece } from "./pool";
import { scratch, zeros } from "./scratch";
import { clearFloats, copyFloats, madd, splat } from "./simd";
import { tile4 } from "./tiles";

/** Rows of activations, or kept columns, in one piece of work. */
const PIECE: i32 = 16;

/** u[rows, rank] = scale·x[:, kept]·F. Where every column is kept, the activations are read in order. */
export function loraDown(
  x: usize,
  xStride: usize,
  rows: i32,
  features: i32,
  indices: usize,
  kept: i32,
  factor: usize,
  rank: i32,
  scale: f32,
  u: usize,
): void {
  const s = splat(scale);
  const pitch = (<usize>rank) << 2;
  const tile = scratch();
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE) {
    const last = min(first + PIECE, rows);
    for (let row = first; row < last; row += 4) {
      const count = min(4, last - row);
      // Rows past the end repeat the last one, so that every tile has four.
      const p0 = x + <usize>row * xStride;
      const p1 = p0 + (count > 1 ? xStride : 0);
      const p2 = p1 + (count > 2 ? xStride : 0);
      const p3 = p2 + (count > 3 ? xStride : 0);
      for (let r = 0; r < rank; r += 8) {
        const q = factor + ((<usize>r) << 2);
        if (kept < features) gatherTile4(p0, p1, p2, p3, indices, q, pitch, kept, tile);
        else tile4(p0, p1, p2, p3, 4, q, pitch, kept, zeros(), 0, tile, 32);
        const width = (<usize>min(8, rank - r)) << 2;
        for (let i = 0; i < count; i++) {
          const sums = tile + ((<usize>i) << 5);
          v128.store(sums, f32x4.mul(v128.load(sums), s));
          v128.store(sums, f32x4.mul(v128.load(sums, 16), s), 16);
          memory.copy(u + <usize>(row + i) * pitch + ((<usize>r) << 2), sums, width);
        }
      }
    }
  }
}

/** `tile4` from zero, its four values of a step at one index from four row starts. */
function gatherTile4(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  indices: usize,
  q: usize,
  qStep: usize,
  count: i32,
  to: usize,
): void {
  let c00 = splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const end = indices + ((<usize>count) << 2);
  for (; indices < end; indices += 4, q += qStep) {
    const at = (<usize>load<u32>(indices)) << 2;
    const b0 = v128.load(q);
    const b1 = v128.load(q, 16);
    let a = v128.load32_splat(p0 + at);
    c00 = madd(a, b0, c00);
    c01 = madd(a, b1, c01);
    a = v128.load32_splat(p1 + at);
    c10 = madd(a, b0, c10);
    c11 = madd(a, b1, c11);
    a = v128.load32_splat(p2 + at);
    c20 = madd(a, b0, c20);
    c21 = madd(a, b1, c21);
    a = v128.load32_splat(p3 + at);
    c30 = madd(a, b0, c30);
    c31 = madd(a, b1, c31);
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to, c10, 32);
  v128.store(to, c11, 48);
  v128.store(to, c20, 64);
  v128.store(to, c21, 80);
  v128.store(to, c30, 96);
  v128.store(to, c31, 112);
}

/** Kept columns of a gradient in one piece of work. */
const COLUMNS: i32 = 32;
/** Bytes of the activations' rows that are gone through at a time: they stay in a second-level cache. In blocks for the first one
 *  the sums are too short: the step's gradients then take 1.2 to 1.3 times as long. */
const ROW_BYTES: usize = 131_072;

/** dF[kept, rank] = x[:, kept]ᵀ·u. */
export function loraGradient(
  x: usize,
  xStride: usize,
  rows: i32,
  indices: usize,
  kept: i32,
  u: usize,
  rank: i32,
  gradient: usize,
): void {
  const pitch = (<usize>rank) << 2;
  const tile = scratch();
  const block = max(8, <i32>(ROW_BYTES / xStride));
  for (let first = takePiece() * COLUMNS; first < kept; first = takePiece() * COLUMNS) {
    const last = min(first + COLUMNS, kept);
    for (let r = 0; r < rank; r += 8) {
      const width = min(8, rank - r);
      // Sums of this piece and these ranks, [columns][8].
      clearFloats(tile, COLUMNS << 3);
      for (let row = 0; row < rows; row += block) {
        const count = min(block, rows - row);
        const from = x + <usize>row * xStride;
        const q = u + <usize>row * pitch + ((<usize>r) << 2);
        for (let column = first; column < last; column += 4) {
          const p0 = columnStart(from, indices, column, last);
          const p1 = columnStart(from, indices, column + 1, last);
          const p2 = columnStart(from, indices, column + 2, last);
          const p3 = columnStart(from, indices, column + 3, last);
          const place = tile + ((<usize>(column - first)) << 5);
          tile4(p0, p1, p2, p3, xStride, q, pitch, count, place, 32, place, 32);
        }
      }
      for (let column = first; column < last; column++)
        copyFloats(
          gradient + <usize>column * pitch + ((<usize>r) << 2),
          tile + ((<usize>(column - first)) << 5),
          width,
        );
    }
  }
}

/** First value of a kept column; past the end the last one again. */
function columnStart(x: usize, indices: usize, column: i32, last: i32): usize {
  return x + ((<usize>indexAt(indices, min(column, last - 1))) << 2);
}

/** The column that slot `slot` of a factor belongs to. */
export function indexAt(indices: usize, slot: i32): i32 {
  return load<i32>(indices + ((<usize>slot) << 2));
}

/** First position of an ascending list that is not below `value`, without a branch that could be guessed wrongly. */
export function lowerBound(list: usize, count: i32, value: i32): i32 {
  let low = 0;
  while (count > 0) {
    const half = count >> 1;
    const isBelow = indexAt(list, low + half) < value;
    low = select(low + half + 1, low, isBelow);
    count = select(count - half - 1, half, isBelow);
  }
  return low;
}
