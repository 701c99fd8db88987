/**
 * The backward pass of attention: scores are computed again tile by tile from the kept log-sums.
 * With P = e^(scale·q·kᵀ − logSum) and δ = Σ dout ∘ out of a row: dv = Pᵀ·dout, dS = scale·P ∘ (dout·vᵀ − δ),
 * dq = dS·k, dk = dSᵀ·q. Source: Dao et al., FlashAttention, 2022, algorithm 4.
 */
import {
  D,
  dot,
  firstSeen,
  groups,
  heads,
  keysOf,
  meets,
  pastSeen,
  scale,
  T,
  TILE,
  TILE_BYTES,
  TILE_STRIDE,
  tileScores,
  turnPanels,
} from "./attention";
import { takePiece } from "./pool";
import { scratch } from "./scratch";
import { clearFloats, exp4, splat } from "./simd";
import { addProduct } from "./tiles";

/**
 * dq, dk, dv are set. A piece is one key head of one sequence with the query heads that share it: its sums are then one
 * thread's. Scratch: two tiles, and key and value panels.
 */
export function attentionBackward(
  batch: i32,
  q: usize,
  qStride: usize,
  k: usize,
  kStride: usize,
  v: usize,
  vStride: usize,
  out: usize,
  dout: usize,
  outStride: usize,
  logSums: usize,
  deltas: usize,
  dq: usize,
  dqStride: usize,
  dk: usize,
  dkStride: usize,
  dv: usize,
  dvStride: usize,
): void {
  const keyHeads = heads / groups;
  const pieces = batch * keyHeads;
  for (let piece = takePiece(); piece < pieces; piece = takePiece()) {
    const keyHead = piece % keyHeads;
    const b = piece / keyHeads;
    const row = <usize>(b * T);
    const keyColumn = (<usize>(keyHead * D)) << 2;
    const dkAt = dk + row * dkStride + keyColumn;
    const dvAt = dv + row * dvStride + keyColumn;
    clearRows(dkAt, dkStride);
    clearRows(dvAt, dvStride);
    for (let head = keyHead * groups; head < (keyHead + 1) * groups; head++) {
      const column = (<usize>(head * D)) << 2;
      const outAt = row * outStride + column;
      const dqAt = dq + row * dqStride + column;
      const numbers = (<usize>((b * heads + head) * T)) << 2;
      clearRows(dqAt, dqStride);
      backwardHead(
        keysOf(b),
        q + row * qStride + column,
        qStride,
        k + row * kStride + keyColumn,
        kStride,
        v + row * vStride + keyColumn,
        vStride,
        out + outAt,
        dout + outAt,
        outStride,
        logSums + numbers,
        deltas + numbers,
        dqAt,
        dqStride,
        dkAt,
        dkStride,
        dvAt,
        dvStride,
      );
    }
  }
}

function clearRows(rows: usize, stride: usize): void {
  for (let i = 0; i < T; i++) memory.fill(rows + <usize>i * stride, 0, (<usize>D) << 2);
}

function backwardHead(
  keyCount: i32,
  q: usize,
  qStride: usize,
  k: usize,
  kStride: usize,
  v: usize,
  vStride: usize,
  out: usize,
  dout: usize,
  outStride: usize,
  logSums: usize,
  deltas: usize,
  dq: usize,
  dqStride: usize,
  dk: usize,
  dkStride: usize,
  dv: usize,
  dvStride: usize,
): void {
  const weights = scratch(); // P
  const slopes = weights + TILE_BYTES; // dS
  const keyPanels = slopes + TILE_BYTES;
  const valuePanels = keyPanels + ((<usize>D) << 7);
  for (let i = 0; i < T; i++)
    store<f32>(deltas + ((<usize>i) << 2), dot(out + <usize>i * outStride, dout + <usize>i * outStride, D));
  for (let key = 0; key < keyCount; key += TILE) {
    const keys = min(TILE, keyCount - key);
    const kTile = k + <usize>key * kStride;
    const vTile = v + <usize>key * vStride;
    turnPanels(kTile, kStride, keys, keyPanels);
    turnPanels(vTile, vStride, keys, valuePanels);
    for (let query = 0; query < T; query += TILE) {
      const queries = min(TILE, T - query);
      if (!meets(query, queries, key, keys)) continue;
      const qTile = q + <usize>query * qStride;
      const doutTile = dout + <usize>query * outStride;
      tileScores(qTile, qStride, queries, keyPanels, weights);
      tileScores(doutTile, outStride, queries, valuePanels, slopes);
      for (let i = 0; i < queries; i++) {
        const at = query + i;
        slopeRow(
          weights + <usize>i * TILE_STRIDE,
          slopes + <usize>i * TILE_STRIDE,
          load<f32>(logSums + ((<usize>at) << 2)),
          load<f32>(deltas + ((<usize>at) << 2)),
          firstSeen(at, key),
          pastSeen(at, key, keys),
        );
      }
      for (let column = 0; column < D; column += 8) {
        const at = (<usize>column) << 2;
        const width = min(8, D - column);
        const dqAt = dq + <usize>query * dqStride + at;
        const dkAt = dk + <usize>key * dkStride + at;
        const dvAt = dv + <usize>key * dvStride + at;
        addProduct(slopes, TILE_STRIDE, 4, queries, kTile + at, kStride, keys, dqAt, dqStride, width);
        addProduct(slopes, 4, TILE_STRIDE, keys, qTile + at, qStride, queries, dkAt, dkStride, width);
        addProduct(weights, 4, TILE_STRIDE, keys, doutTile + at, outStride, queries, dvAt, dvStride, width);
      }
    }
  }
}

/** One query's raw scores and dout·vᵀ become P and dS; both zero but in [from, to), what it sees. */
function slopeRow(weights: usize, slopes: usize, logSum: f32, delta: f32, from: i32, to: i32): void {
  const s = splat(scale);
  const lanes = i32x4(0, 1, 2, 3);
  for (let i = 0; i < TILE; i += 4) {
    const at = (<usize>i) << 2;
    if (i + 4 <= from || i >= to) {
      v128.store(weights + at, splat(0));
      v128.store(slopes + at, splat(0));
      continue;
    }
    let weight = exp4(f32x4.sub(f32x4.mul(v128.load(weights + at), s), splat(logSum)));
    if (i < from || i + 4 > to) {
      const seen = v128.and(i32x4.ge_s(lanes, i32x4.splat(from - i)), i32x4.lt_s(lanes, i32x4.splat(to - i)));
      weight = v128.and(weight, seen);
    }
    v128.store(weights + at, weight);
    v128.store(slopes + at, f32x4.mul(f32x4.mul(weight, s), f32x4.sub(v128.load(slopes + at), splat(delta))));
  }
}
