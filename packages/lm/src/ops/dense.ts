import { type Access, type BufferId, read, type Span, write } from "./buffer.ts";

/** A trained matrix beside the adapter (the classifier's head P [outFeatures, inFeatures]): out = x·Pᵀ (+ bias). Small. */
export interface Dense {
  readonly kind: "dense";
  readonly x: BufferId; // [rows, inFeatures]
  readonly matrix: Span; // [outFeatures, inFeatures]
  readonly bias: Span | null; // [outFeatures]
  readonly out: BufferId; // [rows, outFeatures]
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** dx = dy·P, gradient = dyᵀ·x and biasGradient = Σ dy over rows: all set, not added to. */
export interface DenseBackward {
  readonly kind: "dense-backward";
  readonly x: BufferId; // [rows, inFeatures]
  readonly matrix: Span; // [outFeatures, inFeatures]
  readonly dy: BufferId; // [rows, outFeatures]
  readonly dx: BufferId; // [rows, inFeatures]
  readonly gradient: Span; // [outFeatures, inFeatures]
  readonly biasGradient: Span | null; // [outFeatures]
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** out[i] = x[indices[i]]: the rows that a head reads. */
export interface GatherRows {
  readonly kind: "gather-rows";
  readonly x: BufferId; // [sourceRows, width]
  readonly indices: BufferId; // i32 [rows], in [0, sourceRows)
  readonly out: BufferId; // [rows, width]
  readonly rows: number;
  readonly sourceRows: number;
  readonly width: number;
}

/** Its backward: dx is zero but for dx[indices[i]] = dy[i]; the indices differ from each other. */
export interface ScatterRows {
  readonly kind: "scatter-rows";
  readonly dy: BufferId; // [rows, width]
  readonly indices: BufferId; // i32 [rows], in [0, sourceRows)
  readonly dx: BufferId; // [sourceRows, width]
  readonly rows: number;
  readonly sourceRows: number;
  readonly width: number;
}

export const denseAccesses = (call: Dense): readonly Access[] => [
  read(call.x, call.rows * call.inFeatures),
  read(call.matrix.buffer, call.matrix.offset + call.outFeatures * call.inFeatures),
  ...(call.bias === null ? [] : [read(call.bias.buffer, call.bias.offset + call.outFeatures)]),
  write(call.out, call.rows * call.outFeatures),
];

export const denseBackwardAccesses = (call: DenseBackward): readonly Access[] => [
  read(call.x, call.rows * call.inFeatures),
  read(call.matrix.buffer, call.matrix.offset + call.outFeatures * call.inFeatures),
  read(call.dy, call.rows * call.outFeatures),
  write(call.dx, call.rows * call.inFeatures),
  write(call.gradient.buffer, call.gradient.offset + call.outFeatures * call.inFeatures),
  ...(call.biasGradient === null
    ? []
    : [write(call.biasGradient.buffer, call.biasGradient.offset + call.outFeatures)]),
];

export const gatherRowsAccesses = (call: GatherRows): readonly Access[] => [
  read(call.x, call.sourceRows * call.width),
  read(call.indices, call.rows),
  write(call.out, call.rows * call.width),
];

export const scatterRowsAccesses = (call: ScatterRows): readonly Access[] => [
  read(call.dy, call.rows * call.width),
  read(call.indices, call.rows),
  write(call.dx, call.sourceRows * call.width),
];
