/**
 * Weighted changes as whole numbers modulo a power of two, so that masks hide them perfectly and sums stay exact.
 *
 * A number T counts grains of 2^−fractionBits. With FINE_BITS grains it is the very number that the plain mean adds up in
 * two parts (federation's exact-mean.ts), so unmasked sums give the same bits; coarser grains serve sums with noise, which
 * drowns them anyway. In memory a number is 32-bit words, the lowest first; on the wire its lowest `bytes` bytes.
 */
import { COARSE_BITS, FINE_BITS } from "@fedlodrop/run";

export interface FixedPoint {
  readonly fractionBits: number;
  /** Numbers are modulo 2^(8·bytes); 1 to 12. */
  readonly bytes: number;
  /** 32-bit words that hold one: 1 to 3. */
  readonly words: number;
  /** Largest change of a value, in either direction; what is beyond is cut to it on the device. */
  readonly limit: number;
}

export const EXACT_FRACTION_BITS = FINE_BITS;
const MOST_BYTES = 12;

/**
 * The fewest bytes in which a whole round's sum cannot wrap around.
 * @param largestNoise that all devices together add to a sum, in grains, except with negligible probability
 */
export function fixedPointFor(
  limit: number,
  totalWeight: number,
  fractionBits = EXACT_FRACTION_BITS,
  largestNoise = 0,
): FixedPoint {
  // A grain a device for rounding, and one bit for the sign.
  const largest = totalWeight * limit + (totalWeight + largestNoise) * 2 ** -fractionBits;
  const bytes = Math.max(1, Math.ceil((Math.floor(Math.log2(largest)) + 2 + fractionBits) / 8));
  if (!(limit > 0 && totalWeight >= 1 && bytes <= MOST_BYTES))
    throw new Error(
      `fixed point: expected sums within 2^${8 * MOST_BYTES - 1 - fractionBits}, got up to ${totalWeight} × ${limit}`,
    );
  return { fractionBits, bytes, words: Math.ceil(bytes / 4), limit };
}

/**
 * Grains of weight·change for each change, [count · words]. Coarser grains than the exact ones are cut towards zero, so that
 * no vector of changes gets longer than it was clipped to. @param noise grains to add to each, or null
 */
export function toWords(
  changes: Float32Array,
  weight: number,
  { fractionBits, words, limit }: FixedPoint,
  noise: Float64Array | null = null,
): Uint32Array {
  const numbers = new Uint32Array(changes.length * words);
  const isExact = fractionBits === EXACT_FRACTION_BITS;
  const [coarse, fine, grains] = [2 ** COARSE_BITS, 2 ** FINE_BITS, 2 ** fractionBits];
  for (let i = 0; i < changes.length; i++) {
    const product = weight * Math.min(limit, Math.max(-limit, changes[i] as number));
    if (isExact) {
      const high = Math.round(product * coarse);
      addInteger(numbers, i * words, words, Math.round((product - high / coarse) * fine));
      // high counts 2⁴⁰ grains: its 2⁸-fold belongs one word up.
      addInteger(numbers, i * words + 1, words - 1, high * 256);
    } else addInteger(numbers, i * words, words, Math.trunc(product * grains) + (noise?.[i] ?? 0));
  }
  return numbers;
}

/** Adds a whole number below 2⁵³ in size to the `words` words from `at` on. */
function addInteger(numbers: Uint32Array, at: number, words: number, integer: number): void {
  let [rest, carry] = [integer, 0];
  for (let w = 0; w < words; w++) {
    const sum = (numbers[at + w] as number) + (rest >>> 0) + carry;
    numbers[at + w] = sum;
    carry = sum > 0xffffffff ? 1 : 0;
    rest = Math.floor(rest / 2 ** 32);
  }
}

/** The number at `position` as float64, rounded once: what the plain mean's two parts add up to. */
export function toReal(
  numbers: Uint32Array,
  position: number,
  { fractionBits, bytes, words }: FixedPoint,
): number {
  const at = position * words;
  const unused = 32 * words - 8 * bytes;
  const word = (w: number): number => {
    const own = (numbers[at + Math.min(w, words - 1)] as number) | 0;
    const signed = w < words - 1 ? own : (own << unused) >> unused;
    return w < words ? signed : signed >> 31;
  };
  // floor(T / 2⁴⁰) and the 40 bits below it: both exact, so that their sum rounds once.
  const high = word(2) * 2 ** 24 + (word(1) >>> 8);
  const low = (word(1) & 0xff) * 2 ** 32 + (word(0) >>> 0);
  return high * 2 ** (40 - fractionBits) + low * 2 ** -fractionBits;
}

/** As they travel, [count · bytes]. */
export function packNumbers(numbers: Uint32Array, { bytes, words }: FixedPoint): Uint8Array {
  const count = numbers.length / words;
  const all = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (bytes === 4 * words) return all.slice();
  const packed = new Uint8Array(count * bytes);
  for (let i = 0; i < count; i++)
    for (let b = 0; b < bytes; b++) packed[i * bytes + b] = all[i * 4 * words + b] as number;
  return packed;
}

export function unpackNumbers(packed: Uint8Array, { bytes, words }: FixedPoint): Uint32Array {
  const count = packed.length / bytes;
  const numbers = new Uint32Array(count * words);
  const all = new Uint8Array(numbers.buffer);
  if (bytes === 4 * words) all.set(packed);
  else
    for (let i = 0; i < count; i++)
      for (let b = 0; b < bytes; b++) all[i * 4 * words + b] = packed[i * bytes + b] as number;
  return numbers;
}
