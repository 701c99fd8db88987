/** Cases of attention over sequences and over a cache, and what places its rows. */
import { wholeRows } from "../../ops/buffer.ts";
import type { CaseBuilder, Draw } from "./case.contract.ts";

export const attentionCases: Draw[] = [];

for (const { batch, length, heads, keyValueHeads, headWidth, before, after, ragged } of [
  { batch: 1, length: 1, heads: 1, keyValueHeads: 1, headWidth: 1, before: 9, after: 0, ragged: false },
  { batch: 3, length: 13, heads: 2, keyValueHeads: 2, headWidth: 8, before: 13, after: 0, ragged: false },
  { batch: 2, length: 37, heads: 4, keyValueHeads: 2, headWidth: 16, before: 99, after: 0, ragged: false },
  { batch: 1, length: 70, heads: 3, keyValueHeads: 1, headWidth: 32, before: 15, after: 0, ragged: false },
  { batch: 2, length: 21, heads: 2, keyValueHeads: 2, headWidth: 12, before: 99, after: 99, ragged: true },
  { batch: 2, length: 33, heads: 2, keyValueHeads: 1, headWidth: 64, before: 8, after: 8, ragged: true },
]) {
  const [rows, wide, narrow] = [batch * length, heads * headWidth, keyValueHeads * headWidth];
  const stride = wide + 2 * narrow;
  const scale = 1 / Math.sqrt(headWidth);
  const shape = { batch, length, heads, keyValueHeads, headWidth, scale, before, after };
  const name = `${batch}×${length}, heads ${heads}/${keyValueHeads}×${headWidth}, −${before} +${after}`;
  /** One fused buffer, as GPT-2 has it, or three of their own. */
  const qkv = (make: (size: number) => number) => {
    if (heads !== keyValueHeads)
      return [wide, narrow, narrow].map((width) => wholeRows(make(rows * width), width));
    const buffer = make(rows * stride);
    return [0, wide, wide + narrow].map((offset) => ({ buffer, offset, stride }));
  };
  const lengths = (b: CaseBuilder) =>
    ragged ? b.given(Int32Array.from({ length: batch }, (_, i) => length - 5 * i)) : null;
  type Three = [
    q: ReturnType<typeof wholeRows>,
    k: ReturnType<typeof wholeRows>,
    v: ReturnType<typeof wholeRows>,
  ];
  attentionCases.push(
    (b) => {
      const [q, k, v] = qkv((size) => b.reals(size)) as Three;
      return b.case(name, {
        kind: "attention",
        ...{ q, k, v, lengths: lengths(b) },
        out: b.poison(rows * wide),
        logSumExp: b.poison(batch * heads * length),
        ...shape,
      });
    },
    (b) => {
      const [q, k, v] = qkv((size) => b.reals(size)) as Three;
      const [dq, dk, dv] = qkv((size) => b.poison(size)) as Three;
      return b.case(name, {
        kind: "attention-backward",
        ...{ q, k, v, lengths: lengths(b) },
        out: b.reals(rows * wide),
        logSumExp: b.given(
          Float32Array.from({ length: batch * heads * length }, () => 4 + 0.1 * b.random.normal()),
        ),
        dOut: b.reals(rows * wide),
        delta: b.poison(batch * heads * length),
        ...{ dq, dk, dv },
        ...shape,
      });
    },
  );
}

for (const [rows, heads, keyValueHeads, headWidth, before] of [
  [1, 2, 2, 8, 999],
  [1, 4, 1, 32, 999],
  [9, 4, 2, 12, 999],
  [5, 2, 2, 64, 6],
] as const) {
  const capacity = 40;
  const positions = (b: CaseBuilder) => b.given(Int32Array.from({ length: rows }, (_, i) => 21 + i));
  const [wide, narrow] = [heads * headWidth, keyValueHeads * headWidth];
  attentionCases.push(
    (b) =>
      b.case(`${rows} rows of ${narrow}`, {
        kind: "cache-append",
        x: { buffer: b.reals(rows * (wide + narrow)), offset: wide, stride: wide + narrow },
        positions: positions(b),
        cache: b.reals(capacity * narrow),
        rows,
        width: narrow,
        capacity,
      }),
    (b) =>
      b.case(`${rows} queries, heads ${heads}/${keyValueHeads}×${headWidth}, −${before}`, {
        kind: "cached-attention",
        q: { buffer: b.reals(rows * (wide + 2 * narrow)), offset: 0, stride: wide + 2 * narrow },
        keys: b.reals(capacity * narrow),
        values: b.reals(capacity * narrow),
        positions: positions(b),
        out: b.poison(rows * wide),
        ...{ rows, capacity, heads, keyValueHeads, headWidth, before },
        scale: 1 / Math.sqrt(headWidth),
        after: 0,
      }),
    (b) =>
      b.case(`${rows} rows, ${heads} heads of ${headWidth}`, {
        kind: "rotary",
        x: { buffer: b.reals(rows * (wide + 5)), offset: 5, stride: wide + 5 },
        positions: positions(b),
        frequencies: b.vector(headWidth / 4),
        direction: before === 999 ? 1 : -1,
        ...{ rows, heads, headWidth },
        pairs: headWidth / 4,
      }),
  );
}
