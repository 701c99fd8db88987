/**
 * Products with a frozen matrix: x·W, which reduces over a weight's inputs, and dy·Wᵀ, which reduces over its outputs. Each
 * invocation owns four neighbouring columns of the result in some rows; a step along the reduction reads a block of 4 × 4
 * weights as four vectors t0 … t3 over those columns, whatever form the weight is stored in. What follows a product in a
 * plan (bias, residual, the low-rank part of LoRA, an activation) is added before the only store.
 */

import type { ActivationFunction } from "../../../ops/activation.ts";
import type { BufferId, Span, WeightName } from "../../../ops/buffer.ts";
import { type Operand, type Program, ProgramText, repeat } from "../program.ts";
import { type MatrixText, matrixText, type WeightForm } from "../weights.ts";
import { activationText } from "./activation.ts";
import { type VectorRows, vectorRows } from "./vector-rows.ts";

export type MatrixForm = Extract<WeightForm, { kind: "matrix" }>;

/** y[n, indices[j]] += u[n]·factor[j]. */
interface LowRank {
  readonly u: BufferId; // [rows, rank]
  readonly indices: Span; // [kept], ascending
  readonly factor: Span; // [kept, rank]
  readonly kept: number;
  readonly rank: number;
}

export interface Product {
  /** What is summed over: `inputs` for x·W, `outputs` for dy·Wᵀ. */
  readonly over: "inputs" | "outputs";
  readonly x: BufferId | Operand; // [rows, inner]
  readonly weight: WeightName;
  readonly form: MatrixForm;
  /** The product sees outputs `firstOutput … firstOutput + outputs − 1` of the matrix; firstOutput is a multiple of 4. */
  readonly firstOutput: number;
  readonly outputs: number;
  readonly rows: number;
  readonly out: BufferId | Operand; // [rows, columns]
  readonly bias: WeightName | null;
  readonly add: BufferId | null; // [rows, columns]
  readonly lowRank: LowRank | null;
  /** Also writes f(out) there. */
  readonly activation: { readonly function: ActivationFunction; readonly out: BufferId } | null;
  /** Adds to out, whose rows are first multiplied by these factors. */
  readonly rescale: Operand | null; // [rows]
}

/** How a product is spread over invocations; which one is fastest is measured on the adapter. */
export type ProductVariant =
  /** Registers alone, no barrier. `quads`: each of four invocations reads a row of x, which they swap (needs subgroups). */
  | {
      readonly kind: "registers";
      readonly quads: boolean;
      readonly rows: 8 | 32;
      readonly workgroup: number;
    }
  /** Tiles of x and W in workgroup memory, `across` × `down` invocations of 4 columns × 4 rows each. */
  | { readonly kind: "tiles"; readonly across: number; readonly down: number };

export function productProgram(
  product: Product,
  variant: ProductVariant,

  nativeHalf: boolean,
): Program {
  switch (variant.kind) {
    case "registers":
      return registerProduct(product, variant, nativeHalf);
    case "tiles":
      return tiledProduct(product, variant, nativeHalf);
    default:
      return variant satisfies never;
  }
}

/** Bindings, sizes and text that both variants share. */
function openProduct(product: Product, label: string, nativeHalf: boolean) {
  const { over, form, outputs, rows } = product;
  const text = new ProgramText(label);
  const columns = over === "inputs" ? outputs : form.inFeatures;
  const inner = over === "inputs" ? form.inFeatures : outputs;
  const sizes = {
    rows: text.integer("rows", rows),
    columns: text.integer("columns", columns),
    inner: text.integer("inner", inner),
    first: text.integer("first", product.firstOutput),
  };
  return {
    text,
    columns,
    sizes,
    x: vectorRows(text, { buffer: product.x, width: inner }, "x", "read", sizes.inner),
    out: vectorRows(text, { buffer: product.out, width: columns }, "out", "write", sizes.columns),
    matrix: matrixText(text, product.weight, form, nativeHalf),
  };
}

type OpenProduct = ReturnType<typeof openProduct>;

/** What a block needs of a column that does not change along the reduction. */
function columnText(over: Product["over"], matrix: MatrixText, first: string): string {
  if (over === "outputs") return "let vector = column >> 2u;";
  return repeat(4, (j) => `let start${j} = (${first} + column + ${j}u) * ${matrix.vectors};`);
}

