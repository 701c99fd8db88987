/**
 * Up, the product of lora.ts that scatters: y[:, kept] += u·Fᵀ. The kept columns of a span of y lie apart, so products are made
 * compact, four columns at a time, and then spread over their places.
 */
import { indexAt, lowerBound } from "./lora";
import { takePiece } from "./pool";
import { scratch, zeros } from "./scratch";
import { madd, splat } from "./simd";

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
