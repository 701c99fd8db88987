import { type Access, type BufferId, read, type WeightName, write } from "./buffer.ts";

/**
 * out[n] = scale · table[ids[n]] + positionTable[positions[n]]. No backward: embeddings are frozen.
 * Row v of the table is what output v of the matrix [width → vocabulary] reads, so that one matrix serves as the
 * token table and as a tied head.
 */
export interface Embed {
  readonly kind: "embed";
  readonly ids: BufferId; // i32 [rows]
  readonly positions: BufferId; // i32 [rows]
  /** Matrix [inFeatures = width, outFeatures = vocabulary], of any base type. */
  readonly table: WeightName;
  /** Matrix [inFeatures = width, outFeatures = positions], f32; null where positions enter elsewhere (rotary). */
  readonly positionTable: WeightName | null;
  /** 1, or √d as Gemma has it. */
  readonly scale: number;
  readonly out: BufferId; // [rows, width]
  readonly rows: number;
  readonly width: number;
}

export const embedAccesses = ({ ids, positions, out, rows, width }: Embed): readonly Access[] => [
  read(ids, rows),
  read(positions, rows),
  write(out, rows * width),
];
