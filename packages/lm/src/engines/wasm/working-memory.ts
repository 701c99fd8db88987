/** What kernels need besides their buffers: working memory of each thread, and some that all threads share. */
import type { KernelCall } from "../../plan/kernel.ts";

/** Zeros, a row of eight and constants at the start of every thread's memory (assembly/scratch.ts). */
const HEAD_BYTES = 320;
/** The chunks of four unpacked panels (assembly/product.ts). */
const PANEL_CHUNK_BYTES = 65_536;
/** 32 × 32 scores (assembly/attention.ts). */
const SCORE_TILE_BYTES = 4_096;
/** Logits of a chunk of the vocabulary: what stays in a second-level cache. */
const LOGIT_FLOATS = 131_072;
/** Elements of a partial sum (assembly/adamw.ts). */
const SUM_PIECE = 2_048;

/** Bytes for each thread to run any of the calls. */
export function threadBytes(calls: readonly KernelCall[]): number {
  return HEAD_BYTES + Math.max(PANEL_CHUNK_BYTES, ...calls.map(threadBytesOf));
}

/** Bytes for all threads together. */
export function sharedBytes(calls: readonly KernelCall[]): number {
  return Math.max(0, ...calls.map(sharedBytesOf));
}

/** Outputs of the head at a time, a multiple of 8. */
export function crossEntropyChunk(rows: number, vocabulary: number): number {
  const affordable = 64 * Math.max(1, Math.floor(LOGIT_FLOATS / rows / 64));
  return Math.min(affordable, 8 * Math.ceil(vocabulary / 8));
}

function threadBytesOf(call: KernelCall): number {
  switch (call.kind) {
    case "attention":
      return SCORE_TILE_BYTES + 256 + 128 * 8 * Math.ceil(call.headWidth / 8) + 128 * call.headWidth;
    case "attention-backward":
      return 2 * SCORE_TILE_BYTES + 256 * call.headWidth;
    case "cached-attention":
      return 4 * call.capacity;
    case "lora-up":
      // By itself, or the factors of four panels' lanes where it is merged into a product.
      return Math.max(256 * 8 * Math.ceil(call.rank / 8) + 2_048, PANEL_CHUNK_BYTES + 128 * call.rank);
    case "embed":
    case "cross-entropy":
      return 4 * call.width;
    default:
      return 0;
  }
}

function sharedBytesOf(call: KernelCall): number {
  switch (call.kind) {
    case "cross-entropy":
      return 4 * call.rows * (crossEntropyChunk(call.rows, call.vocabulary) + 16) + 16 * call.rows;
    case "dot":
    case "norm":
      return 8 * Math.ceil(call.size / SUM_PIECE);
    default:
      return 0;
  }
}
