import { type Access, type BufferId, read, write } from "./buffer.ts";

/**
 * `gelu-tanh`: ½x(1 + tanh(√(2/π)(x + 0.044715x³))), GPT-2's; `gelu`: x·Φ(x), exact (Hendrycks & Gimpel, arXiv
 * 1606.08415); `silu`: x·σ(x); `relu`: max(0, x), with slope 0 at 0; `square`: x², what a regression loses.
 */
export type ActivationFunction = "gelu-tanh" | "gelu" | "silu" | "tanh" | "relu" | "square";

/** out = f(x). */
export interface Activation {
  readonly kind: "activation";
  readonly function: ActivationFunction;
  readonly x: BufferId; // [size]
  readonly out: BufferId; // [size]
  readonly size: number;
}

/** dx = dy · f′(x). */
export interface ActivationBackward {
  readonly kind: "activation-backward";
  readonly function: ActivationFunction;
  readonly x: BufferId; // [size]
  readonly dy: BufferId; // [size]
  readonly dx: BufferId; // [size]
  readonly size: number;
}

/** out = f(gate) · up: SwiGLU with silu, GeGLU with a gelu. Source: Shazeer, arXiv 2002.05202. */
export interface Gated {
  readonly kind: "gated";
  readonly function: ActivationFunction;
  readonly gate: BufferId; // [size]
  readonly up: BufferId; // [size]
  readonly out: BufferId; // [size]
  readonly size: number;
}

/** dGate = dy · up · f′(gate), dUp = dy · f(gate). */
export interface GatedBackward {
  readonly kind: "gated-backward";
  readonly function: ActivationFunction;
  readonly gate: BufferId; // [size]
  readonly up: BufferId; // [size]
  readonly dy: BufferId; // [size]
  readonly dGate: BufferId; // [size]
  readonly dUp: BufferId; // [size]
  readonly size: number;
}

/** out = a + b. */
export interface Add {
  readonly kind: "add";
  readonly a: BufferId; // [size]
  readonly b: BufferId; // [size]
  readonly out: BufferId; // [size]
  readonly size: number;
}

export const activationAccesses = ({ x, out, size }: Activation): readonly Access[] => [
  read(x, size),
  write(out, size),
];

export const activationBackwardAccesses = ({ x, dy, dx, size }: ActivationBackward): readonly Access[] => [
  read(x, size),
  read(dy, size),
  write(dx, size),
];

export const gatedAccesses = ({ gate, up, out, size }: Gated): readonly Access[] => [
  read(gate, size),
  read(up, size),
  write(out, size),
];

export const gatedBackwardAccesses = ({
  gate,
  up,
  dy,
  dGate,
  dUp,
  size,
}: GatedBackward): readonly Access[] => [
  read(gate, size),
  read(up, size),
  read(dy, size),
  write(dGate, size),
  write(dUp, size),
];

export const addAccesses = ({ a, b, out, size }: Add): readonly Access[] => [
  read(a, size),
  read(b, size),
  write(out, size),
];
