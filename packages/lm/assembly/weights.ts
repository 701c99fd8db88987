/**
 * Frozen matrices W [in, out] as they are stored: panels of 8 outputs, [⌈out/8⌉][in][8], missing outputs zero. One
 * stored form serves both products: x·W reads a panel as it lies, dy·Wᵀ turns 8×8 tiles around on the way.
 *
 * | base | a panel |
 * |---|---|
 * | f32  | in × 8 f32 |
 * | f16  | in × 8 f16 |
 * | int8 | in × 8 int8; the 8 scales lie in an array of their own |
 * | int4 | per block of 32 inputs: 8 f32 scales, then 16 × 8 bytes; the low nibble is input 2i, the high one 2i + 1, plus 8 |
 *
 * `in` is stored as a multiple of 32 for int4, and as it is otherwise.
 */
import { splat } from "./simd";

export const F32: i32 = 0;
export const F16: i32 = 1;
export const INT8: i32 = 2;
// INT4 is 3, what is left.

export const INT4_BLOCK: i32 = 32;
export const INT4_BLOCK_BYTES: i32 = 160;

/** Bytes of one stored panel. */
export function panelBytes(base: i32, inputs: i32): usize {
  if (base == F32) return (<usize>inputs) << 5;
  if (base == F16) return (<usize>inputs) << 4;
  if (base == INT8) return (<usize>inputs) << 3;
  return <usize>((inputs + INT4_BLOCK - 1) / INT4_BLOCK) * INT4_BLOCK_BYTES;
}

/** Four f16 in the low half to f32. Scaling by 2^112 rebiases the exponent and is right for subnormal numbers too. */
function widenF16(bits: v128): v128 {
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  return v128.or(f32x4.mul(magnitude, splat(5.192296858534828e33)), sign);
}

export function lowF16(bits: v128): v128 {
  return widenF16(i32x4.extend_low_i16x8_u(bits));
}

export function highF16(bits: v128): v128 {
  return widenF16(i32x4.extend_high_i16x8_u(bits));
}

export function lowInts(words: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words));
}

export function highInts(words: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words));
}

/** Unpacks inputs [from, to) of a panel to f32 [to − from][8] at `into`. @param scales of the panel, int8 only */
export function unpackPanel(base: i32, panel: usize, scales: usize, from: i32, to: i32, into: usize): void {
  if (base == F32) {
    memory.copy(into, panel + ((<usize>from) << 5), (<usize>(to - from)) << 5);
  } else if (base == F16) {
    let source = panel + ((<usize>from) << 4);
    for (let k = from; k < to; k++, source += 16, into += 32) {
      const row = v128.load(source);
      v128.store(into, lowF16(row));
      v128.store(into, highF16(row), 16);
    }
  } else if (base == INT8) {
    const scale0 = v128.load(scales);
    const scale1 = v128.load(scales, 16);
    let source = panel + ((<usize>from) << 3);
    for (let k = from; k < to; k++, source += 8, into += 32) {
      const words = v128.load_ext<i8>(source);
      v128.store(into, f32x4.mul(lowInts(words), scale0));
      v128.store(into, f32x4.mul(highInts(words), scale1), 16);
    }
  } else {
    for (let k = from; k < to; k++, into += 32) {
      const block = panel + <usize>(k / INT4_BLOCK) * INT4_BLOCK_BYTES;
      const words = int4Words(block, k % INT4_BLOCK);
      v128.store(into, f32x4.mul(lowInts(words), v128.load(block)));
      v128.store(into, f32x4.mul(highInts(words), v128.load(block, 16)), 16);
    }
  }
}

/** Eight int4 codes of input k within a block, as i16. */
export function int4Words(block: usize, k: i32): v128 {
  const pair = v128.load64_zero(block + 32 + ((<usize>(k >> 1)) << 3));
  const codes = k & 1 ? i8x16.shr_u(pair, 4) : v128.and(pair, i8x16.splat(15));
  return i16x8.extend_low_i8x16_s(i8x16.sub(codes, i8x16.splat(8)));
}

