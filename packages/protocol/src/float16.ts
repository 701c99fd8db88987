/** IEEE 754 half precision (binary16) in software: typed-array support for it is too young to rely on. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Bits of the nearest half to `value`, ties to even; beyond ±65504 it rounds to ±Infinity. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  const f = bits[0] as number;
  const sign = (f >>> 16) & 0x8000;
  const magnitude = f & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to infinity
  if (magnitude < 0x38800000) {
    // Subnormal half: a multiple of 2⁻²⁴.
    return sign | roundHalfToEven(Math.abs(float[0] as number) * 2 ** 24);
  }
  const rebased = magnitude - 0x38000000; // exponent bias 127 → 15
  const rounded = rebased + 0xfff + ((rebased >>> 13) & 1);
  return sign | (rounded >>> 13);
}

export function fromFloat16Bits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
