/** Cases of cross-entropy, and heads of the adapter's own. */
import type { CaseBuilder, Draw } from "./case.contract.ts";

export const headCases: Draw[] = [];

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
    headCases.push((b) =>
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
  headCases.push(
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
