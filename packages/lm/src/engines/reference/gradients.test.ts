/** Every backward kernel of the reference against central differences of its forward kernel, in float64. */
import { createRandom } from "@fedlodrop/run";
import { describe, expect, test } from "vitest";
import type { ActivationFunction } from "../../ops/activation.ts";
import { type Rows, wholeRows } from "../../ops/buffer.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { runKernel } from "./kernels.ts";
import type { Matrix } from "./memory.ts";

const random = createRandom("central differences");
const normals = (size: number): Float64Array => Float64Array.from({ length: size }, () => random.normal());

/** Buffers by name; a call names them by their position. */
class Scene {
  private readonly names: string[] = [];
  private readonly buffers: Float64Array[] = [];
  private readonly vectors = new Map<string, Float64Array>();
  private readonly matrices = new Map<string, Matrix>();

  set(name: string, values: Float64Array): number {
    this.names.push(name);
    this.buffers.push(values);
    return this.buffers.length - 1;
  }
  room = (name: string, size: number): number => this.set(name, new Float64Array(size).fill(Number.NaN));
  values(id: number): Float64Array {
    return this.buffers[id]!;
  }
  vector(name: string, size: number): string {
    this.vectors.set(name, normals(size));
    return name;
  }
  matrix(name: string, inFeatures: number, outFeatures: number): string {
    this.matrices.set(name, { inFeatures, outFeatures, values: normals(inFeatures * outFeatures) });
    return name;
  }
  run(...calls: readonly KernelCall[]): void {
    for (const call of calls)
      runKernel(call, {
        buffer: (id) => this.buffers[id]!,
        vector: (name) => this.vectors.get(name)!,
        matrix: (name) => this.matrices.get(name)!,
      });
  }
  /** Compares d(out·dy)/dx, by central differences over the forward calls, with what the backward calls made of dy. */
  check(
    forward: readonly KernelCall[],
    [out, dy]: readonly [number, number],
    pairs: readonly (readonly [x: number, gradient: number])[],
    before: () => void = () => {},
  ): void {
    const objective = (): number => {
      before();
      this.run(...forward);
      return this.values(out).reduce((sum, value, i) => sum + value * this.values(dy)[i]!, 0);
    };
    for (const [x, gradient] of pairs) {
      const got = this.values(gradient).slice();
      const values = this.values(x);
      const wanted = values.map((value, i) => {
        const sides = [1, -1].map((side) => {
          values[i] = value + side * STEP;
          return objective();
        });
        values[i] = value;
        return (sides[0]! - sides[1]!) / (2 * STEP);
      });
      const scale = Math.max(...wanted.map(Math.abs));
      wanted.forEach((slope, i) => {
        expect(Math.abs(got[i]! - slope) / scale, `${this.names[x]}[${i}]`).toBeLessThan(1e-8);
      });
    }
  }
}

const STEP = 1e-5;

