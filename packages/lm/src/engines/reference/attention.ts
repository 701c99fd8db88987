import type {
  Attention,
  AttentionBackward,
  AttentionShape,
  CacheAppend,
  CachedAttention,
} from "../../ops/attention.ts";
import type { Rows } from "../../ops/buffer.ts";
import type { Rotary } from "../../ops/rotary.ts";
import { at, type Memory, rowOf } from "./memory.ts";

export function attention(call: Attention, memory: Memory): void {
  const { batch, length, heads, headWidth } = call;
  const [out, logSumExp] = [memory.buffer(call.out), memory.buffer(call.logSumExp)];
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < length; i++) {
        const keys = visibleKeys(call, i, realLength(call, b, memory));
        const q = headRow(call.q, b * length + i, h, headWidth, memory);
        const kv = (rows: Rows, j: number) =>
          headRow(rows, b * length + j, keyValueHead(call, h), headWidth, memory);
        const scores = keys.map((j) => call.scale * dot(q, kv(call.k, j)));
        const total = logSum(scores);
        logSumExp[(b * heads + h) * length + i] = total;
        for (let c = 0; c < headWidth; c++) {
          let sum = 0;
          keys.forEach((j, at_) => {
            sum += Math.exp(at(scores, at_) - total) * at(kv(call.v, j), c);
          });
          out[((b * length + i) * heads + h) * headWidth + c] = sum;
        }
      }
}

export function attentionBackward(call: AttentionBackward, memory: Memory): void {
  const { batch, length, heads, keyValueHeads, headWidth } = call;
  const rows = batch * length;
  const [logSumExp, delta] = [memory.buffer(call.logSumExp), memory.buffer(call.delta)];
  const wide: Rows = { buffer: call.out, offset: 0, stride: heads * headWidth };
  for (let n = 0; n < rows; n++) {
    rowOf(memory, call.dq, n, heads * headWidth).fill(0);
    rowOf(memory, call.dk, n, keyValueHeads * headWidth).fill(0);
    rowOf(memory, call.dv, n, keyValueHeads * headWidth).fill(0);
  }
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) {
      const g = keyValueHead(call, h);
      for (let i = 0; i < length; i++) {
        const n = b * length + i;
        const [q, dq] = [headRow(call.q, n, h, headWidth, memory), headRow(call.dq, n, h, headWidth, memory)];
        const out = headRow(wide, n, h, headWidth, memory);
        const dOut = headRow({ ...wide, buffer: call.dOut }, n, h, headWidth, memory);
        const place = (b * heads + h) * length + i;
        delta[place] = dot(dOut, out);
        for (const j of visibleKeys(call, i, realLength(call, b, memory))) {
          const key = (rows: Rows) => headRow(rows, b * length + j, g, headWidth, memory);
          const [k, v, dk, dv] = [key(call.k), key(call.v), key(call.dk), key(call.dv)];
          const p = Math.exp(call.scale * dot(q, k) - at(logSumExp, place));
          const ds = call.scale * p * (dot(dOut, v) - at(delta, place));
          for (let c = 0; c < headWidth; c++) {
            dq[c] = at(dq, c) + ds * at(k, c);
            dk[c] = at(dk, c) + ds * at(q, c);
            dv[c] = at(dv, c) + p * at(dOut, c);
          }
        }
      }
    }
}

export function cacheAppend(call: CacheAppend, memory: Memory): void {
  const { rows, width } = call;
  const [positions, cache] = [memory.buffer(call.positions), memory.buffer(call.cache)];
  for (let n = 0; n < rows; n++) cache.set(rowOf(memory, call.x, n, width), at(positions, n) * width);
}

export function cachedAttention(call: CachedAttention, memory: Memory): void {
  const { rows, heads, keyValueHeads, headWidth } = call;
  const [positions, out] = [memory.buffer(call.positions), memory.buffer(call.out)];
  const cache = (buffer: number): Rows => ({ buffer, offset: 0, stride: keyValueHeads * headWidth });
  for (let n = 0; n < rows; n++)
    for (let h = 0; h < heads; h++) {
      const q = headRow(call.q, n, h, headWidth, memory);
      const keys = visibleKeys(call, at(positions, n), call.capacity);
      const kv = (buffer: number, j: number) =>
        headRow(cache(buffer), j, keyValueHead(call, h), headWidth, memory);
      const scores = keys.map((j) => call.scale * dot(q, kv(call.keys, j)));
      const total = logSum(scores);
      for (let c = 0; c < headWidth; c++) {
        let sum = 0;
        keys.forEach((j, at_) => {
          sum += Math.exp(at(scores, at_) - total) * at(kv(call.values, j), c);
        });
        out[(n * heads + h) * headWidth + c] = sum;
      }
    }
}

export function rotary(call: Rotary, memory: Memory): void {
  const { rows, heads, headWidth, pairs } = call;
  const [positions, frequencies] = [memory.buffer(call.positions), memory.vector(call.frequencies)];
  for (let n = 0; n < rows; n++)
    for (let h = 0; h < heads; h++) {
      const x = headRow(call.x, n, h, headWidth, memory);
      for (let i = 0; i < pairs; i++) {
        const angle = call.direction * at(positions, n) * at(frequencies, i);
        const [a, b] = [at(x, i), at(x, i + pairs)];
        x[i] = a * Math.cos(angle) - b * Math.sin(angle);
        x[i + pairs] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
}

const keyValueHead = ({ heads, keyValueHeads }: AttentionShape, h: number): number =>
  Math.floor((h * keyValueHeads) / heads);

function visibleKeys({ before, after }: AttentionShape, i: number, length: number): readonly number[] {
  const first = Math.max(0, i - before);
  const last = Math.min(length - 1, i + after);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, j) => first + j);
}

const realLength = (call: Attention | AttentionBackward, b: number, memory: Memory): number =>
  call.lengths === null ? call.length : at(memory.buffer(call.lengths), b);

const headRow = (rows: Rows, n: number, h: number, headWidth: number, memory: Memory): Float64Array =>
  rowOf(memory, { ...rows, offset: rows.offset + h * headWidth }, n, headWidth);

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * at(b, i), 0);

function logSum(scores: readonly number[]): number {
  const largest = Math.max(...scores);
  return largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
}
