/**
 * Multi-head attention without a [T, T] matrix: scores live in tiles of 32 queries × 32 keys, the softmax runs along
 * (Milakov & Gimelshein 2018; Dao et al., FlashAttention, 2022). Query heads share key heads in groups. What is kept for
 * the backward pass is one number a query and head: log Σ e^score.
 *
 * Query i sees key j when i − before ≤ j ≤ i + after and j is below its sequence's length.
 */
import { takePiece } from "./pool";
import { scratch, zeros } from "./scratch";
import { clearFloats, copyFloats, exp4, largerOf, ln, madd, maxLanes, splat, sumLanes } from "./simd";
import { addProduct, panelRows } from "./tiles";
import { turnQuarter } from "./weights";

export const TILE: i32 = 32;
/** Bytes between rows of a score tile. */
export const TILE_STRIDE: usize = 128;
export const TILE_BYTES: usize = 4096;
const HIDDEN: f32 = -1e30;

/** The geometry of a call, read once by the thread. */
export let T: i32 = 0;
export let D: i32 = 0;
export let heads: i32 = 0;
export let groups: i32 = 0;
export let before: i32 = 0;
export let after: i32 = 0;
let lengths: usize = 0;
export let scale: f32 = 0;

export function setGeometry(
  length: i32,
  headWidth: i32,
  headCount: i32,
  headsPerKey: i32,
  seenBefore: i32,
  seenAfter: i32,
  sequenceLengths: usize,
  scoreScale: f32,
): void {
  T = length;
  D = headWidth;
  heads = headCount;
  groups = headsPerKey;
  before = seenBefore;
  after = seenAfter;
  lengths = sequenceLengths;
  scale = scoreScale;
}

/** Keys that sequence b has. */
export function keysOf(b: i32): i32 {
  return lengths ? min(T, load<i32>(lengths + ((<usize>b) << 2))) : T;
}

/** Whether any of the queries sees any of the keys. */
export function meets(query: i32, queries: i32, key: i32, keys: i32): bool {
  return key <= query + queries - 1 + after && key + keys - 1 >= query - before;
}

/** Columns of `rows` rows of D floats as panels [4][D][8], missing rows zero. */
export function turnPanels(from: usize, stride: usize, rows: i32, into: usize): void {
  for (let first = 0; first < TILE; first += 8, into += (<usize>D) << 5)
    for (let half = 0; half < 8; half += 4) {
      const place = into + ((<usize>half) << 2);
      const row = first + half;
      if (row + 4 <= rows) turnRows(from + <usize>row * stride, stride, place);
      else
        for (let lane = 0; lane < 4; lane++) {
          const at = place + ((<usize>lane) << 2);
          const source = from + <usize>(row + lane) * stride;
          for (let i = 0; i < D; i++)
            store<f32>(at + ((<usize>i) << 5), row + lane < rows ? load<f32>(source + ((<usize>i) << 2)) : 0);
        }
    }
}

/** Four rows of D floats as D rows of four, 32 bytes apart. */
function turnRows(from: usize, stride: usize, into: usize): void {
  let i = 0;
  for (; i + 4 <= D; i += 4) {
    const at = from + ((<usize>i) << 2);
    turnQuarter(at, stride, into + ((<usize>i) << 5), 32);
  }
  for (; i < D; i++)
    for (let lane = 0; lane < 4; lane++)
      store<f32>(
        into + ((<usize>i) << 5) + ((<usize>lane) << 2),
        load<f32>(from + <usize>lane * stride + ((<usize>i) << 2)),
      );
}

/** tile[rows, 32] = a[rows, D]·panels. */
export function tileScores(a: usize, stride: usize, rows: i32, panels: usize, tile: usize): void {
  for (let panel = 0; panel < TILE >> 3; panel++)
    panelRows(
      a,
      stride,
      rows,
      panels + ((<usize>panel * D) << 5),
      D,
      zeros(),
      0,
      tile + ((<usize>panel) << 5),
      TILE_STRIDE,
    );
}

/** First and one past the last column of a tile that a query sees. */
export function firstSeen(query: i32, key: i32): i32 {
  return max(0, query - before - key);
}

export function pastSeen(query: i32, key: i32, keys: i32): i32 {
  return min(keys, query + after + 1 - key);
}

/** Scales a row of scores and hides what its query does not see. */
function maskRow(row: usize, from: i32, to: i32): void {
  const s = splat(scale);
  for (let i: usize = 0; i < TILE_STRIDE; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), s));
  for (let i = 0; i < min(from, TILE); i++) store<f32>(row + ((<usize>i) << 2), HIDDEN);
  for (let i = max(0, to); i < TILE; i++) store<f32>(row + ((<usize>i) << 2), HIDDEN);
}

/**
 * out[N, heads·D] = softmax(scale·q·kᵀ)·v, logSums[batch, heads, T]. Strides are bytes between rows; head h starts at column h·D.
 * A piece is up to 32 queries of one head.
 */
