/**
 * LoRA's thin products over compact factors: F [kept][rank] holds only kept columns of A (turned) or kept rows of B, and
 * an ascending list of their indices says which columns of the activations they meet. A and B are used alike:
 *
 *   down      u = s·x[:, kept]·F        forward with A, backward (from dy) with B
 *   up        y[:, kept] += u·Fᵀ        forward with B, backward (into dx) with A
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
/** Bytes of the activations' rows that are gone through at a time: a first-level cache, or columns evict each other. */
const ROW_BYTES: usize = 32_768;

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
function indexAt(indices: usize, slot: i32): i32 {
  return load<i32>(indices + ((<usize>slot) << 2));
}

/** Columns of y in one piece of a scatter. */
const SPAN: i32 = 64;

/** y[:, kept] += u·Fᵀ. @param columns width of y */
export function loraUp(
  u: usize,
  rank: i32,
  rows: i32,
  indices: usize,
  kept: i32,
  factor: usize,
  y: usize,
  yStride: usize,
  columns: i32,
): void {
  const pitch = (<usize>rank) << 2;
  for (let first = takePiece() * SPAN; first < columns; first = takePiece() * SPAN) {
    const last = min(first + SPAN, columns);
    const from = lowerBound(indices, kept, first);
    const to = lowerBound(indices, kept, last);
    if (from == to) continue;
    // Fᵀ of these columns in groups of four, [group][rank, rounded up to 8][4], zero where there is nothing.
    const ranks = (rank + 7) & ~7;
    const groupBytes = (<usize>ranks) << 4;
    const groups = (to - from + 3) >> 2;
    const turned = scratch();
    memory.fill(turned, 0, <usize>groups * groupBytes);
    for (let slot = from; slot < to; slot++) {
      const source = factor + <usize>slot * pitch;
      const lane = slot - from;
      const place = turned + <usize>(lane >> 2) * groupBytes + ((<usize>(lane & 3)) << 2);
      for (let r = 0; r < rank; r++)
        store<f32>(place + ((<usize>r) << 4), load<f32>(source + ((<usize>r) << 2)));
    }
    const target = y + ((<usize>first) << 2);
    if (to - from == last - first && !((last - first) & 3))
      for (let row = 0; row < rows; row++) {
        const place = target + <usize>row * yStride;
        addGroups(u + <usize>row * pitch, rank, turned, groupBytes, groups, place, 16, place);
      }
    else
      scatterSpan(u, pitch, rank, rows, indices, from, to, turned, groupBytes, target, yStride, first, last);
  }
}

/**
 * to[4·groups] = start + one row of u times turned factors. Eight ranks' values stay in registers.
 * @param startStep bytes from a group's start to the next one's: 16, or 0 to start from zeros
 */
function addGroups(
  u: usize,
  rank: i32,
  turned: usize,
  groupBytes: usize,
  groups: i32,
  start: usize,
  startStep: usize,
  to: usize,
): void {
  for (let r = 0; r < rank; r += 8) {
    const left = rank - r;
    const u0 = v128.load32_splat(u);
    const u1 = left > 1 ? v128.load32_splat(u, 4) : splat(0);
    const u2 = left > 2 ? v128.load32_splat(u, 8) : splat(0);
    const u3 = left > 3 ? v128.load32_splat(u, 12) : splat(0);
    const u4 = left > 4 ? v128.load32_splat(u, 16) : splat(0);
    const u5 = left > 5 ? v128.load32_splat(u, 20) : splat(0);
    const u6 = left > 6 ? v128.load32_splat(u, 24) : splat(0);
    const u7 = left > 7 ? v128.load32_splat(u, 28) : splat(0);
    let group = turned + ((<usize>r) << 4);
    let place = to;
    for (let i = 0; i < groups; i++) {
      let even = madd(u0, v128.load(group), v128.load(start));
      let odd = f32x4.mul(u1, v128.load(group, 16));
      even = madd(u2, v128.load(group, 32), even);
      odd = madd(u3, v128.load(group, 48), odd);
      even = madd(u4, v128.load(group, 64), even);
      odd = madd(u5, v128.load(group, 80), odd);
      even = madd(u6, v128.load(group, 96), even);
      odd = madd(u7, v128.load(group, 112), odd);
      v128.store(place, f32x4.add(even, odd));
      group += groupBytes;
      start += startStep;
      place += 16;
    }
    start = to;
    startStep = 16;
    u += 32;
  }
}

