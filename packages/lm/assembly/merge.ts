/**
 * The adapter as a part of the frozen matrix: W[k, o] += s·Σ_r A′[k, r]·B′[o, r] over kept k and o, in a panel that is unpacked
 * and about to be multiplied with many rows. Then no row is gone over again for LoRA's sake, and what is added to is as
 * much as columns were kept. The sum runs over one factor's kept indices, the panel's eight lanes over the other's.
 */
import { indexAt, lowerBound } from "./lora";
import { madd, splat } from "./simd";

let rank: i32 = 0;
let scale: f32 = 0;
let sumIndices: usize = 0;
let sumKept: i32 = 0;
let sumFactor: usize = 0;
let laneIndices: usize = 0;
let laneKept: i32 = 0;
let laneFactor: usize = 0;

/** What to merge into the panels of the next product; a rank of 0: nothing. */
export function setMerge(
  ofRank: i32,
  by: f32,
  sumAt: usize,
  sumCount: i32,
  sum: usize,
  laneAt: usize,
  laneCount: i32,
  lane: usize,
): void {
  rank = ofRank;
  scale = by;
  sumIndices = sumAt;
  sumKept = sumCount;
  sumFactor = sum;
  laneIndices = laneAt;
  laneKept = laneCount;
  laneFactor = lane;
}

/** Bytes of a panel's turned factors. */
export function turnedBytes(): usize {
  return (<usize>rank) << 5;
}

/**
 * Turns the factors of a panel's eight lanes, [rank][8], scaled, zero where a lane was dropped.
 * @returns whether there is anything to merge
 */
export function turnLanes(panel: i32, turned: usize): bool {
  if (rank == 0) return false;
  const first = panel << 3;
  const from = lowerBound(laneIndices, laneKept, first);
  const to = lowerBound(laneIndices, laneKept, first + 8);
  if (from == to) return false;
  for (let r = 0; r < rank; r++) {
    v128.store(turned + ((<usize>r) << 5), splat(0));
    v128.store(turned + ((<usize>r) << 5), splat(0), 16);
  }
  for (let slot = from; slot < to; slot++) {
    const source = laneFactor + ((<usize>(slot * rank)) << 2);
    const place = turned + ((<usize>(indexAt(laneIndices, slot) - first)) << 2);
    for (let r = 0; r < rank; r++)
      store<f32>(place + ((<usize>r) << 5), scale * load<f32>(source + ((<usize>r) << 2)));
  }
  return true;
}

/** Merges into the rows [from, to) of a panel, which lie at `panel`. @param turned as turnLanes left it */
export function mergePanel(turned: usize, panel: usize, from: i32, to: i32): void {
  const pitch = (<usize>rank) << 2;
  const last = lowerBound(sumIndices, sumKept, to);
  let slot = lowerBound(sumIndices, sumKept, from);
  for (; slot + 4 <= last; slot += 4)
    mergeRows4(
      sumFactor + <usize>slot * pitch,
      turned,
      panel + ((<usize>(indexAt(sumIndices, slot) - from)) << 5),
      panel + ((<usize>(indexAt(sumIndices, slot + 1) - from)) << 5),
      panel + ((<usize>(indexAt(sumIndices, slot + 2) - from)) << 5),
      panel + ((<usize>(indexAt(sumIndices, slot + 3) - from)) << 5),
    );
  for (; slot < last; slot++) {
    const row = panel + ((<usize>(indexAt(sumIndices, slot) - from)) << 5);
    const factor = sumFactor + <usize>slot * pitch;
    let c0 = v128.load(row);
    let c1 = v128.load(row, 16);
    for (let r: usize = 0; r < <usize>rank; r++) {
      const a = v128.load32_splat(factor + (r << 2));
      c0 = madd(a, v128.load(turned + (r << 5)), c0);
      c1 = madd(a, v128.load(turned + (r << 5), 16), c1);
    }
    v128.store(row, c0);
    v128.store(row, c1, 16);
  }
}

/** Four rows of a panel that lie anywhere; their factors lie one after another. */
function mergeRows4(factor: usize, turned: usize, row0: usize, row1: usize, row2: usize, row3: usize): void {
  let c00 = v128.load(row0);
  let c01 = v128.load(row0, 16);
  let c10 = v128.load(row1);
  let c11 = v128.load(row1, 16);
  let c20 = v128.load(row2);
  let c21 = v128.load(row2, 16);
  let c30 = v128.load(row3);
  let c31 = v128.load(row3, 16);
  const pitch = (<usize>rank) << 2;
  const second = factor + pitch;
  const third = second + pitch;
  const fourth = third + pitch;
  for (let r: usize = 0; r < pitch; r += 4, turned += 32) {
    const b0 = v128.load(turned);
    const b1 = v128.load(turned, 16);
    let a = v128.load32_splat(factor + r);
    c00 = madd(a, b0, c00);
    c01 = madd(a, b1, c01);
    a = v128.load32_splat(second + r);
    c10 = madd(a, b0, c10);
    c11 = madd(a, b1, c11);
    a = v128.load32_splat(third + r);
    c20 = madd(a, b0, c20);
    c21 = madd(a, b1, c21);
    a = v128.load32_splat(fourth + r);
    c30 = madd(a, b0, c30);
    c31 = madd(a, b1, c31);
  }
  v128.store(row0, c00);
  v128.store(row0, c01, 16);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row3, c30);
  v128.store(row3, c31, 16);
}
