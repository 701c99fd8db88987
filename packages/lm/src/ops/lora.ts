import { type Access, type BufferId, read, type Span, update, write } from "./buffer.ts";

/**
 * LoRA over the kept columns and rows alone: dropped ones are skipped by index, forward and backward.
 * A factor is [kept, rank] with the rank fastest, both A′ (kept = |S^A|) and B′ (kept = |S^B|). Three products do it:
 *
 *   forward    u = s·x[:, S^A]·A′        lora-down       y[:, S^B] += u·B′ᵀ      lora-up
 *   backward   v = s·dy[:, S^B]·B′       lora-down       dx[:, S^A] += v·A′ᵀ     lora-up
 *              dB′ = dy[:, S^B]ᵀ·u       lora-gradient   dA′ = x[:, S^A]ᵀ·v      lora-gradient
 *
 * with s = (α/rank)·g in both lora-downs. Kept counts and offsets change from round to round (the shapes of all other
 * calls do not): an engine must not compile anything anew for them.
 */

/** out[n] = scale · Σ_j x[n, indices[j]] · factor[j]. */
export interface LoraDown {
  readonly kind: "lora-down";
  readonly x: BufferId; // [rows, features]
  readonly indices: Span; // i32 [kept], ascending, in [0, features)
  readonly factor: Span; // [kept, rank]
  readonly scale: number;
  readonly out: BufferId; // [rows, rank]
  readonly rows: number;
  readonly features: number;
  readonly kept: number;
  readonly rank: number;
}

/** y[n, indices[j]] += u[n] · factor[j]. */
export interface LoraUp {
  readonly kind: "lora-up";
  readonly u: BufferId; // [rows, rank]
  readonly indices: Span; // i32 [kept], ascending, in [0, features)
  readonly factor: Span; // [kept, rank]
  readonly y: BufferId; // [rows, features], updated in place
  readonly rows: number;
  readonly features: number;
  readonly kept: number;
  readonly rank: number;
}

/** gradient[j] = Σ_n x[n, indices[j]] · u[n]: set, not added to. */
export interface LoraGradient {
  readonly kind: "lora-gradient";
  readonly x: BufferId; // [rows, features]
  readonly indices: Span; // i32 [kept], ascending, in [0, features)
  readonly u: BufferId; // [rows, rank]
  readonly gradient: Span; // [kept, rank]
  readonly rows: number;
  readonly features: number;
  readonly kept: number;
  readonly rank: number;
}

export const loraDownAccesses = (call: LoraDown): readonly Access[] => [
  read(call.x, call.rows * call.features),
  read(call.indices.buffer, call.indices.offset + call.kept),
  read(call.factor.buffer, call.factor.offset + call.kept * call.rank),
  write(call.out, call.rows * call.rank),
];

export const loraUpAccesses = (call: LoraUp): readonly Access[] => [
  read(call.u, call.rows * call.rank),
  read(call.indices.buffer, call.indices.offset + call.kept),
  read(call.factor.buffer, call.factor.offset + call.kept * call.rank),
  update(call.y, call.rows * call.features),
];

export const loraGradientAccesses = (call: LoraGradient): readonly Access[] => [
  read(call.x, call.rows * call.features),
  read(call.indices.buffer, call.indices.offset + call.kept),
  read(call.u, call.rows * call.rank),
  write(call.gradient.buffer, call.gradient.offset + call.kept * call.rank),
];
