/**
 * Noise that nobody foresees, in whole grains: the discrete Gaussian (Canonne, Kamath, Steinke 2020) by rejection from a
 * discrete Laplace distribution. Whole numbers, because the low bits of floating-point noise give values away (Mironov
 * 2012). Probabilities are compared with 53 random bits.
 */
import { chacha20 } from "@noble/ciphers/chacha.js";
import type { RandomBytes } from "../secure-aggregation/keys.ts";

/** Uniform on (0, 1], 53 bits each, from a ChaCha20 stream with a fresh secret seed. */
export function secureUniform(randomBytes: RandomBytes): () => number {
  const seed = randomBytes(32);
  const piece = new Uint8Array(16_384);
  const words = new Uint32Array(piece.buffer);
  const zeros = new Uint8Array(piece.length);
  let [at, block] = [words.length, 0];
  return () => {
    if (at === words.length) {
      chacha20(seed, new Uint8Array(12), zeros, piece, block);
      block += piece.length / 64;
      at = 0;
    }
    const high = (words[at++] as number) >>> 5;
    const low = (words[at++] as number) >>> 6;
    return (high * 2 ** 26 + low + 1) / 2 ** 53;
  };
}

/** One draw. @param deviation σ in grains, positive */
export function discreteGaussian(deviation: number, uniform: () => number): number {
  const scale = Math.floor(deviation) + 1;
  const variance = deviation * deviation;
  for (;;) {
    // The whole part of an exponential variable is geometric.
    const size = Math.floor(-scale * Math.log(uniform()));
    const isNegative = uniform() <= 0.5;
    if (isNegative && size === 0) continue;
    const miss = size - variance / scale;
    if (uniform() <= Math.exp(-(miss * miss) / (2 * variance))) return isNegative ? -size : size;
  }
}

/** Rounding to f32 afterwards must not lengthen a vector again. */
const ROUNDING = 1 - 2 ** -22;

/** The factor, at most 1, that brings a vector within this Euclidean norm. */
export function clipFactor(changes: Float32Array, norm: number): number {
  let squares = 0;
  for (let i = 0; i < changes.length; i++) squares += (changes[i] as number) ** 2;
  return squares > norm * norm ? (ROUNDING * norm) / Math.sqrt(squares) : 1;
}

/** A grain so fine that cutting values to it costs nothing beside this much noise: a power of two. */
export const grainOf = (deviation: number): number => 2 ** Math.floor(Math.log2(deviation / 2 ** 20));
