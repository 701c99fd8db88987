/** Cases of embedding and the norms. */
import type { Draw } from "./case.contract.ts";

export const rowCases: Draw[] = [];

for (const [rows, width] of [
  [1, 1],
  [7, 24],
  [13, 33],
  [64, 128],
] as const)
  for (const option of ["without", "with"] as const) {
    const size = rows * width;
    rowCases.push(
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
