/** Kernels that place, pick or turn rows: embedding, rotary embedding, caches, a head's rows, the small trained matrix. */
import type { CacheAppend } from "../../../ops/attention.ts";
import type { Span } from "../../../ops/buffer.ts";
import type { Dense, DenseBackward, GatherRows, ScatterRows } from "../../../ops/dense.ts";
import type { Embed } from "../../../ops/embed.ts";
import type { Rotary } from "../../../ops/rotary.ts";
import { literal, type Program, ProgramText } from "../program.ts";
import { matrixText } from "../weights.ts";
import type { MatrixForm } from "./product.ts";

const WORKGROUP = 64;

/** @param table and positionTable: the forms of the weights that the call names */
export function embedProgram(
  call: Embed,
  table: MatrixForm,
  positionTable: MatrixForm | null,

  nativeHalf: boolean,
): Program {
  const text = new ProgramText("embed");
  const ids = text.read(call.ids, "i32");
  const out = text.write(call.out);
  const width = text.integer("width", call.width);
  const vectorsOfRow = text.integer("vectorsOfRow", Math.ceil(call.width / 4));
  const scale = text.float("scale", call.scale);
  const matrix = matrixText(text, call.table, table, nativeHalf);
  const scaled = matrix.scale ? ` * ${matrix.scale("id", "vector")}` : "";
  const positions =
    call.positionTable === null || positionTable === null
      ? ""
      : `value += ${positionText(text, call.positionTable, positionTable)}[u32(${text.read(call.positions, "i32")}[row]) * ${text.integer("positionVectors", Math.ceil(call.width / 4))} + vector];`;
  return text.each(
    call.rows * Math.ceil(call.width / 4),
    WORKGROUP,
    `let row = index / ${vectorsOfRow}; let vector = index % ${vectorsOfRow}; let column = 4u * vector;
     let id = u32(${ids}[row]);
     var value = ${scale} * ${matrix.codes(`id * ${matrix.vectors} + vector`)}${scaled};
     ${positions}
     for (var j = 0u; j < 4u; j++) { if (column + j < ${width}) { ${out}[row * ${width} + column + j] = value[j]; } }`,
  );
}

function positionText(text: ProgramText, name: string, { base }: MatrixForm): string {
  if (base !== "f32") throw new Error(`${name}: expected positions in f32, got ${base}`);
  return text.weight(name, "values", "vec4<f32>");
}

/**
 * WGSL promises sin and cos to 2⁻¹¹ only. Here: the angle less its nearest multiple of π/2, that constant in three parts,
 * then the minimax polynomials on [−π/4, π/4] of Cephes (Moshier, sinf.c), good to f32.
 */
const COSINE_AND_SINE = `fn cosineAndSine(angle : f32) -> vec2<f32> {
  let quarter = round(angle * ${literal(2 / Math.PI)});
  let r = ((angle - quarter * 1.5703125) - quarter * 4.837512969970703e-4) - quarter * 7.549789948768648e-8;
  let z = r * r;
  let sine = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 + z * -1.9515295891e-4));
  let cosine = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  switch (i32(quarter) & 3) {
    case 0: { return vec2<f32>(cosine, sine); }
    case 1: { return vec2<f32>(-sine, cosine); }
    case 2: { return vec2<f32>(-cosine, -sine); }
    default: { return vec2<f32>(sine, -cosine); }
  }
}`;

export function rotaryProgram(call: Rotary): Program {
  const text = new ProgramText("rotary");
  text.declare(COSINE_AND_SINE);
  const x = text.write(call.x.buffer);
  const positions = text.read(call.positions, "i32");
  const frequencies = text.weight(call.frequencies, "values", "f32");
  const pairs = text.integer("pairs", call.pairs);
  const heads = text.integer("heads", call.heads);
  const direction = text.float("direction", call.direction);
  const offset = text.integer("offset", call.x.offset);
  const stride = text.integer("stride", call.x.stride);
  const headWidth = text.integer("headWidth", call.headWidth);
  return text.each(
    call.rows * call.heads * call.pairs,
    WORKGROUP,
    `let pair = index % ${pairs}; let head = index / ${pairs} % ${heads}; let row = index / (${pairs} * ${heads});
     let place = ${offset} + row * ${stride} + head * ${headWidth} + pair;
     let angle = ${direction} * f32(${positions}[row]) * ${frequencies}[pair];
     let turn = cosineAndSine(angle);
     let a = ${x}[place]; let b = ${x}[place + ${pairs}];
     ${x}[place] = a * turn.x - b * turn.y;
     ${x}[place + ${pairs}] = b * turn.x + a * turn.y;`,
  );
}

