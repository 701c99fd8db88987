/**
 * What kernel calls are made of. Buffers are numbered places in a plan's memory; frozen weights are named and live
 * on the engine for longer than any plan. Letters used throughout: B sequences of T tokens, N = B·T rows, d width.
 */

/** Index into `Plan.buffers`. */
export type BufferId = number;

/** Name of a frozen weight on the engine (`Engine.upload`). */
export type WeightName = string;

/** Element types; both take four bytes. */
export type ElementType = "f32" | "i32";

/** Rows inside a wider buffer: row i begins at element `offset + i · stride`. Query, key and value lie side by side so. */
export interface Rows {
  readonly buffer: BufferId;
  readonly offset: number;
  readonly stride: number;
}

/** A piece of a flat vector, from element `offset` on: one factor in the vector of trained values, one list of indices. */
export interface Span {
  readonly buffer: BufferId;
  readonly offset: number;
}

/**
 * How a call touches a buffer. `write` sets every one of the call's elements whatever was there before (a NaN must not
 * survive); `update` reads and writes in place. The planner's lifetimes and the poisoned kernel tests live by it.
 */
export interface Access {
  readonly buffer: BufferId;
  readonly mode: "read" | "write" | "update";
  /** Elements the buffer must have at least. */
  readonly elements: number;
}

export const read = (buffer: BufferId, elements: number): Access => ({ buffer, mode: "read", elements });
export const write = (buffer: BufferId, elements: number): Access => ({ buffer, mode: "write", elements });
export const update = (buffer: BufferId, elements: number): Access => ({ buffer, mode: "update", elements });

/** Elements up to the end of `count` rows of `width`. */
export function rowsEnd({ offset, stride }: Rows, count: number, width: number): number {
  return offset + (count - 1) * stride + width;
}

/** A whole [rows, width] buffer as rows. */
export const wholeRows = (buffer: BufferId, width: number): Rows => ({ buffer, offset: 0, stride: width });
