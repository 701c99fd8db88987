/** A small trained matrix P [outputs, inputs] beside the adapter: out = x·Pᵀ and its backward products. */
import { dot } from "./attention";
import { takePiece } from "./pool";
import { madd, put, splat, take } from "./simd";

/** out[rows, outputs] = x·Pᵀ, plus a bias unless its address is 0. */
export function dense(
  x: usize,
  matrix: usize,
  bias: usize,
  out: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
): void {
  const stride = (<usize>inputs) << 2;
  for (let row = takePiece(); row < rows; row = takePiece())
    for (let o = 0; o < outputs; o++) {
      let sum = dot(x + <usize>row * stride, matrix + <usize>o * stride, inputs);
      if (bias != 0) sum += load<f32>(bias + ((<usize>o) << 2));
      store<f32>(out + ((<usize>(row * outputs + o)) << 2), sum);
    }
}

/** dx = dy·P, gradient = dyᵀ·x, biasGradient = Σ dy unless its address is 0. Pieces are rows of dx, then rows of the gradient. */
export function denseBackward(
  x: usize,
  matrix: usize,
  dy: usize,
  dx: usize,
  gradient: usize,
  biasGradient: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
): void {
  const stride = (<usize>inputs) << 2;
  const pitch = (<usize>outputs) << 2;
  for (let piece = takePiece(); piece < rows + outputs; piece = takePiece())
    if (piece < rows)
      combine(dy + <usize>piece * pitch, 4, matrix, stride, outputs, dx + <usize>piece * stride, inputs);
    else {
      const o = <usize>(piece - rows);
      combine(dy + (o << 2), pitch, x, stride, rows, gradient + o * stride, inputs);
      if (biasGradient == 0) continue;
      let sum: f32 = 0;
      for (let row = 0; row < rows; row++) sum += load<f32>(dy + (o << 2) + <usize>row * pitch);
      store<f32>(biasGradient + (o << 2), sum);
    }
}

/** to[width] = Σ_i factors[i]·from[i], factors `step` bytes apart. */
function combine(
  factors: usize,
  step: usize,
  from: usize,
  stride: usize,
  count: i32,
  to: usize,
  width: i32,
): void {
  for (let i = 0; i < width; i += 4) {
    let sum = splat(0);
    for (let j = 0; j < count; j++)
      sum = madd(v128.load32_splat(factors + <usize>j * step), take(from + <usize>j * stride, i, width), sum);
    put(to, i, width, sum);
  }
}
