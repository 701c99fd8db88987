/** A single row times a panel: what a token of generation does. Weights are used as they stream in, never unpacked. */
import { scratchTile } from "./scratch";
import { madd, splat } from "./simd";
import {
  F16,
  F32,
  highF16,
  highInts,
  INT4_BLOCK,
  INT4_BLOCK_BYTES,
  INT8,
  int4Words,
  lowF16,
  lowInts,
} from "./weights";

/** c[width] = start + x[inputs]·panel, width ≤ 8. @param start 0 for zeros */
export function vectorPanel(
  base: i32,
  panel: usize,
  scales: usize,
  inputs: i32,
  x: usize,
  c: usize,
  width: i32,
  start: usize,
): void {
  const tile = scratchTile();
  if (base == F32) f32Panel(panel, inputs, x, tile);
  else if (base == F16) f16Panel(panel, inputs, x, tile);
  else if (base == INT8) int8Panel(panel, scales, inputs, x, tile);
  else int4Panel(panel, inputs, x, tile);
  for (let i = 0; i < width; i++) {
    const at = (<usize>i) << 2;
    const value = load<f32>(tile + at);
    store<f32>(c + at, start ? value + load<f32>(start + at) : value);
  }
}

// Each takes two inputs a turn into sums of their own, so that an addition need not wait for the one before it.

function f32Panel(panel: usize, inputs: i32, x: usize, tile: usize): void {
  let even0 = splat(0);
  let even1 = even0;
  let odd0 = even0;
  let odd1 = even0;
  let k = 0;
  for (; k + 2 <= inputs; k += 2, panel += 64, x += 8) {
    const a = v128.load32_splat(x);
    const b = v128.load32_splat(x, 4);
    even0 = madd(a, v128.load(panel), even0);
    even1 = madd(a, v128.load(panel, 16), even1);
    odd0 = madd(b, v128.load(panel, 32), odd0);
    odd1 = madd(b, v128.load(panel, 48), odd1);
  }
  if (k < inputs) {
    const a = v128.load32_splat(x);
    even0 = madd(a, v128.load(panel), even0);
    even1 = madd(a, v128.load(panel, 16), even1);
  }
  v128.store(tile, f32x4.add(even0, odd0));
  v128.store(tile, f32x4.add(even1, odd1), 16);
}

function f16Panel(panel: usize, inputs: i32, x: usize, tile: usize): void {
  let sum0 = splat(0);
  let sum1 = sum0;
  for (let k = 0; k < inputs; k++, panel += 16, x += 4) {
    const a = v128.load32_splat(x);
    const row = v128.load(panel);
    sum0 = madd(a, lowF16(row), sum0);
    sum1 = madd(a, highF16(row), sum1);
  }
  v128.store(tile, sum0);
  v128.store(tile, sum1, 16);
}

function int8Panel(panel: usize, scales: usize, inputs: i32, x: usize, tile: usize): void {
  let even0 = splat(0);
  let even1 = even0;
  let odd0 = even0;
  let odd1 = even0;
  let k = 0;
  for (; k + 2 <= inputs; k += 2, panel += 16, x += 8) {
    const a = v128.load32_splat(x);
    const b = v128.load32_splat(x, 4);
    const codes = v128.load(panel);
    const even = i16x8.extend_low_i8x16_s(codes);
    const odd = i16x8.extend_high_i8x16_s(codes);
    even0 = madd(a, lowInts(even), even0);
    even1 = madd(a, highInts(even), even1);
    odd0 = madd(b, lowInts(odd), odd0);
    odd1 = madd(b, highInts(odd), odd1);
  }
  if (k < inputs) {
    const a = v128.load32_splat(x);
    const words = v128.load_ext<i8>(panel);
    even0 = madd(a, lowInts(words), even0);
    even1 = madd(a, highInts(words), even1);
  }
  v128.store(tile, f32x4.mul(f32x4.add(even0, odd0), v128.load(scales)));
  v128.store(tile, f32x4.mul(f32x4.add(even1, odd1), v128.load(scales, 16)), 16);
}

function int4Panel(panel: usize, inputs: i32, x: usize, tile: usize): void {
  let sum0 = splat(0);
  let sum1 = sum0;
  for (let from = 0; from < inputs; from += INT4_BLOCK, panel += INT4_BLOCK_BYTES) {
    const count = min(INT4_BLOCK, inputs - from);
    let block0 = splat(0);
    let block1 = block0;
    for (let k = 0; k < count; k++, x += 4) {
      const a = v128.load32_splat(x);
      const words = int4Words(panel, k);
      block0 = madd(a, lowInts(words), block0);
      block1 = madd(a, highInts(words), block1);
    }
    sum0 = madd(block0, v128.load(panel), sum0);
    sum1 = madd(block1, v128.load(panel, 16), sum1);
  }
  v128.store(tile, sum0);
  v128.store(tile, sum1, 16);
}
