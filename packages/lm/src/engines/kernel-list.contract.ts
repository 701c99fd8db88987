/** Cases of every kernel kind: awkward sizes on purpose, and every option at least once. */
import type { ActivationFunction } from "../ops/activation.ts";
import { wholeRows } from "../ops/buffer.ts";
import { BASE_TYPES } from "../plan/weight.ts";
import { CaseBuilder, type KernelCase } from "./kernel-cases.contract.ts";

type Draw = (builder: CaseBuilder) => KernelCase;
const cases: Draw[] = [];

for (const [rows, width] of [
  [1, 1],
  [7, 24],
  [13, 33],
  [64, 128],
] as const)
  for (const option of ["without", "with"] as const) {
    const size = rows * width;
    cases.push(
      (b) =>
        b.case(`${rows}×${width} ${option} positions, int8 table`, {
          kind: "embed",
          ids: b.integers(rows, 11),
          positions: b.integers(rows, 9),
          table: b.matrix(width, 11, option === "with" ? "f32" : "int8"),
          positionTable: option === "with" ? b.matrix(width, 9) : null,
          scale: option === "with" ? 1 : Math.sqrt(width),
          out: b.poison(size),
          rows,
          width,
        }),
      (b) =>
        b.case(`${rows}×${width} ${option} bias`, {
          kind: "layer-norm",
          x: b.reals(size, 3),
          gain: b.vector(width),
          bias: option === "with" ? b.vector(width) : null,
          epsilon: 1e-5,
          out: b.poison(size),
          stats: b.poison(2 * rows),
          rows,
          width,
        }),
      (b) =>
        b.case(`${rows}×${width} ${option} add`, {
          kind: "layer-norm-backward",
          x: b.reals(size, 2),
          stats: b.given(
            Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 ? 0.5 : 0.1) + 0.01 * (i % 5)),
          ),
          gain: b.vector(width),
          dy: b.reals(size),
          add: option === "with" ? b.reals(size) : null,
          dx: b.poison(size),
          rows,
          width,
        }),
      (b) =>
        b.case(`${rows}×${width}, gain offset ${option === "with" ? 1 : 0}`, {
          kind: "rms-norm",
          x: b.reals(size, 3),
          gain: b.vector(width),
          gainOffset: option === "with" ? 1 : 0,
          epsilon: 1e-6,
          out: b.poison(size),
          stats: b.poison(rows),
          rows,
          width,
        }),
      (b) =>
        b.case(`${rows}×${width} ${option} add`, {
          kind: "rms-norm-backward",
          x: b.reals(size, 2),
          stats: b.given(Float32Array.from({ length: rows }, (_, i) => 0.4 + 0.01 * i)),
          gain: b.vector(width),
          gainOffset: option === "with" ? 1 : 0,
          dy: b.reals(size),
          add: option === "with" ? b.reals(size) : null,
          dx: b.poison(size),
          rows,
          width,
        }),
    );
  }

for (const base of BASE_TYPES)
  for (const [rows, inFeatures, outFeatures] of [
    [1, 1, 1],
    [1, 64, 200],
    [5, 24, 30],
    [13, 33, 17],
    [37, 128, 131],
    [64, 96, 384],
  ] as const) {
    const extra = outFeatures % 2 === 0;
    const order = outFeatures % 3 === 0 ? ("in-out" as const) : undefined;
    cases.push(
      (b) =>
        b.case(`${rows}×${inFeatures}→${outFeatures} ${base}`, {
          kind: "linear",
          x: b.reals(rows * inFeatures),
          weight: b.matrix(inFeatures, outFeatures, base, order),
          bias: extra ? b.vector(outFeatures) : null,
          residual: extra ? b.reals(rows * outFeatures) : null,
          out: b.poison(rows * outFeatures),
          rows,
          inFeatures,
          outFeatures,
        }),
      (b) =>
        b.case(`${rows}×${inFeatures}→${outFeatures} ${base}`, {
          kind: "linear-backward",
          dy: b.reals(rows * outFeatures),
          weight: b.matrix(inFeatures, outFeatures, base, order),
          add: extra ? b.reals(rows * inFeatures) : null,
          dx: b.poison(rows * inFeatures),
          rows,
          inFeatures,
          outFeatures,
        }),
    );
  }

