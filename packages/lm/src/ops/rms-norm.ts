import { type Access, type BufferId, read, type WeightName, write } from "./buffer.ts";

/**
 * out = (gainOffset + gain) · x·rstd over each row, rstd = 1/√(mean(x²) + ε).
 * Rows may be heads: a norm over each head's width has rows = tokens · heads. Source: Zhang & Sennrich, arXiv 1910.07467.
 */
export interface RmsNorm {
  readonly kind: "rms-norm";
  readonly x: BufferId; // [rows, width]
  readonly gain: WeightName; // [width]
  /** 0; 1 where the checkpoint stores gain − 1 (Gemma). */
  readonly gainOffset: number;
  readonly epsilon: number;
  readonly out: BufferId; // [rows, width]
  /** [rows]: rstd, kept for the backward pass. */
  readonly stats: BufferId;
  readonly rows: number;
  readonly width: number;
}

/** dx = rstd · (g − x·rstd²·mean(g·x)) (+ add), with g = dy·(gainOffset + gain). */
export interface RmsNormBackward {
  readonly kind: "rms-norm-backward";
  readonly x: BufferId; // [rows, width]
  readonly stats: BufferId; // [rows]
  readonly gain: WeightName; // [width]
  readonly gainOffset: number;
  readonly dy: BufferId; // [rows, width]
  readonly add: BufferId | null; // [rows, width]
  readonly dx: BufferId; // [rows, width]
  readonly rows: number;
  readonly width: number;
}

export const rmsNormAccesses = ({ x, out, stats, rows, width }: RmsNorm): readonly Access[] => [
  read(x, rows * width),
  write(out, rows * width),
  write(stats, rows),
];

export const rmsNormBackwardAccesses = (call: RmsNormBackward): readonly Access[] => [
  read(call.x, call.rows * call.width),
  read(call.stats, call.rows),
  read(call.dy, call.rows * call.width),
  ...(call.add === null ? [] : [read(call.add, call.rows * call.width)]),
  write(call.dx, call.rows * call.width),
];