/**
 * Unpacks 8 inputs (from a multiple of 8 on) of the panels of outputs [from, to) to f32 [to − from][8] at `into`: a panel
 * of Wᵀ. `from` is a multiple of 8; `to` may be any: whole tiles are written, so `into` has room to the next multiple.
 */
export function unpackTransposed(
  base: i32,
  weight: usize,
  scales: usize,
  inputs: i32,
  input: i32,
  from: i32,
  to: i32,
  into: usize,
): void {
  const bytes = panelBytes(base, inputs);
  const rows = min(8, inputs - input);
  for (let output = from; output < to; output += 8, into += 256) {
    const panel = weight + <usize>(output >> 3) * bytes;
    if (base == F32 && rows == 8) {
      turnTile(panel + ((<usize>input) << 5), into);
      continue;
    }
    unpackPanel(base, panel, scales + ((<usize>output) << 2), input, input + rows, into);
    for (let row = rows; row < 8; row++) {
      v128.store(into + ((<usize>row) << 5), splat(0));
      v128.store(into + ((<usize>row) << 5), splat(0), 16);
    }
    transposeTile(into);
  }
}

/** An 8×8 tile of f32, turned. */
function turnTile(from: usize, to: usize): void {
  turnQuarter(from, 32, to, 32);
  turnQuarter(from + 16, 32, to + 128, 32);
  turnQuarter(from + 128, 32, to + 16, 32);
  turnQuarter(from + 144, 32, to + 144, 32);
}

/** Turns an 8×8 tile of f32 around in place. */
function transposeTile(tile: usize): void {
  turnQuarter(tile, 32, tile, 32);
  turnQuarter(tile + 144, 32, tile + 144, 32);
  exchangeQuarters(tile + 16, tile + 128);
}

/** 4×4 at `from`, turned, to `to`; pitches are bytes between rows. All is read before any is written. */
export function turnQuarter(from: usize, pitch: usize, to: usize, toPitch: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + pitch);
  const r2 = v128.load(from + 2 * pitch);
  const r3 = v128.load(from + 3 * pitch);
  const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const c = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(a, c, 0, 2));
  v128.store(to + toPitch, v128.shuffle<f64>(a, c, 1, 3));
  v128.store(to + 2 * toPitch, v128.shuffle<f64>(b, d, 0, 2));
  v128.store(to + 3 * toPitch, v128.shuffle<f64>(b, d, 1, 3));
}

/** Turns the two off-diagonal quarters around and exchanges them. */
function exchangeQuarters(upper: usize, lower: usize): void {
  const r0 = v128.load(upper);
  const r1 = v128.load(upper, 32);
  const r2 = v128.load(upper, 64);
  const r3 = v128.load(upper, 96);
  turnQuarter(lower, 32, upper, 32);
  v128.store(lower, r0);
  v128.store(lower, r1, 32);
  v128.store(lower, r2, 64);
  v128.store(lower, r3, 96);
  turnQuarter(lower, 32, lower, 32);
}

/** The weights of one output, to[inputs]: a row of an embedding. */
export function unpackOutput(
  base: i32,
  weight: usize,
  scales: usize,
  inputs: i32,
  output: i32,
  to: usize,
): void {
  const panel = weight + <usize>(output >> 3) * panelBytes(base, inputs);
  const lane = <usize>(output & 7);
  for (let k = 0; k < inputs; k++, to += 4) {
    let value: f32;
    if (base == F32) value = load<f32>(panel + ((<usize>k) << 5) + (lane << 2));
    else if (base == F16) {
      const bits = i32x4.splat(load<u16>(panel + ((<usize>k) << 4) + (lane << 1)));
      value = f32x4.extract_lane(widenF16(bits), 0);
    } else if (base == INT8)
      value = <f32>load<i8>(panel + ((<usize>k) << 3) + lane) * load<f32>(scales + ((<usize>output) << 2));
    else {
      const block = panel + <usize>(k / INT4_BLOCK) * INT4_BLOCK_BYTES;
      const pair = load<u8>(block + 32 + ((<usize>((k % INT4_BLOCK) >> 1)) << 3) + lane);
      const code = <i32>(k & 1 ? pair >> 4 : pair & 15) - 8;
      value = <f32>code * load<f32>(block + (lane << 2));
    }
    store<f32>(to, value);
  }
}
