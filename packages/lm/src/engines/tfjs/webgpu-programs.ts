/**
 * Our WGSL, as programs for tfjs's WebGPU backend. None uses workgroup memory or barriers: an invocation computes its
 * outputs alone, from registers. On an adapter that runs on the CPU that is 7 to 36 times faster than tfjs's own
 * kernels; on a GPU it may or may not be, hence the probe (webgpu-probe.ts).
 *
 * Sizes are uniforms and never part of the source, so a new sequence length or dropout rate compiles nothing.
 * Every program writes one flat output; `index` counts invocations.
 */
import type { WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu";

/** 1 reads and writes f32, 4 reads and writes vec4<f32>. */
export type Components = 1 | 4;

export interface OwnProgram {
  readonly program: WebGPUProgram;
  /** Values of the i32 uniforms, in the program's order; the invocation count comes first. */
  readonly uniforms: readonly number[];
}

interface ProgramText {
  /** Identifies the source; everything that changes the text is in it. */
  readonly key: string;
  readonly inputs: Readonly<Record<string, Components>>;
  readonly outputComponents: Components;
  readonly uniforms: Readonly<Record<string, number>>;
  readonly outputSize: number;
  readonly invocations: number;
  readonly workgroup: number;
  /** Body of main; sees `index`, the inputs by name, `uniforms` and `result`. */
  readonly body: () => string;
}

export function ownProgram(text: ProgramText): OwnProgram {
  const uniforms = { invocations: text.invocations, ...text.uniforms };
  return {
    uniforms: Object.values(uniforms),
    program: {
      variableNames: Object.keys(text.inputs),
      variableComponents: Object.values(text.inputs),
      outputComponent: text.outputComponents,
      outputShape: [text.outputSize],
      uniforms: Object.keys(uniforms)
        .map((name) => `${name} : i32,`)
        .join(" "),
      workgroupSize: [text.workgroup, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(text.invocations / text.workgroup), 1, 1],
      shaderKey: `fedlodrop_${text.key}`,
      getUserCode: () =>
        `fn main(index : i32) { if (index >= uniforms.invocations) { return; } ${text.body()} }`,
    },
  };
}

export interface MatMulSizes {
  readonly batch: number;
  readonly rows: number; // M
  readonly columns: number; // N
  readonly inner: number; // K
  readonly transposeA: boolean; // A is [K, M]
  readonly transposeB: boolean; // B is [N, K]
  /** One matrix for the whole batch. */
  readonly sharedA: boolean;
  readonly sharedB: boolean;
}

/** C = A·B. Tiles were tuned on SwiftShader: larger ones spill, smaller ones read B too often. */
export function matMulProgram(sizes: MatMulSizes): OwnProgram {
  const { rows, columns, inner, transposeA, transposeB } = sizes;
  const vectorised = columns % 4 === 0 && !(transposeA && transposeB) && (!transposeB || inner % 4 === 0);
  return vectorised ? tiledMatMul(sizes, tileOf(sizes)) : scalarMatMul(sizes);

  function tileOf({ batch }: MatMulSizes): Tile {
    const outputs = batch * rows * columns;
    if (outputs < 1024 || rows < 4) return { rows: 1, vectors: 1 };
    if (outputs < 8192 || rows < 8) return { rows: 4, vectors: 1 };
    return { rows: 8, vectors: transposeB ? 1 : 2 };
  }
}

/** What one invocation computes: `rows` × (4·`vectors`) outputs. */
interface Tile {
  readonly rows: number;
  readonly vectors: number;
}

function tiledMatMul(sizes: MatMulSizes, tile: Tile): OwnProgram {
  const { batch, rows, columns, inner, transposeA, transposeB } = sizes;
  const vectorA = transposeA ? rows % 4 === 0 && tile.rows % 4 === 0 : inner % 4 === 0;
  const columnTiles = Math.ceil(columns / (4 * tile.vectors));
  const rowTiles = Math.ceil(rows / tile.rows);
  return ownProgram({
    key: `matmul_${tile.rows}x${tile.vectors}_${flags(transposeA, transposeB, vectorA, sizes.sharedA, sizes.sharedB)}`,
    inputs: { A: vectorA ? 4 : 1, B: 4 },
    outputComponents: 4,
    uniforms: { rows, columns, inner, rowTiles, columnTiles },
    outputSize: batch * rows * columns,
    invocations: batch * rowTiles * columnTiles,
    workgroup: 8,
    body: () => `
      let M = uniforms.rows; let N = uniforms.columns; let K = uniforms.inner; let vectors = N / 4;
      let column = (index % uniforms.columnTiles) * ${tile.vectors};
      let tileRow = index / uniforms.columnTiles;
      let row = (tileRow % uniforms.rowTiles) * ${tile.rows};
      let matrix = tileRow / uniforms.rowTiles;
      let a = ${sizes.sharedA ? "0" : "matrix * M * K"};
      let b = ${sizes.sharedB ? "0" : "matrix * K * N"};
      ${each(tile.rows, (i) => `let r${i} = min(row + ${i}, M - 1);`)}
      ${each(tile.vectors, (j) => `let v${j} = min(column + ${j}, vectors - 1);`)}
      ${eachCell(tile, (i, j) => `var c${i}_${j} = vec4<f32>(0.0);`)}
      ${transposeB ? dotLoop(tile) : transposeA ? outerLoop(tile, vectorA) : rowLoop(tile, vectorA)}
      ${eachCell(
        tile,
        (i, j) => `if (row + ${i} < M && column + ${j} < vectors) {
          result[(matrix * M + row + ${i}) * vectors + column + ${j}] = c${i}_${j}; }`,
      )}`,
  });
}

/** A [M, K], B [K, N]: four k at a time where A's rows are whole vectors. */
function rowLoop(tile: Tile, vectorA: boolean): string {
  if (!vectorA)
    return `for (var k = 0; k < K; k++) {
      ${each(tile.rows, (i) => `let a${i} = A[a + r${i} * K + k];`)} ${accumulate(tile, "k", (i) => `a${i}`)} }`;
  return `for (var k = 0; k < K; k += 4) {
    ${each(tile.rows, (i) => `let a${i} = A[(a + r${i} * K + k) / 4];`)}
    ${each(4, (q) => `{ ${accumulate(tile, `k + ${q}`, (i) => `a${i}.${"xyzw"[q]}`)} }`)} }`;
}

/** A [K, M], B [K, N]. */
function outerLoop(tile: Tile, vectorA: boolean): string {
  const read = vectorA
    ? each(tile.rows / 4, (i) => `let a${i} = A[(a + k * M + min(row + ${4 * i}, M - 4)) / 4];`)
    : each(tile.rows, (i) => `let a${i} = A[a + k * M + r${i}];`);
  const element = (i: number): string => (vectorA ? `a${i >> 2}.${"xyzw"[i % 4]}` : `a${i}`);
  return `for (var k = 0; k < K; k++) { ${read} ${accumulate(tile, "k", element)} }`;
}

/** Adds the products of row k of B with one element of A per tile row. */
function accumulate(tile: Tile, k: string, element: (i: number) => string): string {
  return `${each(tile.vectors, (j) => `let b${j} = B[(b + (${k}) * N) / 4 + v${j}];`)}
    ${eachCell(tile, (i, j) => `c${i}_${j} = fma(vec4<f32>(${element(i)}), b${j}, c${i}_${j});`)}`;
}

/** A [M, K], B [N, K]: dot products along k. */
function dotLoop(tile: Tile): string {
  return `for (var k = 0; k < K; k += 4) {
    ${each(tile.rows, (i) => `let a${i} = A[(a + r${i} * K + k) / 4];`)}
    ${each(tile.vectors, (j) => each(4, (q) => `let b${j}_${q} = B[(b + (4 * v${j} + ${q}) * K + k) / 4];`))}
    ${eachCell(
      tile,
      (i, j) => `c${i}_${j} += vec4<f32>(${[0, 1, 2, 3].map((q) => `dot(a${i}, b${j}_${q})`).join(", ")});`,
    )} }`;
}

/** Any shape, one output an invocation: narrow results such as class scores. */
function scalarMatMul({
  batch,
  rows,
  columns,
  inner,
  transposeA,
  transposeB,
  sharedA,
  sharedB,
}: MatMulSizes): OwnProgram {
  const outputs = batch * rows * columns;
  return ownProgram({
    key: `matmul_scalar_${flags(transposeA, transposeB, sharedA, sharedB)}`,
    inputs: { A: 1, B: 1 },
    outputComponents: 1,
    uniforms: { rows, columns, inner },
    outputSize: outputs,
    invocations: outputs,
    workgroup: 8,
    body: () => `
      let M = uniforms.rows; let N = uniforms.columns; let K = uniforms.inner;
      let column = index % N; let row = (index / N) % M; let matrix = index / (M * N);
      let a = ${sharedA ? "0" : "matrix * M * K"};
      let b = ${sharedB ? "0" : "matrix * K * N"};
      var sum = 0.0;
      for (var k = 0; k < K; k++) {
        sum = fma(A[a + ${transposeA ? "k * M + row" : "row * K + k"}], B[b + ${transposeB ? "column * K + k" : "k * N + column"}], sum);
      }
      result[index] = sum;`,
  });
}

/** Softmax of each row of [rows, columns], one invocation a row. */
export function softmaxProgram(rows: number, columns: number): OwnProgram {
  const components = columns % 4 === 0 ? 4 : 1;
  return ownProgram({
    key: `softmax_${components}`,
    inputs: { A: components },
    outputComponents: components,
    uniforms: { width: columns / components },
    outputSize: rows * columns,
    invocations: rows,
    workgroup: 16,
    body: () => `
      let n = uniforms.width; let start = index * n;
      var largest = A[start];
      for (var i = 1; i < n; i++) { largest = max(largest, A[start + i]); }
      let top = ${horizontal("max", "largest", components)};
      var total = ${zero(components)};
      for (var i = 0; i < n; i++) { let e = exp(A[start + i] - top); result[start + i] = e; total += e; }
      let scale = 1.0 / ${horizontal("+", "total", components)};
      for (var i = 0; i < n; i++) { result[start + i] *= scale; }`,
  });
}

export type Reduction = "sum" | "mean" | "max";

/** Reduces each row of [rows, columns] to one value, one invocation a row. */
export function reduceRowsProgram(kind: Reduction, rows: number, columns: number): OwnProgram {
  const components = columns % 4 === 0 ? 4 : 1;
  const op = kind === "max" ? "max" : "+";
  return ownProgram({
    key: `reduce_${kind}_${components}`,
    inputs: { A: components },
    outputComponents: 1,
    uniforms: { width: columns / components, columns },
    outputSize: rows,
    invocations: rows,
    workgroup: 16,
    body: () => `
      let n = uniforms.width; let start = index * n;
      var total = A[start];
      for (var i = 1; i < n; i++) { total = ${kind === "max" ? "max(total, A[start + i])" : "total + A[start + i]"}; }
      result[index] = ${horizontal(op, "total", components)}${kind === "mean" ? " / f32(uniforms.columns)" : ""};`,
  });
}

/** Sums `size` values into `parts` partial sums; invocation p takes the values p, p + parts, … */
export function partialSumsProgram(size: number, parts: number): OwnProgram {
  return ownProgram({
    key: "partial_sums",
    inputs: { A: 1 },
    outputComponents: 1,
    uniforms: { size },
    outputSize: parts,
    invocations: parts,
    workgroup: 16,
    body: () => `
      var total = 0.0;
      for (var i = index; i < uniforms.size; i += uniforms.invocations) { total += A[i]; }
      result[index] = total;`,
  });
}

export const zero = (components: Components): string => (components === 4 ? "vec4<f32>(0.0)" : "0.0");

/** Folds the components of a value into one. */
export function horizontal(op: "max" | "+", value: string, components: Components): string {
  if (components === 1) return value;
  return op === "+"
    ? `(${value}.x + ${value}.y + ${value}.z + ${value}.w)`
    : `max(max(${value}.x, ${value}.y), max(${value}.z, ${value}.w))`;
}

const flags = (...values: readonly boolean[]): string => values.map(Number).join("");

function each(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join(" ");
}

function eachCell(tile: Tile, text: (i: number, j: number) => string): string {
  return each(tile.rows, (i) => each(tile.vectors, (j) => text(i, j)));
}
