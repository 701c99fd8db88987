/** Layer norm and RMS norm over rows, forward and backward. A piece is eight rows. */
import { takePiece } from "./pool";
import { madd, put, splat, sumLanes, take } from "./simd";

const PIECE: i32 = 8;

/** out = gain·(x − mean)·rstd + bias; stats[rows, 2] = mean, rstd. @param bias 0 for none */
export function layerNorm(
  x: usize,
  gain: usize,
  bias: usize,
  epsilon: f32,
  out: usize,
  stats: usize,
  rows: i32,
  width: i32,
): void {
  const stride = (<usize>width) << 2;
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const from = x + <usize>row * stride;
      const to = out + <usize>row * stride;
      const mean = sumRow(from, width) / <f32>width;
      const shift = splat(mean);
      let squares = splat(0);
      for (let i = 0; i < width; i += 4) {
        const d = takeCentred(from, i, width, shift);
        squares = madd(d, d, squares);
      }
      const rstd: f32 = 1 / sqrt<f32>(sumLanes(squares) / <f32>width + epsilon);
      for (let i = 0; i < width; i += 4) {
        const normal = f32x4.mul(f32x4.sub(take(from, i, width), shift), splat(rstd));
        put(to, i, width, madd(normal, take(gain, i, width), bias ? take(bias, i, width) : splat(0)));
      }
      store<f32>(stats + ((<usize>row) << 3), mean);
      store<f32>(stats + ((<usize>row) << 3), rstd, 4);
    }
}

/** dx = rstd·(g − mean(g) − x̂·mean(g·x̂)) + add, g = dy·gain, x̂ = (x − mean)·rstd. @param add 0 for none */
export function layerNormBackward(
  x: usize,
  stats: usize,
  gain: usize,
  dy: usize,
  add: usize,
  dx: usize,
  rows: i32,
  width: i32,
): void {
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const at = (<usize>row * width) << 2;
      const mean = load<f32>(stats + ((<usize>row) << 3));
      const rstd = load<f32>(stats + ((<usize>row) << 3), 4);
      slopeRow(x + at, gain, 0, dy + at, add ? add + at : 0, dx + at, width, mean, rstd, true);
    }
}

/** out = (gainOffset + gain)·x·rstd; stats[rows] = rstd. */
export function rmsNorm(
  x: usize,
  gain: usize,
  gainOffset: f32,
  epsilon: f32,
  out: usize,
  stats: usize,
  rows: i32,
  width: i32,
): void {
  const stride = (<usize>width) << 2;
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const from = x + <usize>row * stride;
      const to = out + <usize>row * stride;
      let squares = splat(0);
      for (let i = 0; i < width; i += 4) {
        const v = take(from, i, width);
        squares = madd(v, v, squares);
      }
      const rstd: f32 = 1 / sqrt<f32>(sumLanes(squares) / <f32>width + epsilon);
      for (let i = 0; i < width; i += 4) {
        const g = f32x4.add(take(gain, i, width), splat(gainOffset));
        put(to, i, width, f32x4.mul(f32x4.mul(take(from, i, width), splat(rstd)), g));
      }
      store<f32>(stats + ((<usize>row) << 2), rstd);
    }
}

/** dx = rstd·(g − x̂·mean(g·x̂)) + add, g = dy·(gainOffset + gain), x̂ = x·rstd. @param add 0 for none */
export function rmsNormBackward(
  x: usize,
  stats: usize,
  gain: usize,
  gainOffset: f32,
  dy: usize,
  add: usize,
  dx: usize,
  rows: i32,
  width: i32,
): void {
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const at = (<usize>row * width) << 2;
      const rstd = load<f32>(stats + ((<usize>row) << 2));
      slopeRow(x + at, gain, gainOffset, dy + at, add ? add + at : 0, dx + at, width, 0, rstd, false);
    }
}

/** One row of either backward pass; `centred` takes mean(g) off, as layer norm does. */
function slopeRow(
  x: usize,
  gain: usize,
  gainOffset: f32,
  dy: usize,
  add: usize,
  dx: usize,
  width: i32,
  mean: f32,
  rstd: f32,
  centred: bool,
): void {
  const shift = splat(mean);
  const factor = splat(rstd);
  const offset = splat(gainOffset);
  let slopes = splat(0);
  let products = splat(0);
  for (let i = 0; i < width; i += 4) {
    const g = f32x4.mul(take(dy, i, width), f32x4.add(take(gain, i, width), offset));
    const normal = f32x4.mul(f32x4.sub(take(x, i, width), shift), factor);
    slopes = f32x4.add(slopes, g);
    products = madd(g, normal, products);
  }
  const meanSlope = splat(centred ? sumLanes(slopes) / <f32>width : 0);
  const meanProduct = splat(sumLanes(products) / <f32>width);
  for (let i = 0; i < width; i += 4) {
    const g = f32x4.mul(take(dy, i, width), f32x4.add(take(gain, i, width), offset));
    const normal = f32x4.mul(f32x4.sub(take(x, i, width), shift), factor);
    const slope = f32x4.sub(f32x4.sub(g, meanSlope), f32x4.mul(normal, meanProduct));
    put(dx, i, width, madd(slope, factor, add ? take(add, i, width) : splat(0)));
  }
}

function sumRow(row: usize, width: i32): f32 {
  let sums = splat(0);
  for (let i = 0; i < width; i += 4) sums = f32x4.add(sums, take(row, i, width));
  return sumLanes(sums);
}

/** `take` minus the mean, zero beyond the row's end. */
function takeCentred(row: usize, i: i32, width: i32, mean: v128): v128 {
  if (i + 4 <= width) return f32x4.sub(v128.load(row + ((<usize>i) << 2)), mean);
  const inside = i32x4.gt_s(i32x4.splat(width - i), i32x4(0, 1, 2, 3));
  return v128.and(f32x4.sub(take(row, i, width), mean), inside);
}
