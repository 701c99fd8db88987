/**
 * LoRA's thin products over kept columns and rows alone. In `quads` four invocations share what they read, along the
 * kept entries; in `groups` a workgroup shares one row (or one kept entry) and adds up its parts in a fixed order.
 */
import type { LoraDown, LoraGradient, LoraUp } from "../../../ops/lora.ts";
import { type Program, ProgramText, repeat } from "../program.ts";

export type LoraVariant =
  | { readonly kind: "quads" }
  /** The same without subgroups: every invocation reads for itself. */
  | { readonly kind: "registers" }
  | { readonly kind: "groups" };

/** Ranks a program holds in registers at a time; more are further workgroups. */
const RANKS = 8;
const GROUP = 64;
const QUAD_WORKGROUP = 8;
/** Rows of x that one quad owns. */
const DOWN_ROWS = 4;
/** Kept entries that one invocation owns. */
const GRADIENT_ENTRIES = 2;

export function loraDownProgram(call: LoraDown, variant: LoraVariant): Program {
  const text = new ProgramText(`lora down, ${variant.kind}`);
  const x = text.read(call.x);
  const out = text.write(call.out);
  const index = text.read(call.indices.buffer, "i32");
  const factor = text.read(call.factor.buffer);
  const features = text.integer("features", call.features);
  const rank = text.integer("rank", call.rank);
  const rows = text.integer("rows", call.rows);
  const kept = text.integer("kept", call.kept);
  const firstIndex = text.integer("firstIndex", call.indices.offset);
  const firstFactor = text.integer("firstFactor", call.factor.offset);
  const scale = text.float("scale", call.scale);
  const rankParts = Math.ceil(call.rank / RANKS);
  switch (variant.kind) {
    case "quads":
    case "registers": {
      const quads = variant.kind === "quads";
      if (quads) text.enable("subgroups");
      const perWorkgroup = (QUAD_WORKGROUP / 4) * DOWN_ROWS;
      // An invocation owns ranks `lane` and `lane + 4` of the part, in DOWN_ROWS rows.
      const owned = RANKS / 4;
      const value = (row: number, step: number): string =>
        quads
          ? `quadBroadcast(x${row}, ${step}u)`
          : `${x}[base${row} + u32(${index}[${firstIndex} + min(j + ${step}u, ${kept} - 1u)])]`;
      return text.grid(
        [Math.ceil(call.rows / perWorkgroup), rankParts, 1],
        QUAD_WORKGROUP,
        `let lane = local % 4u;
        let row = (group.x * ${QUAD_WORKGROUP / 4}u + local / 4u) * ${DOWN_ROWS}u;
        ${repeat(DOWN_ROWS, (i) => `let base${i} = min(row + ${i}u, ${rows} - 1u) * ${features};`)}
        ${repeat(owned, (e) => `let rank${e} = group.y * ${RANKS}u + ${4 * e}u + lane; let at${e} = min(rank${e}, ${rank} - 1u);`)}
        ${repeat(DOWN_ROWS, (i) => repeat(owned, (e) => `var sum${i}_${e} = 0.0;`))}
        for (var j = 0u; j < ${kept}; j += 4u) {
          ${quads ? `let column = u32(${index}[${firstIndex} + min(j + lane, ${kept} - 1u)]); ${repeat(DOWN_ROWS, (i) => `let x${i} = ${x}[base${i} + column];`)}` : ""}
          ${repeat(
            4,
            (q) => `{
            let inside = j + ${q}u < ${kept};
            let place = ${firstFactor} + min(j + ${q}u, ${kept} - 1u) * ${rank};
            ${repeat(owned, (e) => `let f${e} = select(0.0, ${factor}[place + at${e}], inside);`)}
            ${repeat(DOWN_ROWS, (i) => `{ let value = ${value(i, q)}; ${repeat(owned, (e) => `sum${i}_${e} += value * f${e};`)} }`)}
          }`,
          )}
        }
        ${repeat(DOWN_ROWS, (i) => repeat(owned, (e) => `if (row + ${i}u < ${rows} && rank${e} < ${rank}) { ${out}[(row + ${i}u) * ${rank} + rank${e}] = ${scale} * sum${i}_${e}; }`))}`,
      );
    }
    case "groups":
      text.declare(`var<workgroup> parts : array<f32, ${GROUP * RANKS}>;`);
      return text.grid(
        [call.rows, rankParts, 1],
        GROUP,
        `let row = group.x; let firstRank = group.y * ${RANKS}u;
        var sums : array<f32, ${RANKS}>;
        for (var j = local; j < ${kept}; j += ${GROUP}u) {
          let value = ${x}[row * ${features} + u32(${index}[${firstIndex} + j])];
          let place = ${firstFactor} + j * ${rank};
          ${repeat(RANKS, (r) => `sums[${r}] += value * ${factor}[place + min(firstRank + ${r}u, ${rank} - 1u)];`)}
        }
        ${repeat(RANKS, (r) => `parts[${r * GROUP}u + local] = sums[${r}];`)}
        ${treeSum()}
        if (local < ${RANKS}u && firstRank + local < ${rank}) {
          ${out}[row * ${rank} + firstRank + local] = ${scale} * parts[local * ${GROUP}u];
        }`,
      );
    default:
      return variant satisfies never;
  }
}