/** A span with dropped columns: the compact products of four rows, then spread over the kept places, four lanes at once. */
function scatterSpan(
  u: usize,
  pitch: usize,
  rank: i32,
  rows: i32,
  indices: usize,
  from: i32,
  to: i32,
  turned: usize,
  groupBytes: usize,
  target: usize,
  yStride: usize,
  first: i32,
  last: i32,
): void {
  const keptGroups = (to - from + 3) >> 2;
  const groups = (last - first) >> 2;
  const compact = turned + <usize>(SPAN >> 2) * groupBytes;
  const compactStride: usize = (SPAN + 8) << 2;
  const spreads = compact + 4 * compactStride;
  prepareSpreads(spreads, indices, from, to, first, groups);
  const tail = from + <i32>(load<u32>(spreads + <usize>groups * 32 + 16) >> 2);
  for (let row = 0; row < rows; row += 4) {
    const count = min(4, rows - row);
    for (let i = 0; i < count; i++)
      addGroups(
        u + <usize>(row + i) * pitch,
        rank,
        turned,
        groupBytes,
        keptGroups,
        zeros(),
        0,
        compact + <usize>i * compactStride,
      );
    const start = target + <usize>row * yStride;
    let spread = spreads;
    for (let place = start; place < start + ((<usize>groups) << 4); place += 16, spread += 32) {
      const lanes = v128.load(spread);
      let source = compact + <usize>load<u32>(spread, 16);
      let at = place;
      addSpread(at, source, lanes);
      if (count == 4) {
        addSpread((at += yStride), (source += compactStride), lanes);
        addSpread((at += yStride), (source += compactStride), lanes);
        addSpread(at + yStride, source + compactStride, lanes);
      } else for (let i = 1; i < count; i++) addSpread((at += yStride), (source += compactStride), lanes);
    }
    for (let slot = tail; slot < to; slot++) {
      let at = start + ((<usize>(indexAt(indices, slot) - first)) << 2);
      let source = compact + ((<usize>(slot - from)) << 2);
      for (let i = 0; i < count; i++, at += yStride, source += compactStride)
        store<f32>(at, load<f32>(at) + load<f32>(source));
    }
  }
}

/** Four columns of a row, plus the compact values that belong there. */
function addSpread(place: usize, source: usize, lanes: v128): void {
  v128.store(place, f32x4.add(v128.load(place), spreadLanes(v128.load(source), lanes)));
}

/** Bytes by index; an index of 255 gives zero in both forms of the instruction. */
function spreadLanes(values: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(values, indices);
  return v128.swizzle(values, indices);
}

/**
 * For each group of four columns: which compact lane goes to which place (a byte shuffle; 128 and above gives zero), and
 * where its compact values start. One entry more, for where the columns beyond whole groups start.
 */
function prepareSpreads(spreads: usize, indices: usize, from: i32, to: i32, first: i32, groups: i32): void {
  let slot = from;
  for (let group = 0; group <= groups; group++, spreads += 32) {
    store<u32>(spreads, (<u32>(slot - from)) << 2, 16);
    if (group == groups) return;
    for (let lane = 0; lane < 4; lane++) {
      let bytes: u32 = 0xffffffff;
      const column = first + (group << 2) + lane;
      if (slot < to && indexAt(indices, slot) == column) {
        const start = (slot - from - <i32>(load<u32>(spreads, 16) >> 2)) << 2;
        bytes = <u32>start * 0x01010101 + 0x03020100;
        slot++;
      }
      store<u32>(spreads + ((<usize>lane) << 2), bytes);
    }
  }
}

/** First position of an ascending list that is not below `value`. */
function lowerBound(list: usize, count: i32, value: i32): i32 {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (indexAt(list, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
