/** Layer norm and RMS norm, forward and backward: one row an invocation, or one row a workgroup. */
import type { LayerNorm, LayerNormBackward } from "../../../ops/layer-norm.ts";
import type { RmsNorm, RmsNormBackward } from "../../../ops/rms-norm.ts";
import { literal, type Program, ProgramText } from "../program.ts";

/** How many invocations work on a row. */
export type RowVariant = { readonly kind: "row-per-invocation" } | { readonly kind: "row-per-workgroup" };

const INVOCATION_WORKGROUP = 8;
const ROW_WORKGROUP = 64;

/** Text of a kernel over rows; the body sees `row`, steps `i` through `for (EACH)`, and adds up with `total(x)`. */
export function rowProgram(
  text: ProgramText,
  variant: RowVariant,
  rows: number,
  width: string,
  body: (each: string, leader: string) => string,
): Program {
  switch (variant.kind) {
    case "row-per-invocation":
      text.declare(`fn total(value : f32, local : u32) -> f32 { return value; }
        fn largest(value : f32, local : u32) -> f32 { return value; }`);
      return text.each(
        rows,
        INVOCATION_WORKGROUP,
        `let row = index; ${body(`var i = 0u; i < ${width}; i++`, "true")}`,
      );
    case "row-per-workgroup": {
      // The first barrier keeps a slow invocation's read of the last result before the next values.
      const fold = (name: string, combine: (a: string, b: string) => string): string =>
        `fn ${name}(value : f32, local : u32) -> f32 {
          workgroupBarrier();
          parts[local] = value;
          for (var half = ${ROW_WORKGROUP / 2}u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if (local < half) { parts[local] = ${combine("parts[local]", "parts[local + half]")}; }
          }
          workgroupBarrier();
          return parts[0];
        }`;
      text.declare(`var<workgroup> parts : array<f32, ${ROW_WORKGROUP}>;
        ${fold("total", (a, b) => `${a} + ${b}`)}
        ${fold("largest", (a, b) => `max(${a}, ${b})`)}`);
      return text.grid(
        [Math.min(rows, 65535), Math.ceil(rows / 65535), 1],
        ROW_WORKGROUP,
        `let row = group.y * groups.x + group.x;
         if (row < ${text.integer("rowCount", rows)}) { ${body(`var i = local; i < ${width}; i += ${ROW_WORKGROUP}u`, "local == 0u")} }`,
      );
    }
    default:
      return variant satisfies never;
  }
}

export function layerNormProgram(call: LayerNorm, variant: RowVariant): Program {
  const text = new ProgramText(`layer norm, ${variant.kind}`);
  const x = text.read(call.x);
  const gain = text.weight(call.gain, "values", "f32");
  const bias = call.bias === null ? null : text.weight(call.bias, "values", "f32");
  const out = text.write(call.out);
  const stats = text.write(call.stats);
  const width = text.integer("width", call.width);
  const epsilon = text.float("epsilon", call.epsilon);
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each, leader) => `
    let start = row * ${width};
    var sum = 0.0;
    for (${each}) { sum += ${x}[start + i]; }
    let mean = total(sum, local) / f32(${width});
    var squares = 0.0;
    for (${each}) { let centred = ${x}[start + i] - mean; squares += centred * centred; }
    let rstd = inverseSqrt(total(squares, local) / f32(${width}) + ${epsilon});
    if (${leader}) { ${stats}[2u * row] = mean; ${stats}[2u * row + 1u] = rstd; }
    for (${each}) {
      ${out}[start + i] = ${gain}[i] * (${x}[start + i] - mean) * rstd${bias === null ? "" : ` + ${bias}[i]`};
    }`,
  );
}

export function layerNormBackwardProgram(call: LayerNormBackward, variant: RowVariant): Program {
  const text = new ProgramText(`layer norm backward, ${variant.kind}`);
  const x = text.read(call.x);
  const stats = text.read(call.stats);
  const gain = text.weight(call.gain, "values", "f32");
  const dy = text.read(call.dy);
  const add = call.add === null ? null : text.read(call.add);
  const dx = text.write(call.dx);
  const width = text.integer("width", call.width);
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each) => `
    let start = row * ${width};
    let mean = ${stats}[2u * row]; let rstd = ${stats}[2u * row + 1u];
    var sum = 0.0; var products = 0.0;
    for (${each}) {
      let g = ${dy}[start + i] * ${gain}[i];
      sum += g; products += g * (${x}[start + i] - mean) * rstd;
    }
    let meanG = total(sum, local) / f32(${width});
    let meanProduct = total(products, local) / f32(${width});
    for (${each}) {
      let hat = (${x}[start + i] - mean) * rstd;
      ${dx}[start + i] = rstd * (${dy}[start + i] * ${gain}[i] - meanG - hat * meanProduct)${add === null ? "" : ` + ${add}[start + i]`};
    }`,
  );
}

export function rmsNormProgram(call: RmsNorm, variant: RowVariant): Program {
  const text = new ProgramText(`rms norm, ${variant.kind}`);
  const x = text.read(call.x);
  const gain = text.weight(call.gain, "values", "f32");
  const out = text.write(call.out);
  const stats = text.write(call.stats);
  const width = text.integer("width", call.width);
  const epsilon = text.float("epsilon", call.epsilon);
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each, leader) => `
    let start = row * ${width};
    var squares = 0.0;
    for (${each}) { let value = ${x}[start + i]; squares += value * value; }
    let rstd = inverseSqrt(total(squares, local) / f32(${width}) + ${epsilon});
    if (${leader}) { ${stats}[row] = rstd; }
    for (${each}) { ${out}[start + i] = (${literal(call.gainOffset)} + ${gain}[i]) * ${x}[start + i] * rstd; }`,
  );
}

export function rmsNormBackwardProgram(call: RmsNormBackward, variant: RowVariant): Program {
  const text = new ProgramText(`rms norm backward, ${variant.kind}`);
  const x = text.read(call.x);
  const stats = text.read(call.stats);
  const gain = text.weight(call.gain, "values", "f32");
  const dy = text.read(call.dy);
  const add = call.add === null ? null : text.read(call.add);
  const dx = text.write(call.dx);
  const width = text.integer("width", call.width);
  const factor = `(${literal(call.gainOffset)} + ${gain}[i])`;
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each) => `
    let start = row * ${width};
    let rstd = ${stats}[row];
    var products = 0.0;
    for (${each}) { products += ${dy}[start + i] * ${factor} * ${x}[start + i]; }
    let mean = total(products, local) / f32(${width});
    for (${each}) {
      ${dx}[start + i] = rstd * (${dy}[start + i] * ${factor} - ${x}[start + i] * rstd * rstd * mean)${add === null ? "" : ` + ${add}[start + i]`};
    }`,
  );
}
