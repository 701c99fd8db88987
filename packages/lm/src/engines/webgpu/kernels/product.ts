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
  /** Registers alone, no barrier. `quads`: four invocations share what they read of x (needs subgroups). */
  | { readonly kind: "registers"; readonly quads: boolean; readonly rows: 8 | 16; readonly workgroup: number }
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
  return {
    text,
    columns,
    inner,
    x: text.read(product.x),
    out: text.write(product.out),
    matrix: matrixText(text, product.weight, form, nativeHalf),
    sizes: {
      rows: text.integer("rows", rows),
      columns: text.integer("columns", columns),
      inner: text.integer("inner", inner),
      first: text.integer("first", product.firstOutput),
    },
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
 * @param readU declares what `element` names: four neighbouring values of u in row i, from place r on
 */
function lowRankText(
  text: ProgramText,
  { u, indices, factor, kept, rank }: LowRank,
  rows: number,
  readRows: (array: string, at: string, width: string) => string,
  element: (i: number, q: number) => string,
): string {
  const index = text.read(indices.buffer, "i32");
  const values = text.read(factor.buffer);
  const firstIndex = text.integer("firstIndex", indices.offset);
  const firstFactor = text.integer("firstFactor", factor.offset);
  const keptCount = text.integer("kept", kept);
  const width = text.integer("rank", rank);
  text.declare(`fn firstKept(column : u32) -> u32 {
    var low = 0u; var high = ${keptCount};
    while (low < high) {
      let middle = (low + high) / 2u;
      if (u32(${index}[${firstIndex} + middle]) < column) { low = middle + 1u; } else { high = middle; }
    }
    return low;
  }
  fn factorAt(slot : u32, r : u32) -> f32 {
    return select(0.0, ${values}[${firstFactor} + min(slot, ${keptCount} - 1u) * ${width} + min(r, ${width} - 1u)], slot < ${keptCount} && r < ${width});
  }`);
  return `var next = firstKept(column);
    ${repeat(
      4,
      (j) => `var slot${j} = ${keptCount};
      if (next < ${keptCount} && u32(${index}[${firstIndex} + next]) == column + ${j}u) { slot${j} = next; next++; }`,
    )}
    for (var k = 0u; k < ${width}; k += 4u) {
      ${repeat(4, (q) => `let t${q} = vec4<f32>(${[0, 1, 2, 3].map((j) => `factorAt(slot${j}, k + ${q}u)`).join(", ")});`)}
      ${readRows(text.read(u), "k", width)}
      ${repeat(rows, (i) => repeat(4, (q) => `c${i} += ${element(i, q)} * t${q};`))}
    }`;
}

/**
 * What is bound in place of a residual that is not there: an adapted product's text is then the same with and without one. Text is
 * compiled once each, and a GPU emulated by the CPU takes a third of a second for it.
 */
const NO_RESIDUAL: Operand = { kind: "scratch", number: 0, bytes: 16 };

/** Stores the sums c0 … of the rows from `row0` on with everything that is added to them. */
function storeText(product: Product, { text, out, sizes, columns }: OpenProduct, rows: number): string {
  const { bias, activation, rescale, lowRank } = product;
  // With an activation's result there may be no binding left.
  const add = product.add ?? (lowRank !== null && bias !== null && activation === null ? NO_RESIDUAL : null);
  const biasText = bias === null ? "" : ` + ${text.weight(bias, "values", "vec4<f32>")}[column >> 2u]`;
  const addText = add === null ? null : text.read(add);
  const hasResidual = addText === null ? null : text.integer("hasResidual", product.add === null ? 0 : 1);
  const rescaled = rescale === null ? null : text.read(rescale);
  const activated = activation === null ? null : text.write(activation.out);
  if (activation) text.declare(activationText(activation.function));
  // Whole vectors of columns need no test of each.
  const guard = (j: number): string => (columns % 4 === 0 ? "" : `if (column + ${j}u < ${sizes.columns}) `);
  const store = (array: string, value: string): string =>
    repeat(4, (j) => `${guard(j)}{ ${array}[at + ${j}u] = ${value}[${j}]; }`);
  const load = (array: string): string =>
    `vec4<f32>(${[0, 1, 2, 3].map((j) => `${array}[at + ${j}u]`).join(", ")})`;
  // A loop over the rows: unrolled, what is done to a sum would be most of the text, and take longest to compile.
  return `var sums = array<vec4<f32>, ${rows}>(${Array.from({ length: rows }, (_, i) => `c${i}`).join(", ")});
    for (var i = 0u; i < ${rows}u; i++) {
      let row = row0 + i;
      if (row >= ${sizes.rows} || column >= ${sizes.columns}) { break; }
      let at = row * ${sizes.columns} + column;
      var value = sums[i]${biasText};
      ${addText === null ? "" : `if (${hasResidual} != 0u) { value += ${load(addText)}; }`}
      ${rescaled === null ? "" : `let kept = ${rescaled}[row]; if (kept != 0.0) { value += kept * ${load(out)}; }`}
      ${store(out, "value")}
      ${activated === null ? "" : `for (var j = 0u; j < 4u; j++) { value[j] = activation(value[j]); } ${store(activated, "value")}`}
    }`;
}

/** Rows of the result an invocation owns: many amortise the reads of W, and few rows need no more. */
const ownedRows = (rows: number, most: number): number => (rows > 4 ? most : rows > 1 ? 4 : 1);

function registerProduct(
  product: Product,
  { quads, rows: mostRows, workgroup }: Extract<ProductVariant, { kind: "registers" }>,

  nativeHalf: boolean,
): Program {
  const open = openProduct(product, `product over ${product.over}`, nativeHalf);
  const { text, x, sizes, matrix, columns, inner } = open;
  const rows = ownedRows(product.rows, mostRows);
  if (quads) text.enable("subgroups");
  // Four neighbouring values of each row: read once by a quad and passed around, or read by every invocation.
  const readRows = (array: string, at: string, width: string, whole = false): string => {
    const step = (q: string): string => (whole ? `${at} + ${q}` : `min(${at} + ${q}, ${width} - 1u)`);
    const steps = quads
      ? `let mine = ${step("lane")};`
      : repeat(4, (q) => `let step${q} = ${step(`${q}u`)};`);
    return `${steps}
      ${repeat(rows, (i) => {
        const start = whole ? `base${i}` : `clamped${i} * ${width}`;
        if (quads) return `let a${i} = ${array}[${start} + mine];`;
        return `let a${i} = vec4<f32>(${[0, 1, 2, 3].map((q) => `${array}[${start} + step${q}]`).join(", ")});`;
      })}`;
  };
  const element = (i: number, q: number): string => (quads ? `quadBroadcast(a${i}, ${q}u)` : `a${i}[${q}]`);
  const lowRank = product.lowRank ? lowRankText(text, product.lowRank, rows, readRows, element) : "";
  const body = `
    let lane = local % 4u;
    let wanted = (group.x * ${workgroup}u + local) * 4u;
    let column = min(wanted, (${sizes.columns} - 1u) & ~3u);
    ${repeat(rows, (i) => `let row${i} = group.y * ${rows}u + ${i}u; let clamped${i} = min(row${i}, ${sizes.rows} - 1u); let base${i} = clamped${i} * ${sizes.inner}; var c${i} = vec4<f32>(0.0);`)}
    ${columnText(product.over, matrix, sizes.first)}
    for (var k = 0u; k < ${sizes.inner}; k += 4u) {
      ${blockText(product.over, matrix, sizes.first)}
      ${readRows(x, "k", sizes.inner, inner % 4 === 0)}
      ${repeat(rows, (i) => repeat(4, (q) => `c${i} += ${element(i, q)} * t${q};`))}
    }
    ${scaleSums(product.over, matrix, sizes.first, rows)}
    ${lowRank}
    if (wanted == column) { ${storeText(product, open, rows)} }`;
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
  const { text, x, sizes, matrix, columns, inner } = open;
  const threads = across * down;
  const rows = TILE_ROWS * down;
  const steps = TILE_STEPS / 4;
  text.declare(`var<workgroup> tileX : array<vec4<f32>, ${rows * steps}>;
    var<workgroup> tileW : array<vec4<f32>, ${TILE_STEPS * across}>;`);
  const step = (q: number): string =>
    inner % 4 === 0 ? `at + ${q}u` : `at - k + min(k + ${q}u, ${sizes.inner} - 1u)`;
  const readRows = (array: string, at: string, width: string): string =>
    repeat(TILE_ROWS, (i) => {
      const values = [0, 1, 2, 3].map(
        (q) => `${array}[min(row${i}, ${sizes.rows} - 1u) * ${width} + min(${at} + ${q}u, ${width} - 1u)]`,
      );
      return `let a${i} = vec4<f32>(${values.join(", ")});`;
    });
  const lowRank = product.lowRank
    ? lowRankText(text, product.lowRank, TILE_ROWS, readRows, (i, q) => `a${i}[${q}]`)
    : "";
  const body = `
    let firstRow = group.y * ${rows}u; let firstColumn = group.x * ${4 * across}u;
    let lastColumn = (${sizes.columns} - 1u) / 4u * 4u;
    let acrossAt = local % ${across}u; let downAt = local / ${across}u;
    ${repeat(TILE_ROWS, (i) => `let row${i} = firstRow + downAt * ${TILE_ROWS}u + ${i}u; var c${i} = vec4<f32>(0.0);`)}
    for (var start = 0u; start < ${sizes.inner}; start += ${TILE_STEPS}u) {
      for (var i = local; i < ${rows * steps}u; i += ${threads}u) {
        let row = firstRow + i / ${steps}u; let k = start + (i % ${steps}u) * 4u;
        var value = vec4<f32>(0.0);
        if (row < ${sizes.rows} && k < ${sizes.inner}) {
          let at = row * ${sizes.inner} + k;
          value = vec4<f32>(${[0, 1, 2, 3].map((q) => `${x}[${step(q)}]`).join(", ")});
        }
        tileX[i] = value;
      }
      for (var i = local; i < ${steps * across}u; i += ${threads}u) {
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
        steps,
        (s) => `{
        ${repeat(TILE_ROWS, (i) => `let a${i} = tileX[(downAt * ${TILE_ROWS}u + ${i}u) * ${steps}u + ${s}u];`)}
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
