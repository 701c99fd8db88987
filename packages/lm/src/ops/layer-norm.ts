import { type Access, type BufferId, read, type WeightName, write } from "./buffer.ts";

/**
 * out = gain · (x − mean)·rstd + bias over each row, rstd = 1/√(variance + ε), variance with divisor width.
 * Source: Layer Normalization (Ba et al., arXiv 1607.06450).
 */
export interface LayerNorm {
  readonly kind: "layer-norm";
  readonly x: BufferId; // [rows, width]
  readonly gain: WeightName; // [width]
  readonly bias: WeightName | null; // [width]
  readonly epsilon: number;
  readonly out: BufferId; // [rows, width]
  /** [rows, 2]: mean and rstd of each row, kept for the backward pass. */
  readonly stats: BufferId;
  readonly rows: number;
  readonly width: number;
}

/**
 * dx = rstd · (g − mean(g) − x̂·mean(g·x̂)) (+ add), with g = dy·gain and x̂ = (x − mean)·rstd.
 * `add` is the gradient that came along the residual path.
 */
export interface LayerNormBackward {
  readonly kind: "layer-norm-backward";
  readonly x: BufferId; // [rows, width]
  readonly stats: BufferId; // [rows, 2]
  readonly gain: WeightName; // [width]
  readonly dy: BufferId; // [rows, width]
  readonly add: BufferId | null; // [rows, width]
  readonly dx: BufferId; // [rows, width]
  readonly rows: number;
  readonly width: number;
}

export const layerNormAccesses = ({ x, out, stats, rows, width }: LayerNorm): readonly Access[] => [
  read(x, rows * width),
  write(out, rows * width),
  write(stats, 2 * rows),
];

export const layerNormBackwardAccesses = (call: LayerNormBackward): readonly Access[] => [
  read(call.x, call.rows * call.width),
  read(call.stats, 2 * call.rows),
  read(call.dy, call.rows * call.width),
  ...(call.add === null ? [] : [read(call.add, call.rows * call.width)]),
  write(call.dx, call.rows * call.width),
];
