/** What the probe times: for each choice the call that a small training step does most, on 256 tokens. */

import type { Plan } from "../../plan/engine.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { quantise } from "../../plan/quantise.ts";
import type { BaseType, HostWeight } from "../../plan/weight.ts";
import type { ProbeKey } from "./choices.ts";

export interface ProbeWork {
  readonly plan: Plan;
  readonly calls: readonly KernelCall[];
  readonly weights: readonly HostWeight[];
  readonly inputs: readonly (Float32Array | Int32Array)[];
  /** The buffer whose values the forms must agree on. */
  readonly output: number;
}

const ROWS = 256;
const [NARROW, WIDE] = [128, 512];
const [BATCH, LENGTH, HEADS, HEAD_WIDTH] = [4, 64, 4, 32];
/** Thin products have uneven ends, so that a form which a driver gets wrong there disagrees with the others. */
const [THIN_ROWS, KEPT, RANK] = [255, 63, 8];
/** Calls of one run, so that a run outlasts the way to the device and back. */
const REPEATS = 4;

/** A smooth stretch of values in [−1, 1]. */
const wave = (size: number, step = 0.7): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(i * step));

export function probeWork(key: ProbeKey): ProbeWork {
  const [purpose, base] = key.split(" ") as [string, BaseType | undefined];
  switch (purpose) {
    case "product":
      return work(
        [wave(ROWS * NARROW), wave(ROWS * WIDE)],
        { kind: "linear", x: 0, weight: "w", bias: null, residual: null, out: 1, ...matrixSizes },
        1,
        [matrix(base)],
      );
    case "transposedProduct":
      return work(
        [wave(ROWS * WIDE), wave(ROWS * NARROW)],
        { kind: "linear-backward", dy: 0, weight: "w", add: null, dx: 1, ...matrixSizes },
        1,
        [matrix(base)],
      );
    case "normRows":
      return work(
        [wave(ROWS * NARROW), wave(ROWS * NARROW), wave(2 * ROWS)],
        {
          ...{ kind: "layer-norm", x: 0, gain: "gain", bias: null, epsilon: 1e-5 },
          ...{ out: 1, stats: 2, rows: ROWS, width: NARROW },
        },
        1,
        [{ kind: "vector", name: "gain", values: wave(NARROW) }],
      );
    case "lossRows":
      return work(
        [wave(ROWS * WIDE), new Int32Array(ROWS).fill(3), wave(ROWS), wave(ROWS), wave(ROWS * WIDE)],
        {
          ...{ kind: "logit-cross-entropy", logits: 0, targets: 1, weights: 2 },
          ...{ loss: 3, dLogits: 4, rows: ROWS, classes: WIDE },
        },
        4,
      );
    case "loraDown":
      return work(
        [wave(THIN_ROWS * NARROW), keptIndices, wave(KEPT * RANK), wave(THIN_ROWS * RANK)],
        {
          ...{ kind: "lora-down", x: 0, indices: { buffer: 1, offset: 0 }, factor: { buffer: 2, offset: 0 } },
          ...{ scale: 1, out: 3, rows: THIN_ROWS, features: NARROW, kept: KEPT, rank: RANK },
        },
        3,
      );
    case "loraGradient":
      return work(
        [wave(THIN_ROWS * NARROW), keptIndices, wave(THIN_ROWS * RANK), wave(KEPT * RANK)],
        {
          ...{ kind: "lora-gradient", x: 0, indices: { buffer: 1, offset: 0 }, u: 2 },
          ...{
            gradient: { buffer: 3, offset: 0 },
            rows: THIN_ROWS,
            features: NARROW,
            kept: KEPT,
            rank: RANK,
          },
        },
        3,
      );
    case "attention":
      return work(
        [wave(3 * ROWS * NARROW), wave(ROWS * NARROW), wave(BATCH * HEADS * LENGTH)],
        { kind: "attention", ...qkv, out: 1, logSumExp: 2, ...attentionSizes },
        1,
      );
    case "attentionBackward":
      return work(
        [
          wave(3 * ROWS * NARROW),
          wave(ROWS * NARROW),
          new Float32Array(BATCH * HEADS * LENGTH).fill(4),
          wave(ROWS * NARROW, 0.3),
          wave(BATCH * HEADS * LENGTH),
          wave(3 * ROWS * NARROW),
        ],
        {
          ...{ kind: "attention-backward", ...qkv, out: 1, logSumExp: 2, dOut: 3, delta: 4 },
          ...{ dq: columns(5, 0), dk: columns(5, 1), dv: columns(5, 2), ...attentionSizes },
        },
        5,
      );
    default:
      throw new Error(`probe: expected a known purpose, got ${key}`);
  }
}

const matrixSizes = { rows: ROWS, inFeatures: NARROW, outFeatures: WIDE };
const keptIndices = Int32Array.from({ length: KEPT }, (_, i) => 2 * i);
const columns = (buffer: number, part: number) => ({ buffer, offset: part * NARROW, stride: 3 * NARROW });
const qkv = { q: columns(0, 0), k: columns(0, 1), v: columns(0, 2), lengths: null };
const attentionSizes = {
  ...{ batch: BATCH, length: LENGTH, heads: HEADS, keyValueHeads: HEADS, headWidth: HEAD_WIDTH },
  ...{ scale: 1 / Math.sqrt(HEAD_WIDTH), before: LENGTH, after: 0 },
};

const matrix = (base: BaseType | undefined): HostWeight =>
  quantise(
    {
      ...{ kind: "matrix", name: "w", inFeatures: NARROW, outFeatures: WIDE },
      ...{ base: "f32", order: "out-in", values: wave(NARROW * WIDE, 0.37) },
    },
    base ?? "f32",
  );

function work(
  inputs: readonly (Float32Array | Int32Array)[],
  call: KernelCall,
  output: number,
  weights: readonly HostWeight[] = [],
): ProbeWork {
  const calls = Array.from({ length: REPEATS }, () => call);
  return {
    plan: {
      buffers: inputs.map((values, id) => ({
        ...{ name: `probe ${id}`, kind: "state", size: values.length, slot: null },
        type: values instanceof Int32Array ? "i32" : "f32",
      })),
      segments: { probe: calls },
      slotBytes: [],
      totalBytes: 4 * inputs.reduce((sum, { length }) => sum + length, 0),
    },
    ...{ calls, weights, inputs, output },
  };
}
