/** Four-lane arithmetic that AssemblyScript has no name for. */

/** a·b + c: fused where the build has relaxed SIMD, rounded twice where it has not. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

export function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/** Sum of the four lanes, pairwise. */
export function sumLanes(a: v128): f32 {
  return (
    f32x4.extract_lane(a, 0) +
    f32x4.extract_lane(a, 2) +
    (f32x4.extract_lane(a, 1) + f32x4.extract_lane(a, 3))
  );
}

export function maxLanes(a: v128): f32 {
  return max(
    max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 2)),
    max(f32x4.extract_lane(a, 1), f32x4.extract_lane(a, 3)),
  );
}

/** The larger of each lane: one instruction, unlike `max`, which treats NaN and −0 as Math.max does. */
export function largerOf(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b);
}

/**
 * e^x to about 2 ulp: x = n·ln 2 + r with |r| ≤ ln 2 / 2, e^r by its minimax polynomial, 2^n through the exponent bits.
 * n is rounded by adding 1.5·2^23, which leaves it in the low bits of the sum as well. Below −87.3 the result is 2^−126 or
 * smaller, above 88 it stays at e^88. Coefficients: Cephes expf (S. Moshier).
 */
export function exp4(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, constant(0)), constant(1));
  const shifted = madd(x, constant(2), constant(3));
  const n = f32x4.sub(shifted, constant(3));
  let r = madd(n, constant(4), x);
  r = madd(n, constant(5), r);
  let p = madd(constant(6), r, constant(7));
  p = madd(p, r, constant(8));
  p = madd(p, r, constant(9));
  p = madd(p, r, constant(10));
  p = madd(p, r, constant(11));
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, constant(12)));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Where exp4's constants lie, in this thread's scratch: V8 makes a vector constant anew with several instructions at each
 *  use, a load takes one. */
let constants: usize = 0;

/** Number i of them. */
function constant(i: usize): v128 {
  return v128.load(constants + (i << 4));
}

/** @param at room for 13 vectors */
export function writeConstants(at: usize): void {
  constants = at;
  v128.store(at, splat(88));
  v128.store(at, splat(-87.3), 16);
  v128.store(at, splat(1.44269504088896341), 32);
  v128.store(at, splat(12582912), 48);
  v128.store(at, splat(-0.693359375), 64);
  v128.store(at, splat(2.1219444e-4), 80);
  v128.store(at, splat(1.98756915e-4), 96);
  v128.store(at, splat(1.3981999507e-3), 112);
  v128.store(at, splat(8.3334519073e-3), 128);
  v128.store(at, splat(4.1665795894e-2), 144);
  v128.store(at, splat(1.6666665459e-1), 160);
  v128.store(at, splat(5.0000001201e-1), 176);
  v128.store(at, splat(1), 192);
}

/** 1 / (1 + e^−x). */
export function sigmoid4(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), exp4(f32x4.neg(x))));
}

/**
 * erfc(|z|) / e^(−z²), the slowly varying part, relative error below 1.2e−7.
 * Source: the Chebyshev fit of Press et al., Numerical Recipes, § 6.2.
 */
function scaledErfc4(t: v128): v128 {
  let p = splat(0.17087277);
  p = madd(p, t, splat(-0.82215223));
  p = madd(p, t, splat(1.48851587));
  p = madd(p, t, splat(-1.13520398));
  p = madd(p, t, splat(0.27886807));
  p = madd(p, t, splat(-0.18628806));
  p = madd(p, t, splat(0.09678418));
  p = madd(p, t, splat(0.37409196));
  p = madd(p, t, splat(1.00002368));
  return madd(p, t, splat(-1.26551223));
}

/** Φ(x), the normal distribution function: erfc(−x/√2) / 2. */
export function normalCdf4(x: v128): v128 {
  const z = f32x4.abs(f32x4.mul(x, splat(0.7071067811865476)));
  const t = f32x4.div(splat(1), madd(z, splat(0.5), splat(1)));
  const exponent = f32x4.sub(scaledErfc4(t), f32x4.mul(z, z));
  const tail = f32x4.mul(f32x4.mul(t, splat(0.5)), exp4(exponent));
  return v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(x, splat(0)));
}

/** ln x of a positive number, by the series of artanh after taking the exponent off; good to double precision / 10⁶. */
export function ln(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <i32>((bits >> 52) & 0x7ff) - 1023;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const s2 = s * s;
  const series = 1 + s2 * (1.0 / 3 + s2 * (1.0 / 5 + s2 * (1.0 / 7 + s2 * (1.0 / 9 + s2 * (1.0 / 11)))));
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}

/** Four floats of a row from element i on, zero from `end` on. */
export function take(row: usize, i: i32, end: i32): v128 {
  const at = row + ((<usize>i) << 2);
  if (i + 4 <= end) return v128.load(at);
  let part = v128.load32_zero(at);
  if (i + 1 < end) part = f32x4.replace_lane(part, 1, load<f32>(at, 4));
  if (i + 2 < end) part = f32x4.replace_lane(part, 2, load<f32>(at, 8));
  return part;
}

/** Sets four floats of a row from element i on, none from `end` on. */
export function put(row: usize, i: i32, end: i32, values: v128): void {
  const at = row + ((<usize>i) << 2);
  if (i + 4 <= end) {
    v128.store(at, values);
    return;
  }
  store<f32>(at, f32x4.extract_lane(values, 0));
  if (i + 1 < end) store<f32>(at, f32x4.extract_lane(values, 1), 4);
  if (i + 2 < end) store<f32>(at, f32x4.extract_lane(values, 2), 8);
}

// memory.copy and memory.fill leave the compiled code, which for a few dozen bytes costs more than the bytes do.

/** Copies `count` floats. */
export function copyFloats(to: usize, from: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) put(to, i, count, take(from, i, count));
}

/** Sets `count` floats to zero. */
export function clearFloats(to: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) put(to, i, count, splat(0));
}
