/** Rows that are looked up, moved or turned: embeddings, gathers, caches and rotary positions. */
import { meet, takePiece } from "./pool";
import { scratch } from "./scratch";
import { put, splat, take } from "./simd";
import { F32, unpackOutput } from "./weights";

const PIECE: i32 = 8;

/** out[n] = scale·table[ids[n]] + positionTable[positions[n]]. @param positionTable f32 panels, 0 for none */
export function embed(
  ids: usize,
  positions: usize,
  base: i32,
  table: usize,
  scales: usize,
  positionTable: usize,
  scale: f32,
  out: usize,
  rows: i32,
  width: i32,
): void {
  const place = scratch();
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++) {
      const to = out + ((<usize>row * width) << 2);
      unpackOutput(base, table, scales, width, load<i32>(ids + ((<usize>row) << 2)), to);
      if (positionTable)
        unpackOutput(F32, positionTable, 0, width, load<i32>(positions + ((<usize>row) << 2)), place);
      for (let i = 0; i < width; i += 4) {
        const token = f32x4.mul(take(to, i, width), splat(scale));
        put(to, i, width, positionTable ? f32x4.add(token, take(place, i, width)) : token);
      }
    }
}

/** out[i] = x[indices[i]]. */
export function gatherRows(x: usize, indices: usize, out: usize, rows: i32, width: i32): void {
  const stride = (<usize>width) << 2;
  for (let first = takePiece() * PIECE; first < rows; first = takePiece() * PIECE)
    for (let row = first; row < min(first + PIECE, rows); row++)
      memory.copy(
        out + <usize>row * stride,
        x + <usize>load<i32>(indices + ((<usize>row) << 2)) * stride,
        stride,
      );
}

/** dx = 0 but for dx[indices[i]] = dy[i]. */
export function scatterRows(
  dy: usize,
  indices: usize,
  dx: usize,
  rows: i32,
  sourceRows: i32,
  width: i32,
): void {
  const stride = (<usize>width) << 2;
  for (let first = takePiece() * PIECE; first < sourceRows; first = takePiece() * PIECE)
    memory.fill(dx + <usize>first * stride, 0, <usize>min(PIECE, sourceRows - first) * stride);
  meet();
  for (let row = takePiece(); row < rows; row = takePiece())
    memory.copy(
      dx + <usize>load<i32>(indices + ((<usize>row) << 2)) * stride,
      dy + <usize>row * stride,
      stride,
    );
}

/** cache[positions[i]] = x[i]. */
export function cacheAppend(
  x: usize,
  xStride: usize,
  positions: usize,
  cache: usize,
  rows: i32,
  width: i32,
): void {
  const stride = (<usize>width) << 2;
  for (let row = takePiece(); row < rows; row = takePiece())
    memory.copy(
      cache + <usize>load<i32>(positions + ((<usize>row) << 2)) * stride,
      x + <usize>row * xStride,
      stride,
    );
}

/** Turns channels (i, i + pairs) of every head by direction·positions[n]·frequencies[i], in place. */
export function rotary(
  x: usize,
  xStride: usize,
  positions: usize,
  frequencies: usize,
  direction: f32,
  rows: i32,
  heads: i32,
  headWidth: i32,
  pairs: i32,
): void {
  for (let row = takePiece(); row < rows; row = takePiece()) {
    const from = x + <usize>row * xStride;
    const position = <f64>load<i32>(positions + ((<usize>row) << 2)) * direction;
    for (let pair = 0; pair < pairs; pair++) {
      setSineAndCosine(position * load<f32>(frequencies + ((<usize>pair) << 2)));
      let low = from + ((<usize>pair) << 2);
      for (let head = 0; head < heads; head++, low += (<usize>headWidth) << 2) {
        const high = low + ((<usize>pairs) << 2);
        const a = load<f32>(low);
        const b = load<f32>(high);
        store<f32>(low, a * cosine - b * sine);
        store<f32>(high, b * cosine + a * sine);
      }
    }
  }
}

let sine: f32 = 0;
let cosine: f32 = 0;

/** Quarter turns are taken off in f64; what is left, at most π/4, goes through the Taylor series (error below 1e−9). */
function setSineAndCosine(angle: f64): void {
  const quarters = nearest<f64>(angle * 0.6366197723675814);
  const r = angle - quarters * 1.5707963267948966;
  const r2 = r * r;
  const s = <f32>(r * (1 - (r2 / 6) * (1 - (r2 / 20) * (1 - (r2 / 42) * (1 - (r2 / 72) * (1 - r2 / 110))))));
  const c = <f32>(1 - (r2 / 2) * (1 - (r2 / 12) * (1 - (r2 / 30) * (1 - (r2 / 56) * (1 - r2 / 90)))));
  const quadrant = <i32>(<i64>quarters & 3);
  sine = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
  cosine = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
}
