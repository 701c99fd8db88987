import { type Access, type BufferId, read, type Span, update, write } from "./buffer.ts";

/**
 * AdamW over one flat vector, in place, all four alike in layout:
 *
 *   mean = β₁·mean + (1 − β₁)·g      variance = β₂·variance + (1 − β₂)·g²
 *   value = settings[2]·value − settings[0]·mean / (√(settings[1]·variance) + ε)
 *
 * Source: Loshchilov & Hutter, arXiv 1711.05101, algorithm 2, as PyTorch has it.
 */
export interface AdamW {
  readonly kind: "adamw";
  readonly values: BufferId; // [size]
  readonly gradient: BufferId; // [size]
  readonly mean: BufferId; // [size]
  readonly variance: BufferId; // [size]
  /** [4], written by the host before step t: η/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), 1 − η·decay, unused. */
  readonly settings: BufferId;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly size: number;
}

/** out[0] = Σ a[i]·b[i], in an order that does not depend on timing: the weighted mean of row losses. */
export interface Dot {
  readonly kind: "dot";
  readonly a: BufferId; // [size]
  readonly b: BufferId; // [size]
  readonly out: Span; // [1]
  readonly size: number;
}

/** out[0] = √Σ x[i]², in an order that does not depend on timing: the gradient's norm. */
export interface Norm {
  readonly kind: "norm";
  readonly x: BufferId; // [size]
  readonly out: Span; // [1]
  readonly size: number;
}

export const adamWAccesses = (call: AdamW): readonly Access[] => [
  update(call.values, call.size),
  read(call.gradient, call.size),
  update(call.mean, call.size),
  update(call.variance, call.size),
  read(call.settings, 4),
];

export const dotAccesses = ({ a, b, out, size }: Dot): readonly Access[] => [
  read(a, size),
  read(b, size),
  write(out.buffer, out.offset + 1),
];

export const normAccesses = ({ x, out, size }: Norm): readonly Access[] => [
  read(x, size),
  write(out.buffer, out.offset + 1),
];