/** Declares t0 … t3 (vec4 over columns `column … column + 3`) for reduction steps `k … k + 3`. */
function blockText(over: Product["over"], matrix: MatrixText, first: string): string {
  if (over === "outputs")
    return `let place0 = (${first} + k) * ${matrix.vectors} + vector;
      ${repeat(3, (q) => `let place${q + 1} = place${q} + ${matrix.vectors};`)}
      ${repeat(4, (q) => {
        const scale = matrix.scale ? ` * ${matrix.scale(`${first} + k + ${q}u`, "vector")}` : "";
        return `let t${q} = ${matrix.codes(`place${q}`)}${scale};`;
      })}`;
  // One scale an output waits until the sum is there.
  const scaled = (output: string): string =>
    matrix.scale && !matrix.scaleOfOutput ? ` * ${matrix.scale(output, "step")}` : "";
  return `let step = k >> 2u;
  ${repeat(4, (j) => `let w${j} = ${matrix.codes(`start${j} + step`)}${scaled(`${first} + column + ${j}u`)};`)}
  ${repeat(4, (q) => `let t${q} = vec4<f32>(${[0, 1, 2, 3].map((j) => `w${j}[${q}]`).join(", ")});`)}`;
}

/** Multiplies sums by the scales of their outputs, where those were left out of the blocks. */
function scaleSums(over: Product["over"], matrix: MatrixText, first: string, rows: number): string {
  if (over === "outputs" || !matrix.scale || !matrix.scaleOfOutput) return "";
  const { scale } = matrix;
  return `let scales = vec4<f32>(${[0, 1, 2, 3].map((j) => scale(`${first} + column + ${j}u`, "0u")).join(", ")});
    ${repeat(rows, (i) => `c${i} *= scales;`)}`;
}

/**
 * Adds the low-rank part to sums c0 …: finds each of the four columns among the kept ones, then runs over the rank.
 * @param addRows runs `k` over so many steps, whose blocks are declared by the given text
 */
function lowRankText(
  text: ProgramText,
  { u, indices, factor, kept, rank }: LowRank,
  addRows: (rows: VectorRows, steps: string, block: string) => string,
): string {
  const index = text.read(indices.buffer, "i32");
  const firstIndex = text.integer("firstIndex", indices.offset);
  const keptCount = text.integer("kept", kept);
  const width = text.integer("rank", rank);
  const factors = vectorRows(text, { ...factor, width: rank }, "factor", "read", width);
  text.declare(`fn firstKept(column : u32) -> u32 {
    var low = 0u; var high = ${keptCount};
    while (low < high) {
      let middle = (low + high) / 2u;
      if (u32(${index}[${firstIndex} + middle]) < column) { low = middle + 1u; } else { high = middle; }
    }
    return low;
  }`);
  return `var next = firstKept(column);
    ${repeat(
      4,
      (j) => `var slot${j} = ${keptCount};
      if (next < ${keptCount} && u32(${index}[${firstIndex} + next]) == column + ${j}u) { slot${j} = next; next++; }
      let factor${j} = ${factors.start(`min(slot${j}, ${keptCount} - 1u)`)};`,
    )}
    ${addRows(
      vectorRows(text, { buffer: u, width: rank }, "u", "read", width),
      width,
      `${repeat(4, (j) => `let f${j} = select(vec4<f32>(0.0), ${factors.read(`factor${j}`, "k")}, slot${j} < ${keptCount});`)}
      ${repeat(4, (q) => `let t${q} = select(vec4<f32>(0.0), vec4<f32>(${[0, 1, 2, 3].map((j) => `f${j}[${q}]`).join(", ")}), k + ${q}u < ${width});`)}`,
    )}`;
}

/**
 * What is bound in place of a residual that is not there: an adapted product's text is then the same with and without one. Text is
 * compiled once each, and a GPU emulated by the CPU takes a third of a second for it.
 */
const NO_RESIDUAL: Operand = { kind: "scratch", number: 0, bytes: 16 };

