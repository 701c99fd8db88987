/** IEEE 754 half precision (binary16) in software: typed-array support for it is too young to rely on. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Bits of the nearest half to `value`, ties to even; beyond ±65504 it rounds to ±Infinity. */
export function toFloat16Bits(value: number): number {
  float[0] = value;
  return halfOf(bits[0] as number, float[0] as number);
}

/** @param f the bits of `value`, which is a 32-bit float */
function halfOf(f: number, value: number): number {
  const sign = (f >>> 16) & 0x8000;
  const magnitude = f & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to infinity
  if (magnitude < 0x38800000) {
    // Subnormal half: a multiple of 2⁻²⁴.
    return sign | roundHalfToEven(Math.abs(value) * 2 ** 24);
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

/** `toFloat16Bits` of every value. */
export function toFloat16s(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(words[i] as number, values[i] as number);
  return halves;
}

/** `fromFloat16Bits` of every half. */
export function fromFloat16s(halves: Uint16Array): Float32Array {
  everyHalf ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => fromFloat16Bits(half));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = everyHalf[halves[i] as number] as number;
  return values;
}

/** All 65,536 of them, once somebody asks for many. */
let everyHalf: Float32Array | null = null;

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