/** Adds up the GROUP parts of each of RANKS sums. */
function treeSum(): string {
  return `for (var half = ${GROUP / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { ${repeat(RANKS, (r) => `parts[${r * GROUP}u + local] += parts[${r * GROUP}u + local + half];`)} }
  }
  workgroupBarrier();`;
}

export function loraGradientProgram(call: LoraGradient, variant: LoraVariant): Program {
  const text = new ProgramText(`lora gradient, ${variant.kind}`);
  const x = text.read(call.x);
  const u = text.read(call.u);
  const out = text.write(call.gradient.buffer);
  const index = text.read(call.indices.buffer, "i32");
  const features = text.integer("features", call.features);
  const rank = text.integer("rank", call.rank);
  const rows = text.integer("rows", call.rows);
  const kept = text.integer("kept", call.kept);
  const firstIndex = text.integer("firstIndex", call.indices.offset);
  const first = text.integer("first", call.gradient.offset);
  const rankParts = Math.ceil(call.rank / RANKS);
  switch (variant.kind) {
    case "quads":
    case "registers": {
      const quads = variant.kind === "quads";
      if (quads) text.enable("subgroups");
      const perWorkgroup = QUAD_WORKGROUP * GRADIENT_ENTRIES;
      const factor = (r: number): string =>
        quads
          ? `quadBroadcast(u${r >> 2}, ${r % 4}u)`
          : `${u}[n * ${rank} + min(firstRank + ${r}u, ${rank} - 1u)]`;
      return text.grid(
        [Math.ceil(call.kept / perWorkgroup), rankParts, 1],
        QUAD_WORKGROUP,
        `let lane = local % 4u; let firstRank = group.y * ${RANKS}u;
        let entry = (group.x * ${QUAD_WORKGROUP}u + local) * ${GRADIENT_ENTRIES}u;
        ${repeat(GRADIENT_ENTRIES, (e) => `let column${e} = u32(${index}[${firstIndex} + min(entry + ${e}u, ${kept} - 1u)]);`)}
        ${repeat(GRADIENT_ENTRIES, (e) => repeat(RANKS, (r) => `var sum${e}_${r} = 0.0;`))}
        for (var n = 0u; n < ${rows}; n++) {
          ${quads ? repeat(RANKS / 4, (p) => `let u${p} = ${u}[n * ${rank} + min(firstRank + ${4 * p}u + lane, ${rank} - 1u)];`) : ""}
          ${repeat(GRADIENT_ENTRIES, (e) => `let x${e} = ${x}[n * ${features} + column${e}];`)}
          ${repeat(RANKS, (r) => `{ let f = ${factor(r)}; ${repeat(GRADIENT_ENTRIES, (e) => `sum${e}_${r} += x${e} * f;`)} }`)}
        }
        ${repeat(GRADIENT_ENTRIES, (e) => `if (entry + ${e}u < ${kept}) { ${repeat(RANKS, (r) => `if (firstRank + ${r}u < ${rank}) { ${out}[${first} + (entry + ${e}u) * ${rank} + firstRank + ${r}u] = sum${e}_${r}; }`)} }`)}`,
      );
    }
    case "groups":
      text.declare(`var<workgroup> parts : array<f32, ${GROUP * RANKS}>;`);
      return text.grid(
        [call.kept, rankParts, 1],
        GROUP,
        `let entry = group.x; let firstRank = group.y * ${RANKS}u;
        let column = u32(${index}[${firstIndex} + entry]);
        var sums : array<f32, ${RANKS}>;
        for (var n = local; n < ${rows}; n += ${GROUP}u) {
          let value = ${x}[n * ${features} + column];
          ${repeat(RANKS, (r) => `sums[${r}] += value * ${u}[n * ${rank} + min(firstRank + ${r}u, ${rank} - 1u)];`)}
        }
        ${repeat(RANKS, (r) => `parts[${r * GROUP}u + local] = sums[${r}];`)}
        ${treeSum()}
        if (local < ${RANKS}u && firstRank + local < ${rank}) {
          ${out}[${first} + entry * ${rank} + firstRank + local] = parts[local * ${GROUP}u];
        }`,
      );
    default:
      return variant satisfies never;
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