export function attentionForward(
  batch: i32,
  q: usize,
  qStride: usize,
  k: usize,
  kStride: usize,
  v: usize,
  vStride: usize,
  out: usize,
  outStride: usize,
  logSums: usize,
): void {
  const blocks = (T + TILE - 1) / TILE;
  const pieces = batch * heads * blocks;
  for (let piece = takePiece(); piece < pieces; piece = takePiece()) {
    const block = piece % blocks;
    const head = (piece / blocks) % heads;
    const b = piece / blocks / heads;
    const row = <usize>(b * T);
    const query = block * TILE;
    const queries = min(TILE, T - query);
    const queryColumn = (<usize>(head * D)) << 2;
    const keyColumn = (<usize>((head / groups) * D)) << 2;
    forwardTile(
      q + (row + <usize>query) * qStride + queryColumn,
      qStride,
      query,
      queries,
      k + row * kStride + keyColumn,
      kStride,
      v + row * vStride + keyColumn,
      vStride,
      keysOf(b),
      out + (row + <usize>query) * outStride + queryColumn,
      outStride,
      logSums + ((<usize>((b * heads + head) * T + query)) << 2),
    );
  }
}

function forwardTile(
  q: usize,
  qStride: usize,
  query: i32,
  queries: i32,
  k: usize,
  kStride: usize,
  v: usize,
  vStride: usize,
  keyCount: i32,
  out: usize,
  outStride: usize,
  logSums: usize,
): void {
  const scores = scratch();
  const largest = scores + TILE_BYTES;
  const sums = largest + TILE_STRIDE;
  const sumStride = (<usize>((D + 7) >> 3)) << 5;
  const total = sums + TILE_STRIDE; // Σ e^score · v, rows of D rounded up to 8
  const panels = total + <usize>TILE * sumStride;
  clearFloats(total, <i32>((<usize>TILE * sumStride) >> 2));
  for (let i = 0; i < TILE; i++) {
    store<f32>(largest + ((<usize>i) << 2), HIDDEN);
    store<f32>(sums + ((<usize>i) << 2), 0);
  }
  for (let key = 0; key < keyCount; key += TILE) {
    const keys = min(TILE, keyCount - key);
    if (!meets(query, queries, key, keys)) continue;
    turnPanels(k + <usize>key * kStride, kStride, keys, panels);
    tileScores(q, qStride, queries, panels, scores);
    for (let i = 0; i < queries; i++) {
      const row = scores + <usize>i * TILE_STRIDE;
      maskRow(row, firstSeen(query + i, key), pastSeen(query + i, key, keys));
      const rescale = softenRow(row, largest + ((<usize>i) << 2), sums + ((<usize>i) << 2));
      if (rescale != 1) scaleRow(total + <usize>i * sumStride, sumStride, rescale);
    }
    const values = v + <usize>key * vStride;
    for (let column = 0; column < D; column += 8) {
      const place = total + ((<usize>column) << 2);
      addProduct(
        scores,
        TILE_STRIDE,
        4,
        queries,
        values + ((<usize>column) << 2),
        vStride,
        keys,
        place,
        sumStride,
        8,
      );
    }
  }
  for (let i = 0; i < queries; i++) {
    const sum = load<f32>(sums + ((<usize>i) << 2));
    const row = total + <usize>i * sumStride;
    scaleRow(row, sumStride, sum > 0 ? 1 / sum : 0);
    memory.copy(out + <usize>i * outStride, row, (<usize>D) << 2);
    const logSum = sum > 0 ? <f32>(load<f32>(largest + ((<usize>i) << 2)) + ln(sum)) : 0;
    store<f32>(logSums + ((<usize>i) << 2), logSum);
  }
}

/** Turns scores into e^(score − largest so far) and updates largest and sum; returns what earlier sums are scaled by. */
function softenRow(row: usize, largest: usize, sum: usize): f32 {
  let top = v128.load(row);
  for (let i: usize = 16; i < TILE_STRIDE; i += 16) top = largerOf(top, v128.load(row + i));
  const before = load<f32>(largest);
  const after = max(before, maxLanes(top));
  if (after == HIDDEN) {
    for (let i: usize = 0; i < TILE_STRIDE; i += 16) v128.store(row + i, splat(0));
    return 1;
  }
  const shift = splat(after);
  let added = splat(0);
  for (let i: usize = 0; i < TILE_STRIDE; i += 16) {
    const score = v128.load(row + i);
    const weight = v128.and(exp4(f32x4.sub(score, shift)), f32x4.gt(score, splat(HIDDEN)));
    added = f32x4.add(added, weight);
    v128.store(row + i, weight);
  }
  const rescale: f32 =
    before == after ? 1 : before == HIDDEN ? 0 : f32x4.extract_lane(exp4(splat(before - after)), 0);
  store<f32>(largest, after);
  store<f32>(sum, load<f32>(sum) * rescale + sumLanes(added));
  return rescale;
}

function scaleRow(row: usize, bytes: usize, factor: f32): void {
  const f = splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), f));
}

/** Σ of the products of two rows. */
export function dot(a: usize, b: usize, count: i32): f32 {
  let sums = splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    sums = madd(v128.load(a + at), v128.load(b + at), sums);
  }
  let sum = sumLanes(sums);
  for (; i < count; i++) sum += load<f32>(a + ((<usize>i) << 2)) * load<f32>(b + ((<usize>i) << 2));
  return sum;
}
