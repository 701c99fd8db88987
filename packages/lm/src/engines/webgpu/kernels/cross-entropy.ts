/**
 * Cross-entropy over a head without [rows, vocabulary]: the vocabulary is walked in chunks, as an online softmax. Per chunk:
 * its logits (a product), their exponentials against the largest logit so far, and exp·Wᵀ added to dHidden, whose
 * earlier part shrinks where a larger logit has come. At the end dHidden = weight·(dHidden/Σexp − W[target]).
 */
import type { CrossEntropy, LogitCrossEntropy } from "../../../ops/cross-entropy.ts";
import { type Operand, type Program, ProgramText } from "../program.ts";
import { matrixText } from "../weights.ts";
import { type RowVariant, rowProgram } from "./norm.ts";
import type { MatrixForm, Product } from "./product.ts";

/** Bytes of a chunk's logits; a larger chunk saves dispatches, not work. */
const CHUNK_BYTES = 8 << 20;

const LOWEST = "-1e30";

export interface CrossEntropyParts {
  readonly product: (product: Product) => Program;
  readonly row: RowVariant;

  readonly nativeHalf: boolean;
}

export function crossEntropyPrograms(
  call: CrossEntropy,
  head: MatrixForm,
  { product, row, nativeHalf }: CrossEntropyParts,
): readonly Program[] {
  const { rows, vocabulary, dHidden } = call;
  const chunk = Math.min(vocabulary, Math.max(64, 64 * Math.floor(CHUNK_BYTES / (256 * rows))));
  const logits: Operand = { kind: "scratch", number: 0, bytes: 4 * rows * chunk };
  /** Per row: largest logit so far, Σ exp, the target's logit. */
  const running: Operand = { kind: "scratch", number: 1, bytes: 12 * rows };
  const shrink: Operand = { kind: "scratch", number: 2, bytes: 4 * rows };
  const programs: Program[] = [];
  const plain = {
    weight: call.head,
    form: head,
    rows,
    bias: null,
    add: null,
    lowRank: null,
    activation: null,
  };
  for (let firstOutput = 0; firstOutput < vocabulary; firstOutput += chunk) {
    const outputs = Math.min(chunk, vocabulary - firstOutput);
    const part = { ...plain, firstOutput, outputs };
    programs.push(
      product({ ...part, over: "inputs", x: call.hidden, out: logits, rescale: null }),
      chunkProgram(call, { firstOutput, outputs, logits, running, shrink }, row),
    );
    if (dHidden !== null)
      programs.push(product({ ...part, over: "outputs", x: logits, out: dHidden, rescale: shrink }));
  }
  programs.push(finishProgram(call, head, running, nativeHalf));
  return programs;
}

interface Chunk {
  readonly firstOutput: number;
  readonly outputs: number;
  readonly logits: Operand;
  readonly running: Operand;
  readonly shrink: Operand;
}

function chunkProgram(call: CrossEntropy, chunk: Chunk, variant: RowVariant): Program {
  const text = new ProgramText(`softmax of a chunk, ${variant.kind}`);
  const logits = text.write(chunk.logits);
  const running = text.write(chunk.running);
  const shrink = text.write(chunk.shrink);
  const targets = text.read(call.targets, "i32");
  const first = text.integer("first", chunk.firstOutput);
  const width = text.integer("outputs", chunk.outputs);
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each, leader) => `
    let start = row * ${width};
    let isFirst = ${first} == 0u;
    let before = select(${running}[3u * row], ${LOWEST}, isFirst);
    let sumBefore = select(${running}[3u * row + 1u], 0.0, isFirst);
    let place = ${targets}[row] - i32(${first});
    let isHere = place >= 0 && place < i32(${width});
    // Read by every invocation before any writes an exponential over it.
    let label = select(0.0, ${logits}[start + u32(clamp(place, 0, i32(${width}) - 1))], isHere);
    var top = before;
    for (${each}) { top = max(top, ${logits}[start + i]); }
    top = largest(top, local);
    var sum = 0.0;
    for (${each}) { let e = exp(${logits}[start + i] - top); ${logits}[start + i] = e; sum += e; }
    let kept = select(exp(before - top), 0.0, isFirst);
    let all = total(sum, local) + sumBefore * kept;
    if (${leader}) {
      ${shrink}[row] = kept;
      ${running}[3u * row] = top; ${running}[3u * row + 1u] = all;
      if (isHere || isFirst) { ${running}[3u * row + 2u] = label; }
    }`,
  );
}

function finishProgram(
  call: CrossEntropy,
  head: MatrixForm,
  running: Operand,

  nativeHalf: boolean,
): Program {
  const text = new ProgramText("cross-entropy");
  const state = text.read(running);
  const targets = text.read(call.targets, "i32");
  const loss = text.write(call.loss);
  const lossText = `
    if (first) { ${loss}[row] = select(0.0, log(${state}[3u * row + 1u]) + ${state}[3u * row] - ${state}[3u * row + 2u], id >= 0); }`;
  if (call.dHidden === null)
    return text.each(
      call.rows,
      64,
      `let row = index; let first = true; let id = ${targets}[row]; ${lossText}`,
    );
  const weights = text.read(call.weights);
  const dHidden = text.write(call.dHidden);
  const width = text.integer("width", call.width);
  const vectors = text.integer("rowVectors", Math.ceil(call.width / 4));
  const matrix = matrixText(text, call.head, head, nativeHalf);
  const scaled = matrix.scale ? ` * ${matrix.scale("word", "vector")}` : "";
  return text.each(
    call.rows * Math.ceil(call.width / 4),
    64,
    `let row = index / ${vectors}; let vector = index % ${vectors}; let column = 4u * vector;
    let id = ${targets}[row]; let first = column == 0u; let word = u32(max(id, 0));
    let own = ${matrix.codes(`word * ${matrix.vectors} + vector`)}${scaled};
    let inverse = 1.0 / ${state}[3u * row + 1u];
    for (var j = 0u; j < 4u; j++) {
      if (column + j < ${width}) {
        let at = row * ${width} + column + j;
        ${dHidden}[at] = select(0.0, ${weights}[row] * (${dHidden}[at] * inverse - own[j]), id >= 0);
      }
    }
    ${lossText}`,
  );
}

/** loss and dLogits of given logits. */
export function logitCrossEntropyProgram(call: LogitCrossEntropy, variant: RowVariant): Program {
  const text = new ProgramText(`cross-entropy of logits, ${variant.kind}`);
  const logits = text.read(call.logits);
  const targets = text.read(call.targets, "i32");
  const loss = text.write(call.loss);
  const dLogits = call.dLogits === null ? null : text.write(call.dLogits);
  const width = text.integer("classes", call.classes);
  return rowProgram(
    text,
    variant,
    call.rows,
    width,
    (each, leader) => `
    let start = row * ${width};
    let label = ${targets}[row];
    var top = ${LOWEST};
    for (${each}) { top = max(top, ${logits}[start + i]); }
    top = largest(top, local);
    var sum = 0.0;
    for (${each}) { sum += exp(${logits}[start + i] - top); }
    sum = total(sum, local);
    if (${leader}) { ${loss}[row] = select(0.0, log(sum) + top - ${logits}[start + u32(max(label, 0))], label >= 0); }
    ${
      dLogits === null
        ? ""
        : `let weight = select(0.0, ${text.read(call.weights)}[row], label >= 0);
    for (${each}) {
      let hot = select(0.0, 1.0, i32(i) == label);
      ${dLogits}[start + i] = weight * (exp(${logits}[start + i] - top) / sum - hot);
    }`
    }`,
  );
}