export function cacheAppendProgram(call: CacheAppend): Program {
  const text = new ProgramText("cache append");
  const x = text.read(call.x.buffer);
  const cache = text.write(call.cache);
  const positions = text.read(call.positions, "i32");
  const width = text.integer("width", call.width);
  return text.each(
    call.rows * call.width,
    WORKGROUP,
    `let row = index / ${width}; let column = index % ${width};
     ${cache}[u32(${positions}[row]) * ${width} + column] = ${x}[${text.integer("offset", call.x.offset)} + row * ${text.integer("stride", call.x.stride)} + column];`,
  );
}

export function gatherRowsProgram(call: GatherRows): Program {
  const text = new ProgramText("gather rows");
  const width = text.integer("width", call.width);
  return text.each(
    call.rows * call.width,
    WORKGROUP,
    `${text.write(call.out)}[index] = ${text.read(call.x)}[u32(${text.read(call.indices, "i32")}[index / ${width}]) * ${width} + index % ${width}];`,
  );
}

/** Every place of dx looks for its row among the few that were gathered. */
export function scatterRowsProgram(call: ScatterRows): Program {
  const text = new ProgramText("scatter rows");
  const width = text.integer("width", call.width);
  return text.each(
    call.sourceRows * call.width,
    WORKGROUP,
    `let row = index / ${width};
     var value = 0.0;
     for (var i = 0u; i < ${text.integer("rows", call.rows)}; i++) {
       if (u32(${text.read(call.indices, "i32")}[i]) == row) { value = ${text.read(call.dy)}[i * ${width} + index % ${width}]; }
     }
     ${text.write(call.dx)}[index] = value;`,
  );
}

export function denseProgram(call: Dense): Program {
  const text = new ProgramText("dense");
  const [x, matrix] = [text.read(call.x), text.read(call.matrix.buffer)];
  const outputs = text.integer("outputs", call.outFeatures);
  const inputs = text.integer("inputs", call.inFeatures);
  const first = text.integer("first", call.matrix.offset);
  const bias =
    call.bias === null
      ? "0.0"
      : `${text.read(call.bias.buffer)}[${text.integer("bias", call.bias.offset)} + output]`;
  return text.each(
    call.rows * call.outFeatures,
    WORKGROUP,
    `let row = index / ${outputs}; let output = index % ${outputs};
     var sum = ${bias};
     for (var i = 0u; i < ${inputs}; i++) { sum += ${x}[row * ${inputs} + i] * ${matrix}[${first} + output * ${inputs} + i]; }
     ${text.write(call.out)}[index] = sum;`,
  );
}

/** dx, the gradient, the bias's: a program each, for one invocation owns one sum of either. */
export function denseBackwardPrograms(call: DenseBackward): readonly Program[] {
  const inputProgram = (): Program => {
    const text = new ProgramText("dense backward");
    const [matrix, dy] = [text.read(call.matrix.buffer), text.read(call.dy)];
    const outputs = text.integer("outputs", call.outFeatures);
    const inputs = text.integer("inputs", call.inFeatures);
    const first = text.integer("first", call.matrix.offset);
    return text.each(
      call.rows * call.inFeatures,
      WORKGROUP,
      `let row = index / ${inputs}; let input = index % ${inputs};
       var sum = 0.0;
       for (var o = 0u; o < ${outputs}; o++) { sum += ${dy}[row * ${outputs} + o] * ${matrix}[${first} + o * ${inputs} + input]; }
       ${text.write(call.dx)}[index] = sum;`,
    );
  };
  const gradientProgram = (): Program => {
    const text = new ProgramText("dense gradient");
    const [x, dy] = [text.read(call.x), text.read(call.dy)];
    const outputs = text.integer("outputs", call.outFeatures);
    const inputs = text.integer("inputs", call.inFeatures);
    return text.each(
      call.outFeatures * call.inFeatures,
      WORKGROUP,
      `let output = index / ${inputs}; let input = index % ${inputs};
       var sum = 0.0;
       for (var row = 0u; row < ${text.integer("rows", call.rows)}; row++) { sum += ${dy}[row * ${outputs} + output] * ${x}[row * ${inputs} + input]; }
       ${text.write(call.gradient.buffer)}[${text.integer("first", call.gradient.offset)} + index] = sum;`,
    );
  };
  const biasProgram = ({ buffer, offset }: Span): Program => {
    const text = new ProgramText("dense bias gradient");
    const outputs = text.integer("outputs", call.outFeatures);
    return text.each(
      call.outFeatures,
      WORKGROUP,
      `var sum = 0.0;
       for (var row = 0u; row < ${text.integer("rows", call.rows)}; row++) { sum += ${text.read(call.dy)}[row * ${outputs} + index]; }
       ${text.write(buffer)}[${text.integer("first", offset)} + index] = sum;`,
    );
  };
  return [
    inputProgram(),
    gradientProgram(),
    ...(call.biasGradient === null ? [] : [biasProgram(call.biasGradient)]),
  ];
}