/** Stores the sums c0 … with everything that is added to them. @param rowOf the row of sum `i` */
function storeText(
  product: Product,
  { text, out, sizes, columns }: OpenProduct,
  rows: number,
  rowOf = "row0 + i",
): string {
  const { bias, activation, rescale, lowRank } = product;
  // With an activation's result there may be no binding left.
  const add = product.add ?? (lowRank !== null && bias !== null && activation === null ? NO_RESIDUAL : null);
  const biasText = bias === null ? "" : ` + ${text.weight(bias, "values", "vec4<f32>")}[column >> 2u]`;
  const width = { width: columns };
  const residual =
    add === null ? null : vectorRows(text, { buffer: add, ...width }, "add", "read", sizes.columns);
  const hasResidual = residual === null ? null : text.integer("hasResidual", product.add === null ? 0 : 1);
  const rescaled = rescale === null ? null : text.read(rescale);
  const activated =
    activation === null
      ? null
      : vectorRows(text, { buffer: activation.out, ...width }, "activated", "write", sizes.columns);
  if (activation) text.declare(activationText(activation.function));
  // A loop over the rows: unrolled, what is done to a sum would be most of the text, and take longest to compile.
  return `var sums = array<vec4<f32>, ${rows}>(${Array.from({ length: rows }, (_, i) => `c${i}`).join(", ")});
    for (var i = 0u; i < ${rows}u; i++) {
      let row = ${rowOf};
      if (row >= ${sizes.rows}) { continue; }
      let start = ${out.start("row")};
      var value = sums[i]${biasText};
      ${residual === null ? "" : `if (${hasResidual} != 0u) { value += ${residual.read("start", "column")}; }`}
      ${rescaled === null ? "" : `let kept = ${rescaled}[row]; if (kept != 0.0) { value += kept * ${out.read("start", "column")}; }`}
      ${out.write("start", "column", "value")}
      ${activated === null ? "" : `for (var j = 0u; j < 4u; j++) { value[j] = activation(value[j]); } ${activated.write("start", "column", "value")}`}
    }`;
}

/** Rows of the result an invocation owns: many amortise the reads of W, and few rows need no more. */
function ownedRows(rows: number, most: number): number {
  if (rows <= 4) return rows === 1 ? 1 : 4;
  return rows > 16 ? most : Math.min(most, 16);
}

/** Sum 4i + s of a quad's invocation is of row 4i + (lane ^ s). */
const QUAD_ROW = "row0 + (i & ~3u) + (lane ^ (i & 3u))";
const QUAD_SWAPS = ["", "quadSwapX", "quadSwapY", "quadSwapDiagonal"];

function registerProduct(
  product: Product,
  { quads, rows: mostRows, workgroup }: Extract<ProductVariant, { kind: "registers" }>,

  nativeHalf: boolean,
): Program {
  const open = openProduct(product, `product over ${product.over}`, nativeHalf);
  const { text, x, sizes, matrix, columns } = open;
  const rows = ownedRows(product.rows, mostRows);
  const shares = quads && rows >= 4;
  if (shares) text.enable("subgroups");
  const own = shares ? rows / 4 : rows;
  const multiply = (i: number, values: string): string =>
    `{ let a = ${values}; ${repeat(4, (q) => `c${i} += a[${q}] * t${q};`)} }`;
  const addRows = (from: VectorRows, steps: string, block: string): string => `{
    ${repeat(own, (i) => `let from${i} = ${from.start(`own${i}`)};`)}
    for (var k = 0u; k < ${steps}; k += 4u) {
      ${block}
      ${repeat(own, (i) => {
        const values = from.read(`from${i}`, "k");
        if (!shares) return multiply(i, values);
        return `{ let mine = ${values}; ${repeat(4, (s) => multiply(4 * i + s, `${QUAD_SWAPS[s]}(mine)`))} }`;
      })}
    }
  }`;
  const lowRank = product.lowRank ? lowRankText(text, product.lowRank, addRows) : "";
  const body = `
    let lane = local % 4u;
    let wanted = (group.x * ${workgroup}u + local) * 4u;
    let column = min(wanted, (${sizes.columns} - 1u) & ~3u);
    let row0 = group.y * ${rows}u;
    ${repeat(own, (i) => `let own${i} = min(row0 + ${shares ? `${4 * i}u + lane` : `${i}u`}, ${sizes.rows} - 1u);`)}
    ${repeat(rows, (i) => `var c${i} = vec4<f32>(0.0);`)}
    ${columnText(product.over, matrix, sizes.first)}
    ${addRows(x, sizes.inner, blockText(product.over, matrix, sizes.first))}
    ${scaleSums(product.over, matrix, sizes.first, rows)}
    ${lowRank}
    if (wanted == column) { ${storeText(product, open, rows, shares ? QUAD_ROW : "row0 + i")} }`;
  return text.grid(
    [Math.ceil(columns / (4 * workgroup)), Math.ceil(product.rows / rows), 1],
    workgroup,
    body,
  );
}

