/**
 * LoRA's thin products over kept columns and rows alone. A result has few values, one a rank, and many terms: in `quads` four
 * invocations share them out and add up what they have by swaps, in `groups` a workgroup does in a fixed order.
 */
import type { LoraDown, LoraGradient, LoraUp } from "../../../ops/lora.ts";
import { type Program, ProgramText, repeat } from "../program.ts";
import { type VectorArray, vectorRows } from "./vector-rows.ts";

export type LoraVariant =
  | { readonly kind: "quads" }
  /** The same without subgroups: each invocation has results for itself. */
  | { readonly kind: "registers" }
  | { readonly kind: "groups" };

/** Ranks a program holds in registers at a time; more are further workgroups. */
const RANKS = 8;
const PARTS = RANKS / 4;
const GROUP = 64;

/** Invocations that share out the terms of a result, and results whose values each of them holds. */
const SHARING = {
  quads: { sharers: 4, results: 8, workgroup: 8 },
  registers: { sharers: 1, results: 4, workgroup: 8 },
  groups: { sharers: GROUP, results: 1, workgroup: GROUP },
} as const satisfies Record<LoraVariant["kind"], object>;

/** out[a] = scale · Σ_b value(a, b) · factor[b]. */
interface ThinProduct {
  readonly results: number;
  readonly terms: number;
  readonly scale: number;
  readonly factor: VectorArray; // [terms, rank]
  readonly out: VectorArray; // [results, rank]
  /** What is known of result `a` alone, and of term `b` alone. */
  readonly ofResult: (a: string) => string;
  readonly ofTerm: (b: string) => string;
  readonly value: (ofResult: string, ofTerm: string) => string;
}

/** out[n] = scale · Σ_j x[n, indices[j]] · factor[j]: a result is a row of x, a term a kept column. */
export function loraDownProgram(call: LoraDown, variant: LoraVariant): Program {
  const text = new ProgramText(`lora down, ${variant.kind}`);
  const [x, index] = [text.read(call.x), text.read(call.indices.buffer, "i32")];
  const features = text.integer("features", call.features);
  const firstIndex = text.integer("firstIndex", call.indices.offset);
  return thinProduct(text, variant, {
    ...{ results: call.rows, terms: call.kept, scale: call.scale },
    factor: { ...call.factor, width: call.rank },
    out: { buffer: call.out, width: call.rank },
    ofResult: (row) => `${row} * ${features}`,
    ofTerm: (entry) => `u32(${index}[${firstIndex} + ${entry}])`,
    value: (start, column) => `${x}[${start} + ${column}]`,
  });
}

/** gradient[j] = Σ_n x[n, indices[j]] · u[n]: a result is a kept column, a term a row of x. */
export function loraGradientProgram(call: LoraGradient, variant: LoraVariant): Program {
  const text = new ProgramText(`lora gradient, ${variant.kind}`);
  const [x, index] = [text.read(call.x), text.read(call.indices.buffer, "i32")];
  const features = text.integer("features", call.features);
  const firstIndex = text.integer("firstIndex", call.indices.offset);
  return thinProduct(text, variant, {
    ...{ results: call.kept, terms: call.rows, scale: 1 },
    factor: { buffer: call.u, width: call.rank },
    out: { ...call.gradient, width: call.rank },
    ofResult: (entry) => `u32(${index}[${firstIndex} + ${entry}])`,
    ofTerm: (row) => `${row} * ${features}`,
    value: (column, start) => `${x}[${start} + ${column}]`,
  });
}

