/** Attention of new tokens over cached keys and values. A piece is one head of one token. */
import { after, before, D, dot, groups, heads, scale } from "./attention";
import { takePiece } from "./pool";
import { scratch } from "./scratch";
import { exp4, madd, put, splat, take } from "./simd";

/** Uses the geometry of attention.ts. @param stride bytes between rows of a cache @param capacity rows of a cache */
export function cachedAttention(
  q: usize,
  qStride: usize,
  keys: usize,
  values: usize,
  stride: usize,
  positions: usize,
  out: usize,
  rows: i32,
  capacity: i32,
): void {
  const scores = scratch();
  const width = (<usize>D) << 2;
  for (let piece = takePiece(); piece < rows * heads; piece = takePiece()) {
    const row = piece / heads;
    const head = piece % heads;
    const position = load<i32>(positions + ((<usize>row) << 2));
    const from = max(0, position - before);
    const count = min(capacity - 1, position + after) - from + 1;
    const column = <usize>(head / groups) * width;
    const query = q + <usize>row * qStride + <usize>head * width;
    const firstKey = keys + <usize>from * stride + column;
    let top: f32 = -Infinity;
    for (let i = 0; i < count; i++) {
      const score = dot(query, firstKey + <usize>i * stride, D) * scale;
      store<f32>(scores + ((<usize>i) << 2), score);
      top = max(top, score);
    }
    let sum: f32 = 0;
    for (let i = 0; i < count; i++) {
      const at = scores + ((<usize>i) << 2);
      const weight = f32x4.extract_lane(exp4(splat(load<f32>(at) - top)), 0);
      store<f32>(at, weight);
      sum += weight;
    }
    const firstValue = values + <usize>from * stride + column;
    const to = out + <usize>piece * width;
    for (let i = 0; i < D; i += 4) {
      let total = splat(0);
      for (let j = 0; j < count; j++) {
        const value = take(firstValue + <usize>j * stride, i, D);
        total = madd(v128.load32_splat(scores + ((<usize>j) << 2)), value, total);
      }
      put(to, i, D, f32x4.mul(total, splat(1 / sum)));
    }
  }
}
