import { type Access, type BufferId, read, type WeightName, write } from "./buffer.ts";

/** out = x·W (+ bias) (+ residual) with a frozen W [inFeatures, outFeatures] of any base type. */
export interface Linear {
  readonly kind: "linear";
  readonly x: BufferId; // [rows, inFeatures]
  readonly weight: WeightName;
  readonly bias: WeightName | null; // [outFeatures]
  readonly residual: BufferId | null; // [rows, outFeatures]
  readonly out: BufferId; // [rows, outFeatures]
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** dx = dy·Wᵀ (+ add). No gradient for the frozen weight. */
export interface LinearBackward {
  readonly kind: "linear-backward";
  readonly dy: BufferId; // [rows, outFeatures]
  readonly weight: WeightName;
  readonly add: BufferId | null; // [rows, inFeatures]
  readonly dx: BufferId; // [rows, inFeatures]
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export const linearAccesses = (call: Linear): readonly Access[] => [
  read(call.x, call.rows * call.inFeatures),
  ...(call.residual === null ? [] : [read(call.residual, call.rows * call.outFeatures)]),
  write(call.out, call.rows * call.outFeatures),
];

export const linearBackwardAccesses = (call: LinearBackward): readonly Access[] => [
  read(call.dy, call.rows * call.outFeatures),
  ...(call.add === null ? [] : [read(call.add, call.rows * call.inFeatures)]),
  write(call.dx, call.rows * call.inFeatures),
];