describe("central differences", () => {
  test.each(["layer-norm", "rms-norm"] as const)("%s", (kind) => {
    const scene = new Scene();
    const [rows, width] = [5, 7];
    const [x, dy, add] = ["x", "dy", "add"].map((name) => scene.set(name, normals(rows * width)));
    const [out, dx] = ["out", "dx"].map((name) => scene.room(name, rows * width));
    const stats = scene.room("stats", 2 * rows);
    const gain = scene.vector("gain", width);
    const shared = { x: x!, stats, gain, rows, width };
    const forward: KernelCall =
      kind === "layer-norm"
        ? { kind, ...shared, bias: scene.vector("bias", width), epsilon: 1e-3, out: out! }
        : { kind, ...shared, gainOffset: 1, epsilon: 1e-3, out: out! };
    const backward = { ...shared, dy: dy!, add: add!, dx: dx! };
    scene.run(
      forward,
      kind === "layer-norm"
        ? { kind: "layer-norm-backward", ...backward }
        : { kind: "rms-norm-backward", gainOffset: 1, ...backward },
    );
    // The residual path's gradient was added; without it the rest is the norm's own.
    scene.values(add!).forEach((value, i) => {
      scene.values(dx!)[i]! -= value;
    });
    scene.check([forward], [out!, dy!], [[x!, dx!]]);
  });

  test("linear with LoRA: x and both factors", () => {
    const scene = new Scene();
    const [rows, inFeatures, outFeatures, rank, scale] = [6, 9, 11, 3, 1.7];
    const x = scene.set("x", normals(rows * inFeatures));
    const [y, dy] = [scene.room("y", rows * outFeatures), scene.set("dy", normals(rows * outFeatures))];
    const columns = { buffer: scene.set("columns", Float64Array.of(1, 4, 8)), offset: 0 };
    const keptRows = { buffer: scene.set("rows", Float64Array.of(0, 3, 7, 10)), offset: 0 };
    const a = { buffer: scene.set("A′", normals(3 * rank)), offset: 0 };
    const b = { buffer: scene.set("B′", normals(4 * rank)), offset: 0 };
    const [dA, dB] = [scene.room("dA′", 3 * rank), scene.room("dB′", 4 * rank)];
    const [u, v] = [scene.room("u", rows * rank), scene.room("v", rows * rank)];
    const dx = scene.room("dx", rows * inFeatures);
    const weight = scene.matrix("W", inFeatures, outFeatures);
    const onInputs = { rows, features: inFeatures, kept: 3, rank, indices: columns } as const;
    const onOutputs = { rows, features: outFeatures, kept: 4, rank, indices: keptRows } as const;
    const linear = { weight, rows, inFeatures, outFeatures } as const;
    const forward: KernelCall[] = [
      { kind: "linear", x, bias: null, residual: null, out: y, ...linear },
      { kind: "lora-down", x, factor: a, scale, out: u, ...onInputs },
      { kind: "lora-up", u, factor: b, y, ...onOutputs },
    ];
    scene.run(
      ...forward,
      { kind: "linear-backward", dy, add: null, dx, ...linear },
      { kind: "lora-down", x: dy, factor: b, scale, out: v, ...onOutputs },
      { kind: "lora-up", u: v, factor: a, y: dx, ...onInputs },
      { kind: "lora-gradient", x: dy, u, gradient: { buffer: dB, offset: 0 }, ...onOutputs },
      { kind: "lora-gradient", x, u: v, gradient: { buffer: dA, offset: 0 }, ...onInputs },
    );
    scene.check(
      forward,
      [y, dy],
      [
        [x, dx],
        [a.buffer, dA],
        [b.buffer, dB],
      ],
    );
  });

  test.each([
    { heads: 2, keyValueHeads: 2, before: 99, after: 0, ragged: false },
    { heads: 4, keyValueHeads: 2, before: 99, after: 99, ragged: true },
    { heads: 3, keyValueHeads: 1, before: 2, after: 0, ragged: false },
    { heads: 2, keyValueHeads: 1, before: 1, after: 2, ragged: true },
  ])("attention %o", ({ heads, keyValueHeads, before, after, ragged }) => {
    const scene = new Scene();
    const [batch, length, headWidth] = [2, 6, 3];
    const rows = batch * length;
    const [wide, narrow] = [heads * headWidth, keyValueHeads * headWidth];
    const widths = [wide, narrow, narrow];
    const inputs = widths.map((width, i) => scene.set("qkv"[i]!, normals(rows * width)));
    const gradients = widths.map((width, i) => scene.room(`d${"qkv"[i]}`, rows * width));
    const whole = (ids: readonly number[]): Rows[] => ids.map((id, i) => wholeRows(id, widths[i]!));
    const [q, k, v] = whole(inputs) as [Rows, Rows, Rows];
    const [dq, dk, dv] = whole(gradients) as [Rows, Rows, Rows];
    const [out, dOut] = [scene.room("out", rows * wide), scene.set("dOut", normals(rows * wide))];
    const [logSumExp, delta] = [scene.room("lse", rows * heads), scene.room("δ", rows * heads)];
    const lengths = ragged ? scene.set("lengths", Float64Array.of(6, 4)) : null;
    const shape = { batch, length, heads, keyValueHeads, headWidth, scale: 0.6, before, after, lengths };
    const forward: KernelCall = { kind: "attention", q, k, v, out, logSumExp, ...shape };
    if (ragged)
      // What padded queries give is nobody's to use.
      for (let n = 10; n < 12; n++) scene.values(dOut).fill(0, n * wide, (n + 1) * wide);
    scene.run(forward, {
      ...shape,
      ...{ kind: "attention-backward", q, k, v, out, logSumExp, dOut, delta, dq, dk, dv },
    });
    scene.check(
      [forward],
      [out, dOut],
      inputs.map((id, i) => [id, gradients[i]!] as const),
    );
  });

  test("rotary", () => {
    const scene = new Scene();
    const [rows, heads, headWidth, pairs] = [4, 2, 6, 2];
    const size = rows * heads * headWidth;
    const [x, out, dy] = [
      scene.set("x", normals(size)),
      scene.room("out", size),
      scene.set("dy", normals(size)),
    ];
    const rotate = (id: number, direction: 1 | -1): KernelCall => ({
      ...{ kind: "rotary", x: wholeRows(id, heads * headWidth), positions, direction },
      ...{ rows, heads, headWidth, pairs, frequencies: "frequencies" },
    });
    const positions = scene.set("positions", Float64Array.of(0, 1, 5, 9));
    scene.vector("frequencies", pairs);
    const dx = scene.set("dx", scene.values(dy).slice());
    scene.run(rotate(dx, -1));
    scene.check([rotate(out, 1)], [out, dy], [[x, dx]], () => scene.values(out).set(scene.values(x)));
  });

  test.each(["gelu-tanh", "gelu", "silu", "tanh", "relu"] satisfies ActivationFunction[])(
    "%s, plain and gated",
    (f) => {
      const scene = new Scene();
      const size = 40;
      const [x, up, dy] = ["x", "up", "dy"].map((name) =>
        scene.set(
          name,
          normals(size).map((v) => 2 * v),
        ),
      );
      const [out, dx, dUp] = ["out", "dx", "dUp"].map((name) => scene.room(name, size));
      const plain: KernelCall = { kind: "activation", function: f, x: x!, out: out!, size };
      scene.run(plain, { kind: "activation-backward", function: f, x: x!, dy: dy!, dx: dx!, size });
      scene.check([plain], [out!, dy!], [[x!, dx!]]);
      const gated: KernelCall = { kind: "gated", function: f, gate: x!, up: up!, out: out!, size };
      scene.run(gated, {
        ...{ kind: "gated-backward", function: f, gate: x!, up: up!, dy: dy!, dGate: dx!, dUp: dUp!, size },
      });
      scene.check(
        [gated],
        [out!, dy!],
        [
          [x!, dx!],
          [up!, dUp!],
        ],
      );
    },
  );

  test("cross-entropy over a head, and over logits", () => {
    const scene = new Scene();
    const [rows, width, vocabulary] = [5, 4, 9];
    const hidden = scene.set("hidden", normals(rows * width));
    const targets = scene.set("targets", Float64Array.of(3, -1, 0, 8, 4));
    const weights = scene.set("weights", normals(rows));
    const loss = scene.room("loss", rows);
    const dHidden = scene.room("dHidden", rows * width);
    const call: KernelCall = {
      ...{ kind: "cross-entropy", hidden, head: scene.matrix("head", width, vocabulary), targets, weights },
      ...{ loss, dHidden, rows, width, vocabulary },
    };
    scene.run(call);
    scene.check([{ ...call, dHidden: null }], [loss, weights], [[hidden, dHidden]]);
    const logits = scene.set("logits", normals(rows * vocabulary));
    const dLogits = scene.room("dLogits", rows * vocabulary);
    const over: KernelCall = {
      ...{ kind: "logit-cross-entropy", logits, targets, weights, loss, dLogits, rows, classes: vocabulary },
    };
    scene.run(over);
    scene.check([{ ...over, dLogits: null }], [loss, weights], [[logits, dLogits]]);
  });

  test("a trained head on gathered rows", () => {
    const scene = new Scene();
    const [rows, sourceRows, inFeatures, outFeatures] = [3, 7, 5, 4];
    const source = scene.set("source", normals(sourceRows * inFeatures));
    const indices = scene.set("indices", Float64Array.of(1, 4, 6));
    const matrix = { buffer: scene.set("P", normals(outFeatures * inFeatures)), offset: 0 };
    const dP = scene.room("dP", outFeatures * inFeatures);
    const bias = { buffer: scene.set("bias", normals(outFeatures)), offset: 0 };
    const biasGradient = { buffer: scene.room("dBias", outFeatures), offset: 0 };
    const [x, dx] = [scene.room("x", rows * inFeatures), scene.room("dx", rows * inFeatures)];
    const [out, dy] = [scene.room("out", rows * outFeatures), scene.set("dy", normals(rows * outFeatures))];
    const dSource = scene.room("dSource", sourceRows * inFeatures);
    const moved = { indices, rows, sourceRows, width: inFeatures };
    const forward: KernelCall[] = [
      { kind: "gather-rows", x: source, out: x, ...moved },
      { kind: "dense", x, matrix, bias, out, rows, inFeatures, outFeatures },
    ];
    const gradients = { gradient: { buffer: dP, offset: 0 }, biasGradient };
    scene.run(
      ...forward,
      { kind: "dense-backward", x, matrix, dy, dx, ...gradients, rows, inFeatures, outFeatures },
      { kind: "scatter-rows", dy: dx, dx: dSource, ...moved },
    );
    scene.check(
      forward,
      [out, dy],
      [
        [source, dSource],
        [matrix.buffer, dP],
        [bias.buffer, biasGradient.buffer],
      ],
    );
  });
});