function thinProduct(text: ProgramText, { kind }: LoraVariant, product: ThinProduct): Program {
  const { sharers, results: owned, workgroup } = SHARING[kind];
  if (kind === "quads") text.enable("subgroups");
  const rank = text.integer("rank", product.factor.width);
  const results = text.integer("results", product.results);
  const terms = text.integer("terms", product.terms);
  const scale = text.float("scale", product.scale);
  const factor = vectorRows(text, product.factor, "factor", "read", rank);
  const out = vectorRows(text, product.out, "out", "write", rank);
  const sums = (each: (i: number, p: number) => string): string =>
    repeat(owned, (i) => repeat(PARTS, (p) => each(i, p)));
  const perWorkgroup = (workgroup / sharers) * owned;
  return text.grid(
    [Math.ceil(product.results / perWorkgroup), Math.ceil(product.factor.width / RANKS), 1],
    workgroup,
    `let part = local % ${sharers}u; let firstRank = group.y * ${RANKS}u;
    let first = group.x * ${perWorkgroup}u + local / ${sharers}u * ${owned}u;
    ${repeat(owned, (i) => `let result${i} = ${product.ofResult(`min(first + ${i}u, ${results} - 1u)`)};`)}
    ${sums((i, p) => `var sum${i}_${p} = vec4<f32>(0.0);`)}
    // All take as many turns, the last one perhaps for nothing: who left early might be missing at a swap.
    for (var turn = 0u; turn < ${terms}; turn += ${sharers}u) {
      let b = min(turn + part, ${terms} - 1u); let isTerm = turn + part < ${terms};
      let term = ${product.ofTerm("b")};
      let start = ${factor.start("b")};
      ${repeat(PARTS, (p) => `let factor${p} = select(vec4<f32>(0.0), ${factor.read("start", `firstRank + ${4 * p}u`)}, isTerm);`)}
      ${repeat(owned, (i) => `{ let value = ${product.value(`result${i}`, "term")}; ${repeat(PARTS, (p) => `sum${i}_${p} += value * factor${p};`)} }`)}
    }
    ${addUp(text, kind, sums)}
    ${repeat(
      owned,
      (i) => `if (part == ${i % sharers}u && first + ${i}u < ${results}) {
        let start = ${out.start(`first + ${i}u`)};
        ${repeat(PARTS, (p) => `if (firstRank + ${4 * p}u < ${rank}) { ${out.write("start", `firstRank + ${4 * p}u`, `${scale} * sum${i}_${p}`)} }`)}
      }`,
    )}`,
  );
}

/** Gives those who share a result's terms out the whole sums, the first of a group at least. */
function addUp(
  text: ProgramText,
  kind: LoraVariant["kind"],
  sums: (each: (i: number, p: number) => string) => string,
): string {
  switch (kind) {
    case "quads":
      return sums(
        (i, p) => `sum${i}_${p} += quadSwapX(sum${i}_${p}); sum${i}_${p} += quadSwapY(sum${i}_${p});`,
      );
    case "registers":
      return "";
    case "groups":
      text.declare(`var<workgroup> parts : array<vec4<f32>, ${GROUP * PARTS}>;`);
      return `${sums((_, p) => `parts[${p * GROUP}u + local] = sum0_${p};`)}
        for (var half = ${GROUP / 2}u; half > 0u; half /= 2u) {
          workgroupBarrier();
          if (local < half) { ${repeat(PARTS, (p) => `parts[${p * GROUP}u + local] += parts[${p * GROUP}u + local + half];`)} }
        }
        workgroupBarrier();
        ${sums((_, p) => `sum0_${p} = parts[${p * GROUP}u];`)}`;
    default:
      return kind satisfies never;
  }
}

/** Where no product precedes it; otherwise `productProgram` adds this part before its only store. */
export function loraUpProgram(call: LoraUp): Program {
  const text = new ProgramText("lora up");
  const u = text.read(call.u);
  const y = text.write(call.y);
  const index = text.read(call.indices.buffer, "i32");
  const factor = text.read(call.factor.buffer);
  const kept = text.integer("kept", call.kept);
  const rank = text.integer("rank", call.rank);
  const features = text.integer("features", call.features);
  const firstIndex = text.integer("firstIndex", call.indices.offset);
  const firstFactor = text.integer("firstFactor", call.factor.offset);
  return text.each(
    call.rows * call.kept,
    GROUP,
    `let row = index / ${kept}; let j = index % ${kept};
     var sum = 0.0;
     for (var r = 0u; r < ${rank}; r++) { sum += ${u}[row * ${rank} + r] * ${factor}[${firstFactor} + j * ${rank} + r]; }
     ${y}[row * ${features} + u32(${index}[${firstIndex} + j])] += sum;`,
  );
}