/** Reduction steps whose tiles are in workgroup memory at a time. */
const TILE_STEPS = 16;
const TILE_ROWS = 4;

function tiledProduct(
  product: Product,
  { across, down }: Extract<ProductVariant, { kind: "tiles" }>,

  nativeHalf: boolean,
): Program {
  const open = openProduct(product, `tiled product over ${product.over}`, nativeHalf);
  const { text, x, sizes, matrix, columns } = open;
  const threads = across * down;
  const rows = TILE_ROWS * down;
  const tileVectors = TILE_STEPS / 4;
  text.declare(`var<workgroup> tileX : array<vec4<f32>, ${rows * tileVectors}>;
    var<workgroup> tileW : array<vec4<f32>, ${TILE_STEPS * across}>;`);
  const addRows = (from: VectorRows, steps: string, block: string): string => `
    for (var k = 0u; k < ${steps}; k += 4u) {
      ${block}
      ${repeat(TILE_ROWS, (i) => {
        const start = from.start(`min(row0 + ${i}u, ${sizes.rows} - 1u)`);
        return `{ let a = ${from.read(start, "k")}; ${repeat(4, (q) => `c${i} += a[${q}] * t${q};`)} }`;
      })}
    }`;
  const lowRank = product.lowRank ? lowRankText(text, product.lowRank, addRows) : "";
  const body = `
    let firstRow = group.y * ${rows}u; let firstColumn = group.x * ${4 * across}u;
    let lastColumn = (${sizes.columns} - 1u) / 4u * 4u;
    let acrossAt = local % ${across}u; let downAt = local / ${across}u;
    let row0 = firstRow + downAt * ${TILE_ROWS}u;
    ${repeat(TILE_ROWS, (i) => `var c${i} = vec4<f32>(0.0);`)}
    for (var start = 0u; start < ${sizes.inner}; start += ${TILE_STEPS}u) {
      for (var i = local; i < ${rows * tileVectors}u; i += ${threads}u) {
        let row = firstRow + i / ${tileVectors}u; let k = start + (i % ${tileVectors}u) * 4u;
        var value = vec4<f32>(0.0);
        if (row < ${sizes.rows} && k < ${sizes.inner}) { value = ${x.read(x.start("row"), "k")}; }
        tileX[i] = value;
      }
      for (var i = local; i < ${tileVectors * across}u; i += ${threads}u) {
        let k = start + (i / ${across}u) * 4u;
        let column = min(firstColumn + (i % ${across}u) * 4u, lastColumn);
        if (k < ${sizes.inner}) {
          ${columnText(product.over, matrix, sizes.first)}
          ${blockText(product.over, matrix, sizes.first)}
          ${repeat(4, (q) => `tileW[(i / ${across}u * 4u + ${q}u) * ${across}u + i % ${across}u] = t${q};`)}
        } else {
          ${repeat(4, (q) => `tileW[(i / ${across}u * 4u + ${q}u) * ${across}u + i % ${across}u] = vec4<f32>(0.0);`)}
        }
      }
      workgroupBarrier();
      ${repeat(
        tileVectors,
        (s) => `{
        ${repeat(TILE_ROWS, (i) => `let a${i} = tileX[(downAt * ${TILE_ROWS}u + ${i}u) * ${tileVectors}u + ${s}u];`)}
        ${repeat(4, (q) => `{ let t = tileW[${4 * s + q}u * ${across}u + acrossAt]; ${repeat(TILE_ROWS, (i) => `c${i} += a${i}[${q}] * t;`)} }`)}
      }`,
      )}
      workgroupBarrier();
    }
    let wanted = firstColumn + acrossAt * 4u;
    let column = min(wanted, lastColumn);
    ${scaleSums(product.over, matrix, sizes.first, TILE_ROWS)}
    ${lowRank}
    if (wanted == column) { ${storeText(product, open, TILE_ROWS)} }`;
  return text.grid([Math.ceil(columns / (4 * across)), Math.ceil(product.rows / rows), 1], threads, body);
}
