/** The optimiser on the kept values, and sums over whole vectors. */
import { meet, takePiece } from "./pool";
import { madd, put, splat, sumLanes, take } from "./simd";

const PIECE: i32 = 2048;

/**
 * AdamW in place; settings[0..3] = η/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), 1 − η·decay. Source: Loshchilov & Hutter, arXiv 1711.05101.
 */
export function adamW(
  values: usize,
  gradient: usize,
  mean: usize,
  variance: usize,
  settings: usize,
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  size: i32,
): void {
  const rate = v128.load32_splat(settings);
  const correction = v128.load32_splat(settings, 4);
  const decay = v128.load32_splat(settings, 8);
  for (let from = takePiece() * PIECE; from < size; from = takePiece() * PIECE) {
    const end = min(from + PIECE, size);
    for (let i = from; i < end; i += 4) {
      const g = take(gradient, i, end);
      const m = madd(g, splat(oneMinusBeta1), f32x4.mul(take(mean, i, end), splat(beta1)));
      const square = f32x4.mul(f32x4.mul(g, g), splat(oneMinusBeta2));
      const v = madd(take(variance, i, end), splat(beta2), square);
      const deviation = f32x4.add(f32x4.sqrt(f32x4.mul(v, correction)), splat(epsilon));
      const step = f32x4.div(f32x4.mul(m, rate), deviation);
      put(mean, i, end, m);
      put(variance, i, end, v);
      put(values, i, end, f32x4.sub(f32x4.mul(take(values, i, end), decay), step));
    }
  }
}

/**
 * out[0] = Σ a·b, its root if asked for. Pieces are summed on their own and then in their order, so the bits do not
 * depend on who summed them. @param sums f64 [⌈size / 2048⌉] of working memory
 */
export function dotProduct(a: usize, b: usize, out: usize, size: i32, root: bool, sums: usize): void {
  for (let piece = takePiece(); piece * PIECE < size; piece = takePiece()) {
    const end = min((piece + 1) * PIECE, size);
    let sum = splat(0);
    for (let i = piece * PIECE; i < end; i += 4) sum = madd(take(a, i, end), take(b, i, end), sum);
    store<f64>(sums + ((<usize>piece) << 3), sumLanes(sum));
  }
  meet();
  if (takePiece() != 0) return;
  let total: f64 = 0;
  for (let piece = 0; piece * PIECE < size; piece++) total += load<f64>(sums + ((<usize>piece) << 3));
  store<f32>(out, <f32>(root ? sqrt<f64>(total) : total));
}