for (const [rows, features, kept, rank] of [
  [1, 1, 1, 1],
  [7, 24, 1, 4],
  [13, 33, 17, 5],
  [64, 128, 64, 8],
  [40, 48, 48, 16],
  [50, 96, 10, 3],
] as const) {
  const at = 3;
  const indices = (b: CaseBuilder) => ({
    buffer: b.given(Int32Array.of(...[-9, -9, -9], ...b.subset(kept, features))),
    offset: at,
  });
  const sizes = { rows, features, kept, rank } as const;
  const name = `${rows}×${features}, ${kept} kept, rank ${rank}`;
  cases.push(
    (b) =>
      b.case(name, {
        kind: "lora-down",
        x: b.reals(rows * features),
        indices: indices(b),
        factor: { buffer: b.reals(kept * rank + 8), offset: 8 },
        scale: 2.5,
        out: b.poison(rows * rank),
        ...sizes,
      }),
    (b) =>
      b.case(name, {
        kind: "lora-up",
        u: b.reals(rows * rank),
        indices: indices(b),
        factor: { buffer: b.reals(kept * rank + 8), offset: 8 },
        y: b.reals(rows * features),
        ...sizes,
      }),
    (b) =>
      b.case(name, {
        kind: "lora-gradient",
        x: b.reals(rows * features),
        indices: indices(b),
        u: b.reals(rows * rank),
        gradient: { buffer: b.poison(kept * rank + 7), offset: 5 },
        ...sizes,
      }),
  );
}

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
  cases.push(
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
  cases.push(
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

for (const size of [1, 130, 4099])
  for (const f of ["gelu-tanh", "gelu", "silu", "tanh", "relu", "square"] satisfies ActivationFunction[]) {
    // Far tails too: nothing may overflow there.
    const x = (b: CaseBuilder) => b.reals(size, size > 1000 ? 20 : 2);
    cases.push(
      (b) => b.case(`${f}, ${size}`, { kind: "activation", function: f, x: x(b), out: b.poison(size), size }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "activation-backward",
          function: f,
          x: x(b),
          dy: b.reals(size),
          dx: b.poison(size),
          size,
        }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "gated",
          function: f,
          gate: x(b),
          up: b.reals(size),
          out: b.poison(size),
          size,
        }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "gated-backward",
          function: f,
          gate: x(b),
          up: b.reals(size),
          dy: b.reals(size),
          dGate: b.poison(size),
          dUp: b.poison(size),
          size,
        }),
    );
  }

for (const [rows, width, vocabulary, base] of [
  [1, 1, 1, "f32"],
  [1, 16, 7, "f32"],
  [9, 24, 41, "f32"],
  [70, 33, 515, "f32"],
  [17, 64, 1027, "int8"],
  [6, 32, 130, "int4"],
  [6, 32, 130, "f16"],
] as const)
  for (const gradient of [true, false])
    cases.push((b) =>
      b.case(`${rows}×${width}, vocabulary ${vocabulary} ${base}, gradient ${gradient}`, {
        kind: "cross-entropy",
        hidden: b.reals(rows * width, 4),
        head: b.matrix(width, vocabulary, base),
        targets: b.given(
          Int32Array.from({ length: rows }, (_, n) => (n % 4 === 2 ? -1 : b.random.below(vocabulary))),
        ),
        weights: b.reals(rows),
        loss: b.poison(rows),
        dHidden: gradient ? b.poison(rows * width) : null,
        ...{ rows, width, vocabulary },
      }),
    );

