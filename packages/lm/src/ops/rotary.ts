import { type Access, type BufferId, type Rows, read, rowsEnd, update, type WeightName } from "./buffer.ts";

/**
 * Rotates each head's first 2·pairs channels in place: channels (i, i + pairs) turn by direction · positions[n] ·
 * frequencies[i]. The backward pass is the rotation back. Source: RoFormer (Su et al., arXiv 2104.09864), with the halves
 * paired as Hugging Face's Llama has it.
 */
export interface Rotary {
  readonly kind: "rotary";
  readonly x: Rows; // `rows` rows of heads · headWidth, updated in place
  readonly positions: BufferId; // i32 [rows]
  /** Vector [pairs] in radians per position; scaling of long contexts is already in it. */
  readonly frequencies: WeightName;
  /** 1 forward, −1 backward. */
  readonly direction: 1 | -1;
  readonly rows: number;
  readonly heads: number;
  readonly headWidth: number;
  readonly pairs: number;
}

export const rotaryAccesses = (call: Rotary): readonly Access[] => [
  update(call.x.buffer, rowsEnd(call.x, call.rows, call.heads * call.headWidth)),
  read(call.positions, call.rows),
];
