import { type Access, type BufferId, type Rows, read, rowsEnd, update, write } from "./buffer.ts";

/** Sizes that every attention has; query head h reads key/value head ⌊h · keyValueHeads / heads⌋. */
export interface AttentionShape {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  /** On q·k, as a rule 1/√headWidth. */
  readonly scale: number;
  /**
   * Query i sees key j when i − before ≤ j ≤ i + after. Causal: before ≥ T, after 0; bidirectional: both ≥ T;
   * a causal sliding window of w tokens: before w − 1, after 0.
   */
  readonly before: number;
  readonly after: number;
}

/**
 * out = softmax(scale·q·kᵀ)·v per sequence and head, in one kernel with an online softmax: no [T, T] in memory.
 * Source: FlashAttention (Dao et al., arXiv 2205.14135), grouped heads: GQA (Ainslie et al., arXiv 2305.13245).
 */
export interface Attention extends AttentionShape {
  readonly kind: "attention";
  readonly q: Rows; // N rows of heads · headWidth
  readonly k: Rows; // N rows of keyValueHeads · headWidth
  readonly v: Rows; // N rows of keyValueHeads · headWidth
  /** i32 [batch]: real tokens of each sequence; keys beyond are not seen. null: all are real, or causality hides them. */
  readonly lengths: BufferId | null;
  readonly out: BufferId; // [N, heads · headWidth]
  /** [batch, heads, length]: log Σ exp of each query's scaled scores, kept for the backward pass. */
  readonly logSumExp: BufferId;
  readonly batch: number;
  readonly length: number;
}

/**
 * With p = exp(s − logSumExp), δ = Σ dOut·out, ds = scale·p·(dOut·vᵀ − δ): dq = ds·k, dk = dsᵀ·q, dv = pᵀ·dOut,
 * the latter two summed over the heads of a group. Sets all three; they may be slices of one buffer, as q, k, v may.
 */
export interface AttentionBackward extends AttentionShape {
  readonly kind: "attention-backward";
  readonly q: Rows;
  readonly k: Rows;
  readonly v: Rows;
  readonly lengths: BufferId | null;
  readonly out: BufferId; // [N, heads · headWidth]
  readonly logSumExp: BufferId; // [batch, heads, length]
  readonly dOut: BufferId; // [N, heads · headWidth]
  /** [batch, heads, length]: scratch for δ, so that an engine may compute it in a pass of its own. */
  readonly delta: BufferId;
  readonly dq: Rows;
  readonly dk: Rows;
  readonly dv: Rows;
  readonly batch: number;
  readonly length: number;
}

/** Copies the rows of keys or values of `rows` new tokens to their places in a cache: cache[positions[i]] = x[i]. */
export interface CacheAppend {
  readonly kind: "cache-append";
  readonly x: Rows; // `rows` rows of `width`
  readonly positions: BufferId; // i32 [rows], in [0, capacity)
  readonly cache: BufferId; // [capacity, width], updated in place
  readonly rows: number;
  readonly width: number;
  readonly capacity: number;
}

/** Attention of `rows` new tokens of one sequence over cached keys and values; the query at position p is i = p above. */
export interface CachedAttention extends AttentionShape {
  readonly kind: "cached-attention";
  readonly q: Rows; // `rows` rows of heads · headWidth
  readonly keys: BufferId; // [capacity, keyValueHeads · headWidth]
  readonly values: BufferId; // [capacity, keyValueHeads · headWidth]
  readonly positions: BufferId; // i32 [rows], in [0, capacity)
  readonly out: BufferId; // [rows, heads · headWidth]
  readonly rows: number;
  readonly capacity: number;
}

export function attentionAccesses(call: Attention): readonly Access[] {
  const { batch, length, heads, headWidth } = call;
  return [
    ...readQkv(call),
    write(call.out, batch * length * heads * headWidth),
    write(call.logSumExp, batch * heads * length),
  ];
}

export function attentionBackwardAccesses(call: AttentionBackward): readonly Access[] {
  const { batch, length, heads, keyValueHeads, headWidth } = call;
  const rows = batch * length;
  return [
    ...readQkv(call),
    read(call.out, rows * heads * headWidth),
    read(call.logSumExp, batch * heads * length),
    read(call.dOut, rows * heads * headWidth),
    write(call.delta, batch * heads * length),
    write(call.dq.buffer, rowsEnd(call.dq, rows, heads * headWidth)),
    write(call.dk.buffer, rowsEnd(call.dk, rows, keyValueHeads * headWidth)),
    write(call.dv.buffer, rowsEnd(call.dv, rows, keyValueHeads * headWidth)),
  ];
}

export const cacheAppendAccesses = (call: CacheAppend): readonly Access[] => [
  read(call.x.buffer, rowsEnd(call.x, call.rows, call.width)),
  read(call.positions, call.rows),
  update(call.cache, call.capacity * call.width),
];

export function cachedAttentionAccesses(call: CachedAttention): readonly Access[] {
  const { rows, capacity, heads, keyValueHeads, headWidth } = call;
  return [
    read(call.q.buffer, rowsEnd(call.q, rows, heads * headWidth)),
    read(call.keys, capacity * keyValueHeads * headWidth),
    read(call.values, capacity * keyValueHeads * headWidth),
    read(call.positions, rows),
    write(call.out, rows * heads * headWidth),
  ];
}

function readQkv(call: Attention | AttentionBackward): readonly Access[] {
  const { q, k, v, lengths, batch, length, heads, keyValueHeads, headWidth } = call;
  const rows = batch * length;
  return [
    read(q.buffer, rowsEnd(q, rows, heads * headWidth)),
    read(k.buffer, rowsEnd(k, rows, keyValueHeads * headWidth)),
    read(v.buffer, rowsEnd(v, rows, keyValueHeads * headWidth)),
    ...(lengths === null ? [] : [read(lengths, batch)]),
  ];
}
