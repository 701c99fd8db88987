import type { Dense, DenseBackward, GatherRows, ScatterRows } from "../../ops/dense.ts";
import type { Embed } from "../../ops/embed.ts";
import type { Linear, LinearBackward } from "../../ops/linear.ts";
import type { LoraDown, LoraGradient, LoraUp } from "../../ops/lora.ts";
import { at, type Memory, spanOf } from "./memory.ts";

export function embed(call: Embed, memory: Memory): void {
  const { rows, width } = call;
  const [ids, positions, out] = [
    memory.buffer(call.ids),
    memory.buffer(call.positions),
    memory.buffer(call.out),
  ];
  const table = memory.matrix(call.table).values;
  const positionTable = call.positionTable === null ? null : memory.matrix(call.positionTable).values;
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < width; i++)
      out[n * width + i] =
        call.scale * at(table, at(ids, n) * width + i) +
        (positionTable ? at(positionTable, at(positions, n) * width + i) : 0);
}

export function linear(call: Linear, memory: Memory): void {
  const { rows, inFeatures, outFeatures } = call;
  const [x, out] = [memory.buffer(call.x), memory.buffer(call.out)];
  const weight = memory.matrix(call.weight).values;
  const bias = call.bias === null ? null : memory.vector(call.bias);
  const residual = call.residual === null ? null : memory.buffer(call.residual);
  for (let n = 0; n < rows; n++)
    for (let o = 0; o < outFeatures; o++) {
      let sum = (bias ? at(bias, o) : 0) + (residual ? at(residual, n * outFeatures + o) : 0);
      for (let i = 0; i < inFeatures; i++) sum += at(x, n * inFeatures + i) * at(weight, o * inFeatures + i);
      out[n * outFeatures + o] = sum;
    }
}

export function linearBackward(call: LinearBackward, memory: Memory): void {
  const { rows, inFeatures, outFeatures } = call;
  const [dy, dx] = [memory.buffer(call.dy), memory.buffer(call.dx)];
  const weight = memory.matrix(call.weight).values;
  const add = call.add === null ? null : memory.buffer(call.add);
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < inFeatures; i++) {
      let sum = add ? at(add, n * inFeatures + i) : 0;
      for (let o = 0; o < outFeatures; o++)
        sum += at(dy, n * outFeatures + o) * at(weight, o * inFeatures + i);
      dx[n * inFeatures + i] = sum;
    }
}

export function loraDown(call: LoraDown, memory: Memory): void {
  const { rows, features, kept, rank } = call;
  const [x, out] = [memory.buffer(call.x), memory.buffer(call.out)];
  const [indices, factor] = [spanOf(memory, call.indices), spanOf(memory, call.factor)];
  for (let n = 0; n < rows; n++)
    for (let r = 0; r < rank; r++) {
      let sum = 0;
      for (let j = 0; j < kept; j++) sum += at(x, n * features + at(indices, j)) * at(factor, j * rank + r);
      out[n * rank + r] = call.scale * sum;
    }
}

export function loraUp(call: LoraUp, memory: Memory): void {
  const { rows, features, kept, rank } = call;
  const [u, y] = [memory.buffer(call.u), memory.buffer(call.y)];
  const [indices, factor] = [spanOf(memory, call.indices), spanOf(memory, call.factor)];
  for (let n = 0; n < rows; n++)
    for (let j = 0; j < kept; j++) {
      const place = n * features + at(indices, j);
      let sum = at(y, place);
      for (let r = 0; r < rank; r++) sum += at(u, n * rank + r) * at(factor, j * rank + r);
      y[place] = sum;
    }
}

export function loraGradient(call: LoraGradient, memory: Memory): void {
  const { rows, features, kept, rank } = call;
  const [x, u] = [memory.buffer(call.x), memory.buffer(call.u)];
  const [indices, gradient] = [spanOf(memory, call.indices), spanOf(memory, call.gradient)];
  for (let j = 0; j < kept; j++)
    for (let r = 0; r < rank; r++) {
      let sum = 0;
      for (let n = 0; n < rows; n++) sum += at(x, n * features + at(indices, j)) * at(u, n * rank + r);
      gradient[j * rank + r] = sum;
    }
}

export function dense(call: Dense, memory: Memory): void {
  const { rows, inFeatures, outFeatures } = call;
  const [x, matrix, out] = [memory.buffer(call.x), spanOf(memory, call.matrix), memory.buffer(call.out)];
  const bias = call.bias && spanOf(memory, call.bias);
  for (let n = 0; n < rows; n++)
    for (let o = 0; o < outFeatures; o++) {
      let sum = bias === null ? 0 : at(bias, o);
      for (let i = 0; i < inFeatures; i++) sum += at(x, n * inFeatures + i) * at(matrix, o * inFeatures + i);
      out[n * outFeatures + o] = sum;
    }
}

export function denseBackward(call: DenseBackward, memory: Memory): void {
  const { rows, inFeatures, outFeatures } = call;
  const [x, dy, dx] = [memory.buffer(call.x), memory.buffer(call.dy), memory.buffer(call.dx)];
  const [matrix, gradient] = [spanOf(memory, call.matrix), spanOf(memory, call.gradient)];
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let o = 0; o < outFeatures; o++)
        sum += at(dy, n * outFeatures + o) * at(matrix, o * inFeatures + i);
      dx[n * inFeatures + i] = sum;
    }
  for (let o = 0; o < outFeatures; o++)
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let n = 0; n < rows; n++) sum += at(dy, n * outFeatures + o) * at(x, n * inFeatures + i);
      gradient[o * inFeatures + i] = sum;
    }
  if (call.biasGradient === null) return;
  const biasGradient = spanOf(memory, call.biasGradient);
  for (let o = 0; o < outFeatures; o++) {
    let sum = 0;
    for (let n = 0; n < rows; n++) sum += at(dy, n * outFeatures + o);
    biasGradient[o] = sum;
  }
}

export function gatherRows({ x, indices, out, rows, width }: GatherRows, memory: Memory): void {
  const [from, to, chosen] = [memory.buffer(x), memory.buffer(out), memory.buffer(indices)];
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < width; i++) to[n * width + i] = at(from, at(chosen, n) * width + i);
}

export function scatterRows(call: ScatterRows, memory: Memory): void {
  const { rows, sourceRows, width } = call;
  const [dy, dx, chosen] = [memory.buffer(call.dy), memory.buffer(call.dx), memory.buffer(call.indices)];
  dx.fill(0, 0, sourceRows * width);
  for (let n = 0; n < rows; n++)
    for (let i = 0; i < width; i++) dx[at(chosen, n) * width + i] = at(dy, n * width + i);
}
