/**
 * The language-model loss with its head, without logits [rows, vocabulary]: the vocabulary goes by in chunks, and
 * Σ e^z·w and Σ e^z run along as in attention, so a chunk's logits are computed once and serve loss and gradient.
 */
import { meet, takePiece } from "./pool";
import { timesTransposed, timesWeight } from "./product";
import { scratch } from "./scratch";
import { exp4, largerOf, ln, maxLanes, put, splat, sumLanes, take } from "./simd";
import { unpackOutput } from "./weights";

const PIECE: i32 = 4;
/** Three numbers a row, running along: largest logit so far, Σ e^(z − largest), the target's logit. */
const STATE_BYTES: usize = 16;

/**
 * loss[rows] and, unless 0, dHidden[rows, width].
 * @param chunk outputs at a time, a multiple of 8 @param shared working memory: [rows, chunk + 16] floats, then four a row
 */
export function crossEntropy(
  hidden: usize,
  base: i32,
  head: usize,
  scales: usize,
  targets: usize,
  weights: usize,
  loss: usize,
  dHidden: usize,
  rows: i32,
  width: i32,
  vocabulary: i32,
  chunk: i32,
  shared: usize,
): void {
  const stride = (<usize>width) << 2;
  // A line more than a chunk: rows a power of two apart would share a few sets of the first cache.
  const logitStride = ((<usize>chunk) << 2) + 64;
  const states = shared + <usize>rows * logitStride;
  for (let from = 0; from < vocabulary; from += chunk) {
    const columns = min(chunk, vocabulary - from);
    timesWeight(
      base,
      head,
      scales,
      width,
      from >> 3,
      hidden,
      stride,
      rows,
      shared,
      logitStride,
      columns,
      0,
      0,
    );
    meet();
    for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
      for (let row = first; row < min(first + PIECE, rows); row++) {
        const target = load<i32>(targets + ((<usize>row) << 2)) - from;
        const state = states + <usize>row * STATE_BYTES;
        const rescale = softenRow(shared + <usize>row * logitStride, columns, target, state, from == 0);
        if (dHidden && from > 0 && rescale != 1) scaleRow(dHidden + <usize>row * stride, width, rescale);
      }
    meet();
    if (!dHidden) continue;
    const start = from > 0 ? dHidden : 0;
    timesTransposed(
      base,
      head,
      scales,
      width,
      from >> 3,
      shared,
      logitStride,
      rows,
      columns,
      dHidden,
      stride,
      start,
    );
    meet();
  }
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const target = load<i32>(targets + ((<usize>row) << 2));
      const state = states + <usize>row * STATE_BYTES;
      const sum = load<f32>(state, 4);
      const value = load<f32>(state) + <f32>ln(sum) - load<f32>(state, 8);
      store<f32>(loss + ((<usize>row) << 2), target < 0 ? 0 : value);
      if (!dHidden) continue;
      const slope = dHidden + <usize>row * stride;
      if (target < 0) {
        memory.fill(slope, 0, stride);
        continue;
      }
      const own = scratch();
      unpackOutput(base, head, scales, width, target, own);
      const weight = splat(load<f32>(weights + ((<usize>row) << 2)));
      const inverse = splat(1 / sum);
      for (let i = 0; i < width; i += 4) {
        const difference = f32x4.sub(f32x4.mul(take(slope, i, width), inverse), take(own, i, width));
        put(slope, i, width, f32x4.mul(difference, weight));
      }
    }
}

/** Turns a chunk's logits into e^(z − largest so far), moves the row's state along; returns what earlier sums scale by. */
function softenRow(row: usize, columns: i32, target: i32, state: usize, first: bool): f32 {
  if (target >= 0 && target < columns) store<f32>(state, load<f32>(row + ((<usize>target) << 2)), 8);
  const top = largestOf(row, columns);
  const before = first ? top : load<f32>(state);
  const after = max(before, top);
  const added = expRow(row, row, columns, after);
  const rescale: f32 = before == after ? 1 : f32x4.extract_lane(exp4(splat(before - after)), 0);
  store<f32>(state, after);
  store<f32>(state, first ? added : load<f32>(state, 4) * rescale + added, 4);
  return rescale;
}

function largestOf(row: usize, columns: i32): f32 {
  let top = splat(load<f32>(row));
  let i = 0;
  for (; i + 4 <= columns; i += 4) top = largerOf(top, v128.load(row + ((<usize>i) << 2)));
  for (; i < columns; i++) top = largerOf(top, v128.load32_splat(row + ((<usize>i) << 2)));
  return maxLanes(top);
}

/** to = e^(row − shift); returns its sum. */
function expRow(row: usize, to: usize, columns: i32, shift: f32): f32 {
  let sums = splat(0);
  let i = 0;
  for (; i + 4 <= columns; i += 4) {
    const value = exp4(f32x4.sub(v128.load(row + ((<usize>i) << 2)), splat(shift)));
    sums = f32x4.add(sums, value);
    v128.store(to + ((<usize>i) << 2), value);
  }
  let sum = sumLanes(sums);
  for (; i < columns; i++) {
    const value = f32x4.extract_lane(exp4(splat(load<f32>(row + ((<usize>i) << 2)) - shift)), 0);
    sum += value;
    store<f32>(to + ((<usize>i) << 2), value);
  }
  return sum;
}

function scaleRow(row: usize, width: i32, factor: f32): void {
  for (let i = 0; i < width; i += 4) put(row, i, width, f32x4.mul(take(row, i, width), splat(factor)));
}

/** The loss over given logits: loss[n], and unless 0 dLogits[n] = weights[n]·(softmax − onehot). */
export function logitCrossEntropy(
  logits: usize,
  targets: usize,
  weights: usize,
  loss: usize,
  dLogits: usize,
  rows: i32,
  classes: i32,
): void {
  const stride = (<usize>classes) << 2;
  for (let row = takePiece(); row < rows; row = takePiece()) {
    const from = logits + <usize>row * stride;
    const target = load<i32>(targets + ((<usize>row) << 2));
    const top = largestOf(from, classes);
    let sum: f64 = 0;
    for (let i = 0; i < classes; i++) sum += exp1(load<f32>(from + ((<usize>i) << 2)) - top);
    const value: f32 = target < 0 ? 0 : top + <f32>ln(sum) - load<f32>(from + ((<usize>target) << 2));
    store<f32>(loss + ((<usize>row) << 2), value);
    if (!dLogits) continue;
    const to = dLogits + <usize>row * stride;
    const weight: f32 = target < 0 ? 0 : load<f32>(weights + ((<usize>row) << 2));
    for (let i = 0; i < classes; i++) {
      const share = <f32>(exp1(load<f32>(from + ((<usize>i) << 2)) - top) / sum);
      store<f32>(to + ((<usize>i) << 2), weight * (i == target ? share - 1 : share));
    }
  }
}

function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(splat(x)), 0);
}
