import type { LayerNorm, LayerNormBackward } from "../../ops/layer-norm.ts";
import type { RmsNorm, RmsNormBackward } from "../../ops/rms-norm.ts";
import { at, type Memory } from "./memory.ts";

export function layerNorm(call: LayerNorm, memory: Memory): void {
  const { rows, width } = call;
  const [x, out, stats] = [memory.buffer(call.x), memory.buffer(call.out), memory.buffer(call.stats)];
  const gain = memory.vector(call.gain);
  const bias = call.bias === null ? null : memory.vector(call.bias);
  for (let n = 0; n < rows; n++) {
    let mean = 0;
    for (let i = 0; i < width; i++) mean += at(x, n * width + i) / width;
    let variance = 0;
    for (let i = 0; i < width; i++) variance += (at(x, n * width + i) - mean) ** 2 / width;
    const rstd = 1 / Math.sqrt(variance + call.epsilon);
    stats[2 * n] = mean;
    stats[2 * n + 1] = rstd;
    for (let i = 0; i < width; i++)
      out[n * width + i] = at(gain, i) * (at(x, n * width + i) - mean) * rstd + (bias ? at(bias, i) : 0);
  }
}

export function layerNormBackward(call: LayerNormBackward, memory: Memory): void {
  const { rows, width } = call;
  const [x, stats, dy] = [memory.buffer(call.x), memory.buffer(call.stats), memory.buffer(call.dy)];
  const add = call.add === null ? null : memory.buffer(call.add);
  const dx = memory.buffer(call.dx);
  const gain = memory.vector(call.gain);
  for (let n = 0; n < rows; n++) {
    const [mean, rstd] = [at(stats, 2 * n), at(stats, 2 * n + 1)];
    const normalised = (i: number): number => (at(x, n * width + i) - mean) * rstd;
    const scaled = (i: number): number => at(dy, n * width + i) * at(gain, i);
    let meanOfScaled = 0;
    let meanOfProduct = 0;
    for (let i = 0; i < width; i++) {
      meanOfScaled += scaled(i) / width;
      meanOfProduct += (scaled(i) * normalised(i)) / width;
    }
    for (let i = 0; i < width; i++)
      dx[n * width + i] =
        rstd * (scaled(i) - meanOfScaled - normalised(i) * meanOfProduct) +
        (add ? at(add, n * width + i) : 0);
  }
}

export function rmsNorm(call: RmsNorm, memory: Memory): void {
  const { rows, width } = call;
  const [x, out, stats] = [memory.buffer(call.x), memory.buffer(call.out), memory.buffer(call.stats)];
  const gain = memory.vector(call.gain);
  for (let n = 0; n < rows; n++) {
    let meanSquare = 0;
    for (let i = 0; i < width; i++) meanSquare += at(x, n * width + i) ** 2 / width;
    const rstd = 1 / Math.sqrt(meanSquare + call.epsilon);
    stats[n] = rstd;
    for (let i = 0; i < width; i++)
      out[n * width + i] = (call.gainOffset + at(gain, i)) * at(x, n * width + i) * rstd;
  }
}

export function rmsNormBackward(call: RmsNormBackward, memory: Memory): void {
  const { rows, width } = call;
  const [x, stats, dy] = [memory.buffer(call.x), memory.buffer(call.stats), memory.buffer(call.dy)];
  const add = call.add === null ? null : memory.buffer(call.add);
  const dx = memory.buffer(call.dx);
  const gain = memory.vector(call.gain);
  for (let n = 0; n < rows; n++) {
    const rstd = at(stats, n);
    const scaled = (i: number): number => at(dy, n * width + i) * (call.gainOffset + at(gain, i));
    let meanOfProduct = 0;
    for (let i = 0; i < width; i++) meanOfProduct += (scaled(i) * at(x, n * width + i)) / width;
    for (let i = 0; i < width; i++)
      dx[n * width + i] =
        rstd * (scaled(i) - at(x, n * width + i) * rstd ** 2 * meanOfProduct) +
        (add ? at(add, n * width + i) : 0);
  }
}
