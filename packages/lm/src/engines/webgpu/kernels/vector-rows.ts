/**
 * Rows of an array, four neighbouring values at a time, and in vectors where rows are made of whole ones: a GPU emulated by
 * the CPU takes as long for an access's bounds as for its values.
 */
import type { BufferId } from "../../../ops/buffer.ts";
import { type Operand, type ProgramText, repeat } from "../program.ts";

/** [count, width] from element `offset` of a buffer on. */
export interface VectorArray {
  readonly buffer: BufferId | Operand;
  readonly offset?: number;
  readonly width: number;
}

export interface VectorRows {
  /** Where a row starts: said apart, to be computed once. */
  start(row: string): string;
  /** Places `at … at + 3` of a row, `at` a multiple of 4; what is past the row's end is some other value of the array. */
  read(start: string, at: string): string;
  /** Stores a vector's places, but those past the row's end. */
  write(start: string, at: string, vector: string): string;
}

/** Binds rows. @param name what the array's sizes are called, of which `size`, if given, is the width's */
export function vectorRows(
  text: ProgramText,
  { buffer, offset, width }: VectorArray,
  name: string,
  access: "read" | "write",
  size = text.integer(`${name}Width`, width),
): VectorRows {
  const isWhole = width % 4 === 0 && (offset ?? 0) % 4 === 0;
  const array = text[access](buffer, isWhole ? "vec4<f32>" : "f32");
  const first = offset === undefined ? "" : `${text.integer(`${name}Offset`, offset)} + `;
  if (isWhole)
    return {
      start: (row) => `((${first}(${row}) * ${size}) >> 2u)`,
      read: (start, at) => `${array}[${start} + ((${at}) >> 2u)]`,
      write: (start, at, vector) => `${array}[${start} + ((${at}) >> 2u)] = ${vector};`,
    };
  const place = (at: string, q: number): string => `min(${at} + ${q}u, ${size} - 1u)`;
  return {
    start: (row) => `(${first}(${row}) * ${size})`,
    read: (start, at) =>
      `vec4<f32>(${[0, 1, 2, 3].map((q) => `${array}[${start} + ${place(at, q)}]`).join(", ")})`,
    write: (start, at, vector) =>
      repeat(
        4,
        (q) => `if (${at} + ${q}u < ${size}) { ${array}[${start} + ${at} + ${q}u] = (${vector})[${q}]; }`,
      ),
  };
}
