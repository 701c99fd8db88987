/** Cases of products with frozen matrices, and LoRA's. */
import { BASE_TYPES } from "../../plan/weight.ts";
import type { CaseBuilder, Draw } from "./case.contract.ts";

export const productCases: Draw[] = [];

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
    productCases.push(
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

/** The last number is where the gradient begins: at a whole vector or not. */
for (const [rows, features, kept, rank, begin] of [
  [1, 1, 1, 1, 5],
  [7, 24, 1, 4, 5],
  [13, 33, 17, 5, 5],
  [64, 128, 64, 8, 5],
  [40, 48, 48, 16, 8],
  [50, 96, 10, 3, 4],
] as const) {
  const at = 3;
  const indices = (b: CaseBuilder) => ({
    buffer: b.given(Int32Array.of(...[-9, -9, -9], ...b.subset(kept, features))),
    offset: at,
  });
  const sizes = { rows, features, kept, rank } as const;
  const name = `${rows}×${features}, ${kept} kept, rank ${rank}`;
  productCases.push(
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
        gradient: { buffer: b.poison(begin + kept * rank + 2), offset: begin },
        ...sizes,
      }),
  );
}

/** LoRA beside the frozen product that it belongs to: an engine may add either to the other. */
for (const base of BASE_TYPES)
  for (const [rows, inFeatures, outFeatures, keptColumns, keptRows, rank] of [
    [1, 24, 30, 24, 30, 4],
    [3, 40, 17, 1, 9, 5],
    [23, 33, 19, 17, 1, 3],
    [64, 96, 384, 48, 192, 8],
    [40, 528, 48, 20, 48, 16],
    [40, 48, 528, 48, 20, 1],
  ] as const) {
    const name = `${rows}×${inFeatures}→${outFeatures} ${base}, ${keptColumns} and ${keptRows} kept, rank ${rank}`;
    const sides = (b: CaseBuilder) => {
      const side = (kept: number, features: number) => ({
        indices: { buffer: b.given(b.subset(kept, features)), offset: 0 },
        factor: { buffer: b.reals(kept * rank + 8), offset: 8 },
        ...{ kept, features, rows, rank },
      });
      return { inputs: side(keptColumns, inFeatures), outputs: side(keptRows, outFeatures) };
    };
    const sizes = { rows, inFeatures, outFeatures } as const;
    productCases.push(
      (b) => {
        const [x, u, out] = [b.reals(rows * inFeatures), b.poison(rows * rank), b.poison(rows * outFeatures)];
        const { inputs, outputs } = sides(b);
        const [weight, bias] = [b.matrix(inFeatures, outFeatures, base), b.vector(outFeatures)];
        return b.case(
          name,
          { kind: "lora-down", x, scale: 0.5, out: u, ...inputs },
          { kind: "linear", x, weight, bias, residual: null, out, ...sizes },
          { kind: "lora-up", u, y: out, ...outputs },
        );
      },
      (b) => {
        const [dy, v, dx] = [b.reals(rows * outFeatures), b.poison(rows * rank), b.poison(rows * inFeatures)];
        const { inputs, outputs } = sides(b);
        const [weight, add] = [b.matrix(inFeatures, outFeatures, base), b.reals(rows * inFeatures)];
        return b.case(
          name,
          { kind: "linear-backward", dy, weight, add, dx, ...sizes },
          { kind: "lora-down", x: dy, scale: 0.5, out: v, ...outputs },
          { kind: "lora-up", u: v, y: dx, ...inputs },
        );
      },
    );
  }
