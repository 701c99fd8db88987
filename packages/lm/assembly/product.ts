/**
 * Products with a frozen matrix: forward C = x·W, backward C = dy·Wᵀ. A piece of work is two panels of C, so that no two
 * threads write one cache line. The sum is cut into chunks whose unpacked panel stays in the first cache. An adapter that
 * `setMerge` (merge.ts) named takes part in both, as if it were in W.
 */
import { mergePanel, turnedBytes, turnLanes } from "./merge";
import { takePiece } from "./pool";
import { scratch, scratchTile, zeros } from "./scratch";
import { panelRows } from "./tiles";
import { vectorPanel } from "./vector-product";
import { F32, panelBytes, unpackPanel, unpackTransposed } from "./weights";

/** Length of the unpacked chunk: 16 kB of panel. */
const CHUNK: i32 = 512;
const CHUNK_BYTES: usize = 16_384;
const PANELS_PER_PIECE: i32 = 2;
/** Where there are enough panels for every thread. */
const WIDE_PANELS_PER_PIECE: i32 = 4;
/** Beyond the chunks of that many panels in a thread's scratch: the lanes' factors of an adapter that is merged. */
const TURNED: usize = 65_536;

/**
 * C[rows, columns] = start + bias + x[rows, inputs]·W over the columns of W from 8·firstPanel on. Strides are bytes
 * between rows. @param start rows as C's (C itself: adds to it), 0 for zeros @param bias 0 for none
 */
export function timesWeight(
  base: i32,
  weight: usize,
  scales: usize,
  inputs: i32,
  firstPanel: i32,
  x: usize,
  xStride: usize,
  rows: i32,
  c: usize,
  cStride: usize,
  columns: i32,
  bias: usize,
  start: usize,
): void {
  const panels = (columns + 7) >> 3;
  const bytes = panelBytes(base, inputs);
  const unpacked = scratch();
  const turned = unpacked + TURNED;
  for (let first = takePiece() * PANELS_PER_PIECE; first < panels; first = takePiece() * PANELS_PER_PIECE) {
    const last = min(first + PANELS_PER_PIECE, panels);
    for (let panel = first; panel < last; panel++) {
      const source = weight + <usize>(firstPanel + panel) * bytes;
      const sourceScales = scales + ((<usize>(firstPanel + panel)) << 5);
      const at = (<usize>panel) << 5;
      const width = min(8, columns - (panel << 3));
      const isMerged = turnLanes(panel, turned);
      if (rows == 1 && !isMerged)
        vectorPanel(base, source, sourceScales, inputs, x, c + at, width, start ? start + at : 0);
      else
        for (let k = 0; k < inputs; k += CHUNK) {
          const to = min(k + CHUNK, inputs);
          let q = source + ((<usize>k) << 5);
          if (base != F32 || isMerged) {
            unpackPanel(base, source, sourceScales, k, to, unpacked);
            q = unpacked;
          }
          if (isMerged) mergePanel(turned, q, k, to);
          const from = k > 0 ? c + at : start ? start + at : 0;
          chunk(x + ((<usize>k) << 2), xStride, rows, q, to - k, from, c + at, cStride, width);
        }
      if (bias) addBias(c + at, cStride, rows, bias + at, width);
    }
  }
}

/**
 * C[rows, inputs] = start + dy[rows, outputs]·Wᵀ over the outputs of W from 8·firstPanel on. The panels of a piece are
 * unpacked side by side, because their weights lie side by side, and panels of W far apart.
 */
export function timesTransposed(
  base: i32,
  weight: usize,
  scales: usize,
  inputs: i32,
  firstPanel: i32,
  dy: usize,
  dyStride: usize,
  rows: i32,
  outputs: i32,
  c: usize,
  cStride: usize,
  start: usize,
): void {
  const panels = (inputs + 7) >> 3;
  const perPiece = panels < 32 ? PANELS_PER_PIECE : WIDE_PANELS_PER_PIECE;
  const unpacked = scratch();
  const turned = unpacked + TURNED;
  const firstOutput = firstPanel << 3;
  for (let first = takePiece() * perPiece; first < panels; first = takePiece() * perPiece) {
    const last = min(first + perPiece, panels);
    // Which panels of the piece have an adapter, a bit each.
    let merged = 0;
    for (let panel = first; panel < last; panel++)
      if (turnLanes(panel, turned + <usize>(panel - first) * turnedBytes())) merged |= 1 << (panel - first);
    for (let k = 0; k < outputs; k += CHUNK) {
      const to = min(k + CHUNK, outputs);
      for (let tile = k; tile < to; tile += 8)
        for (let panel = first; panel < last; panel++) {
          const into = unpacked + <usize>(panel - first) * CHUNK_BYTES + ((<usize>(tile - k)) << 5);
          const output = firstOutput + tile;
          unpackTransposed(base, weight, scales, inputs, panel << 3, output, output + 8, into);
        }
      for (let panel = first; panel < last; panel++) {
        const at = (<usize>panel) << 5;
        const width = min(8, inputs - (panel << 3));
        const from = k > 0 ? c + at : start ? start + at : 0;
        const q = unpacked + <usize>(panel - first) * CHUNK_BYTES;
        if ((merged >> (panel - first)) & 1)
          mergePanel(turned + <usize>(panel - first) * turnedBytes(), q, k, to);
        chunk(dy + ((<usize>k) << 2), dyStride, rows, q, to - k, from, c + at, cStride, width);
      }
    }
  }
}

/** One chunk's share of a panel of C, of which `width` columns exist. @param from rows as C's, 0 for zeros */
function chunk(
  a: usize,
  aStride: usize,
  rows: i32,
  q: usize,
  count: i32,
  from: usize,
  to: usize,
  stride: usize,
  width: i32,
): void {
  if (width == 8) {
    panelRows(a, aStride, rows, q, count, from ? from : zeros(), from ? stride : 0, to, stride);
    return;
  }
  const tile = scratchTile();
  const bytes = (<usize>width) << 2;
  for (let row = 0; row < rows; row++) {
    const at = <usize>row * stride;
    memory.fill(tile, 0, 32);
    if (from) memory.copy(tile, from + at, bytes);
    panelRows(a + <usize>row * aStride, 0, 1, q, count, tile, 0, tile, 0);
    memory.copy(to + at, tile, bytes);
  }
}

function addBias(c: usize, stride: usize, rows: i32, bias: usize, width: i32): void {
  if (width == 8) {
    const bias0 = v128.load(bias);
    const bias1 = v128.load(bias, 16);
    for (let row = 0; row < rows; row++, c += stride) {
      v128.store(c, f32x4.add(v128.load(c), bias0));
      v128.store(c, f32x4.add(v128.load(c, 16), bias1), 16);
    }
    return;
  }
  for (let row = 0; row < rows; row++, c += stride)
    for (let i = 0; i < width; i++) {
      const at = (<usize>i) << 2;
      store<f32>(c + at, load<f32>(c + at) + load<f32>(bias + at));
    }
}
