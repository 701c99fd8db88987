/** Element-wise functions, forward and backward, alone and gated. A piece is 2,048 elements. */
import { takePiece } from "./pool";
import { exp4, madd, normalCdf4, put, sigmoid4, splat, take } from "./simd";

const GELU_TANH: i32 = 0;
const GELU: i32 = 1;
const SILU: i32 = 2;
const TANH: i32 = 3;
const RELU: i32 = 4; // and 5 is the square

const PIECE: i32 = 2048;
/** tanh-GELU is x·σ(2√(2/π)(x + 0.044715x³)). */
const SLOPE: f32 = 1.5957691216057308;
const CUBIC: f32 = 0.044715;

/** f(x). */
function value(f: i32, x: v128): v128 {
  if (f == GELU_TANH) return f32x4.mul(x, sigmoid4(geluArgument(x)));
  if (f == GELU) return f32x4.mul(x, normalCdf4(x));
  if (f == SILU) return f32x4.mul(x, sigmoid4(x));
  if (f == TANH) return tanh4(x);
  if (f == RELU) return f32x4.max(x, splat(0));
  return f32x4.mul(x, x);
}

/** 2σ(2x) − 1. */
function tanh4(x: v128): v128 {
  return madd(sigmoid4(f32x4.add(x, x)), splat(2), splat(-1));
}

/** f′(x). */
function slope(f: i32, x: v128): v128 {
  if (f == GELU_TANH) {
    const s = sigmoid4(geluArgument(x));
    const inner = madd(f32x4.mul(x, x), splat(3 * CUBIC * SLOPE), splat(SLOPE));
    return sigmoidSlope(s, f32x4.mul(x, inner));
  }
  if (f == GELU) {
    const density = f32x4.mul(exp4(f32x4.mul(f32x4.mul(x, x), splat(-0.5))), splat(0.3989422804014327));
    return madd(x, density, normalCdf4(x));
  }
  if (f == SILU) return sigmoidSlope(sigmoid4(x), x);
  if (f == TANH) {
    // 4σ(2x)σ(−2x), for 1 − tanh² loses digits where tanh is near 1.
    const twice = f32x4.add(x, x);
    return f32x4.mul(splat(4), f32x4.mul(sigmoid4(twice), sigmoid4(f32x4.neg(twice))));
  }
  if (f == RELU) return v128.and(f32x4.gt(x, splat(0)), splat(1));
  return f32x4.add(x, x);
}

function geluArgument(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, splat(SLOPE)), madd(f32x4.mul(x, x), splat(CUBIC), splat(1)));
}

/** Derivative of x·σ(a), given s = σ(a) and x·a′: s + s·(1 − s)·x·a′. */
function sigmoidSlope(s: v128, xTimesSlope: v128): v128 {
  return madd(f32x4.mul(s, f32x4.sub(splat(1), s)), xTimesSlope, s);
}

/** out = f(x). */
export function activation(f: i32, x: usize, out: usize, size: i32): void {
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4) put(out, i, end, value(f, take(x, i, end)));
  }
}

/** dx = dy·f′(x). */
export function activationBackward(f: i32, x: usize, dy: usize, dx: usize, size: i32): void {
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4)
      put(dx, i, end, f32x4.mul(take(dy, i, end), slope(f, take(x, i, end))));
  }
}

/** out = f(gate)·up. */
export function gated(f: i32, gate: usize, up: usize, out: usize, size: i32): void {
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4)
      put(out, i, end, f32x4.mul(value(f, take(gate, i, end)), take(up, i, end)));
  }
}

/** dGate = dy·up·f′(gate), dUp = dy·f(gate). */
export function gatedBackward(
  f: i32,
  gate: usize,
  up: usize,
  dy: usize,
  dGate: usize,
  dUp: usize,
  size: i32,
): void {
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4) {
      const g = take(gate, i, end);
      const d = take(dy, i, end);
      put(dGate, i, end, f32x4.mul(f32x4.mul(d, take(up, i, end)), slope(f, g)));
      put(dUp, i, end, f32x4.mul(d, value(f, g)));
    }
  }
}

/** out = a + b. */
export function add(a: usize, b: usize, out: usize, size: i32): void {
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4) put(out, i, end, f32x4.add(take(a, i, end), take(b, i, end)));
  }
}
