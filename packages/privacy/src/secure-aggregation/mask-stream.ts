/** Masks from a seed: the keystream of ChaCha20 (RFC 8439), read as 32-bit words in order of the values that are masked. */
import type { Pieces } from "@fedlodrop/run";
import { chacha20 } from "@noble/ciphers/chacha.js";

/** A multiple of ChaCha20's block and of one, two and three words. */
const PIECE_BYTES = 49_152;
const BLOCKS_A_PIECE = PIECE_BYTES / 64;
/** Every seed serves one stream. */
const NONCE = new Uint8Array(12);
const ZEROS = new Uint8Array(PIECE_BYTES);

/**
 * Adds the seed's mask to the numbers at `positions`, or takes it away: the k-th position gets the k-th number of the
 * stream, so two devices that agree on what they share agree on the mask.
 * @param numbers [count · words], changed
 */
export function* addMask(
  numbers: Uint32Array,
  words: number,
  positions: Uint32Array,
  seed: Uint8Array,
  sign: 1 | -1,
): Pieces<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  const stream = new Uint32Array(piece.buffer);
  const numbersAPiece = stream.length / words;
  for (let done = 0, block = 0; done < positions.length; done += numbersAPiece, block += BLOCKS_A_PIECE) {
    const count = Math.min(numbersAPiece, positions.length - done);
    const bytes = 4 * words * count;
    yield;
    chacha20(seed, NONCE, ZEROS.subarray(0, bytes), piece.subarray(0, bytes), block);
    for (let k = 0; k < count; k++) {
      const at = (positions[done + k] as number) * words;
      let carry = 0;
      for (let w = 0; w < words; w++) {
        const sum = (numbers[at + w] as number) + sign * ((stream[k * words + w] as number) + carry);
        numbers[at + w] = sum;
        carry = sum > 0xffffffff || sum < 0 ? 1 : 0;
      }
    }
  }
}