for (const [rows, inFeatures, outFeatures] of [
  [1, 4, 2],
  [5, 33, 3],
  [8, 128, 14],
] as const) {
  const matrix = (b: CaseBuilder) => ({ buffer: b.reals(3 + inFeatures * outFeatures), offset: 3 });
  const sourceRows = 3 * rows + 2;
  const sizes = { rows, inFeatures, outFeatures } as const;
  const name = `${rows}×${inFeatures}→${outFeatures}`;
  const indices = (b: CaseBuilder) => b.given(b.subset(rows, sourceRows));
  cases.push(
    (b) =>
      b.case(name, {
        kind: "dense",
        x: b.reals(rows * inFeatures),
        matrix: matrix(b),
        bias: null,
        out: b.poison(rows * outFeatures),
        ...sizes,
      }),
    (b) =>
      b.case(`${name} with bias`, {
        kind: "dense",
        x: b.reals(rows * inFeatures),
        matrix: matrix(b),
        bias: { buffer: b.reals(1 + outFeatures), offset: 1 },
        out: b.poison(rows * outFeatures),
        ...sizes,
      }),
    (b) =>
      b.case(name, {
        kind: "dense-backward",
        x: b.reals(rows * inFeatures),
        matrix: matrix(b),
        dy: b.reals(rows * outFeatures),
        dx: b.poison(rows * inFeatures),
        gradient: { buffer: b.poison(3 + inFeatures * outFeatures), offset: 3 },
        biasGradient: null,
        ...sizes,
      }),
    (b) =>
      b.case(`${name} with bias`, {
        kind: "dense-backward",
        x: b.reals(rows * inFeatures),
        matrix: matrix(b),
        dy: b.reals(rows * outFeatures),
        dx: b.poison(rows * inFeatures),
        gradient: { buffer: b.poison(3 + inFeatures * outFeatures), offset: 3 },
        biasGradient: { buffer: b.poison(1 + outFeatures), offset: 1 },
        ...sizes,
      }),
    (b) =>
      b.case(`${rows} of ${sourceRows} rows`, {
        kind: "gather-rows",
        x: b.reals(sourceRows * inFeatures),
        indices: indices(b),
        out: b.poison(rows * inFeatures),
        ...{ rows, sourceRows, width: inFeatures },
      }),
    (b) =>
      b.case(`${rows} of ${sourceRows} rows`, {
        kind: "scatter-rows",
        dy: b.reals(rows * inFeatures),
        indices: indices(b),
        dx: b.poison(sourceRows * inFeatures),
        ...{ rows, sourceRows, width: inFeatures },
      }),
    (b) =>
      b.case(`${rows}×${outFeatures}`, {
        kind: "logit-cross-entropy",
        logits: b.reals(rows * outFeatures, 4),
        targets: b.given(Int32Array.from({ length: rows }, (_, n) => (n === 3 ? -1 : n % outFeatures))),
        weights: b.reals(rows),
        loss: b.poison(rows),
        dLogits: rows === 1 ? null : b.poison(rows * outFeatures),
        rows,
        classes: outFeatures,
      }),
  );
}

for (const size of [1, 67, 5003])
  cases.push(
    (b) =>
      b.case(`${size}`, {
        kind: "adamw",
        values: b.reals(size),
        gradient: b.reals(size, 0.01),
        mean: b.reals(size, 0.01),
        variance: b.given(Float32Array.from({ length: size }, () => 1e-4 * b.random.uniform())),
        settings: b.given(Float32Array.of(1e-2, 3.7, 0.999, 0)),
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        size,
      }),
    (b) => b.case(`${size}`, { kind: "add", a: b.reals(size), b: b.reals(size), out: b.poison(size), size }),
    (b) =>
      b.case(`${size}`, {
        kind: "dot",
        a: b.reals(size),
        // All of one sign, so that the tolerance is not one of cancellation.
        b: b.given(Float32Array.from({ length: size }, () => b.random.uniform())),
        out: { buffer: b.poison(2), offset: 1 },
        size,
      }),
    (b) =>
      b.case(`${size}`, { kind: "norm", x: b.reals(size), out: { buffer: b.poison(2), offset: 0 }, size }),
  );

export const kernelCases: readonly KernelCase[] = cases.map((draw, i) => draw(new CaseBuilder(`${i}`)));
