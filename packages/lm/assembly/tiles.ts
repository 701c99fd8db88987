/**
 * The register tile that every product is made of: 4 rows × 8 columns of C = I + Σ_k a_k ⊗ b_k. The four rows' values
 * a_k are single floats at four pointers that advance by one step, b_k is a row of 8. Rows of A, columns of A, or kept
 * columns of A are thus the same tile with other pointers. Not unrolled: V8 then runs out of registers and spills.
 */
import { scratchTile } from "./scratch";
import { madd } from "./simd";

/**
 * @param p0-p3 where the rows' values start @param step bytes between their consecutive values
 * @param q rows of 8 @param qStep bytes between them @param count length of the sum
 * @param from initial tile, rows `fromStride` bytes apart (0: one row for all) @param to result, rows `toStride` apart
 */
export function tile4(
  p0: usize,
  p1: usize,
  p2: usize,
  p3: usize,
  step: usize,
  q: usize,
  qStep: usize,
  count: i32,
  from: usize,
  fromStride: usize,
  to: usize,
  toStride: usize,
): void {
  let c00 = v128.load(from);
  let c01 = v128.load(from, 16);
  let c10 = v128.load(from + fromStride);
  let c11 = v128.load(from + fromStride, 16);
  let c20 = v128.load(from + 2 * fromStride);
  let c21 = v128.load(from + 2 * fromStride, 16);
  let c30 = v128.load(from + 3 * fromStride);
  let c31 = v128.load(from + 3 * fromStride, 16);
  const end = q + <usize>count * qStep;
  while (q < end) {
    const b0 = v128.load(q);
    const b1 = v128.load(q, 16);
    let a = v128.load32_splat(p0);
    c00 = madd(a, b0, c00);
    c01 = madd(a, b1, c01);
    a = v128.load32_splat(p1);
    c10 = madd(a, b0, c10);
    c11 = madd(a, b1, c11);
    a = v128.load32_splat(p2);
    c20 = madd(a, b0, c20);
    c21 = madd(a, b1, c21);
    a = v128.load32_splat(p3);
    c30 = madd(a, b0, c30);
    c31 = madd(a, b1, c31);
    p0 += step;
    p1 += step;
    p2 += step;
    p3 += step;
    q += qStep;
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to + toStride, c10);
  v128.store(to + toStride, c11, 16);
  v128.store(to + 2 * toStride, c20);
  v128.store(to + 2 * toStride, c21, 16);
  v128.store(to + 3 * toStride, c30);
  v128.store(to + 3 * toStride, c31, 16);
}

/** One row of `tile4`. */
function tile1(p: usize, step: usize, q: usize, qStep: usize, count: i32, from: usize, to: usize): void {
  let c0 = v128.load(from);
  let c1 = v128.load(from, 16);
  const end = q + <usize>count * qStep;
  while (q < end) {
    const a = v128.load32_splat(p);
    c0 = madd(a, v128.load(q), c0);
    c1 = madd(a, v128.load(q, 16), c1);
    p += step;
    q += qStep;
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
}

/** Rows `p`, `p + pitch`, … of a product with one panel of 8: C[rows, 8] = I + A·panel. */
export function panelRows(
  p: usize,
  pitch: usize,
  rows: i32,
  q: usize,
  count: i32,
  from: usize,
  fromStride: usize,
  to: usize,
  toStride: usize,
): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const p0 = p + <usize>row * pitch;
    tile4(
      p0,
      p0 + pitch,
      p0 + 2 * pitch,
      p0 + 3 * pitch,
      4,
      q,
      32,
      count,
      from + <usize>row * fromStride,
      fromStride,
      to + <usize>row * toStride,
      toStride,
    );
  }
  for (; row < rows; row++)
    tile1(
      p + <usize>row * pitch,
      4,
      q,
      32,
      count,
      from + <usize>row * fromStride,
      to + <usize>row * toStride,
    );
}

/**
 * to[rows, width] += a·b[count, width], width ≤ 8. Row i of a starts at a + i·pitch, its values lie `step` bytes apart:
 * (row stride, 4) is a matrix, (4, row stride) its transpose. b is read eight wide.
 */
export function addProduct(
  a: usize,
  pitch: usize,
  step: usize,
  rows: i32,
  b: usize,
  bStride: usize,
  count: i32,
  to: usize,
  toStride: usize,
  width: i32,
): void {
  let row = 0;
  if (width == 8) {
    for (; row + 4 <= rows; row += 4) {
      const p = a + <usize>row * pitch;
      const place = to + <usize>row * toStride;
      tile4(
        p,
        p + pitch,
        p + 2 * pitch,
        p + 3 * pitch,
        step,
        b,
        bStride,
        count,
        place,
        toStride,
        place,
        toStride,
      );
    }
    for (; row < rows; row++) {
      const place = to + <usize>row * toStride;
      tile1(a + <usize>row * pitch, step, b, bStride, count, place, place);
    }
    return;
  }
  const tile = scratchTile();
  for (; row < rows; row++) {
    const place = to + <usize>row * toStride;
    const bytes = (<usize>width) << 2;
    memory.copy(tile, place, bytes);
    tile1(a + <usize>row * pitch, step, b, bStride, count, tile, tile);
    memory.copy(place, tile, bytes);
  }
}
