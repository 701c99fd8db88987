/** A whole model of the layers that GPT-2 does not use, forward and backward in float64, against central differences. */
import { createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { placeAdapter } from "../adapter/placement.ts";
import { runKernel } from "../engines/reference/kernels.ts";
import type { Matrix } from "../engines/reference/memory.ts";
import { PlanBuilder } from "./builder.ts";
import { attention, embed, gated, linear, rmsNorm, rotary } from "./layers.ts";
import { Network, type Value } from "./network.ts";

const [batch, length, width, heads, keyValueHeads, headWidth, inner, vocabulary] = [2, 5, 6, 4, 2, 4, 7, 9];
const [rows, wide, narrow] = [batch * length, heads * headWidth, keyValueHeads * headWidth];
/** Name → inputs and outputs; all of a block but the gate are adapted. */
const MATRICES = { q: [width, wide], k: [width, narrow], v: [width, narrow], o: [wide, width] } as const;
const MLP = { gate: [width, inner], up: [width, inner], down: [inner, width] } as const;
const adapted = [0, 1].flatMap((layer) =>
  Object.entries({ ...MATRICES, up: MLP.up, down: MLP.down }).map(([name, [inFeatures, outFeatures]]) => ({
    name: `${layer}.${name}`,
    inFeatures,
    outFeatures,
  })),
);

/** Grouped heads under a sliding window, rotary positions, RMS norms that store gain − 1, a gated MLP. */
function model(net: Network): Value {
  let h = embed(net, width, "table", null, Math.sqrt(width));
  for (const layer of [0, 1])
    h = net.block(h, (x) => {
      const normed = rmsNorm(net, x, `${layer}.norm1`, 1e-6, 1);
      const project = (name: "q" | "k" | "v") => {
        const of = linear(net, normed, `${layer}.${name}`, MATRICES[name][1], { bias: false });
        return { of, offset: 0, width: of.width };
      };
      const [q, k, v] = [project("q"), project("k"), project("v")];
      rotary(net, q, "frequencies", { heads, headWidth, pairs: 2 });
      rotary(net, k, "frequencies", { heads: keyValueHeads, headWidth, pairs: 2 });
      const shape = { heads, keyValueHeads, headWidth, scale: 0.5, before: 2, after: 0 };
      const attended = attention(net, layer, [q, k, v], shape);
      const middle = linear(net, attended, `${layer}.o`, width, { bias: false, residual: x });
      const normed2 = rmsNorm(net, middle, `${layer}.norm2`, 1e-6, 1);
      const gate = linear(net, normed2, `${layer}.gate`, inner, { bias: false });
      const up = linear(net, normed2, `${layer}.up`, inner, { bias: false });
      const mixed = gated(net, gate, up, "silu");
      return linear(net, mixed, `${layer}.down`, width, { bias: false, residual: middle });
    });
  return rmsNorm(net, h, "norm", 1e-6);
}

test.each([0, 2])("its gradients are the slopes of its loss, %i blocks recomputed", (recomputedBlocks) => {
  const random = createRandom("layers");
  const normals = (size: number) => Float64Array.from({ length: size }, () => 0.7 * random.normal());
  const shape = { rank: 2, alpha: 4, modules: adapted, dense: [] };
  const kept = adapted.map(() => ({ keptColumns: 4, keptRows: 5 }));
  const placement = placeAdapter(shape, kept, 1);
  const plan = new PlanBuilder();
  const input = (name: string, size: number) => plan.buffer("input", name, size, "i32");
  const [ids, positions, targets] = [input("ids", rows), input("positions", rows), input("targets", rows)];
  const weights = plan.buffer("input", "weights", rows);
  const losses = plan.buffer("output", "losses", rows);
  const values = plan.buffer("state", "values", placement.valueCount);
  const gradient = plan.buffer("state", "gradient", placement.valueCount);
  const indices = plan.buffer("input", "indices", placement.indexCount, "i32");
  const adapter = { placement, values, indices, gradient };
  const tokens = { kind: "sequences", batch, length, lengths: null } as const;
  const net = new Network(plan, { tokens, ids, positions, adapter, recomputedBlocks });
  plan.begin("step");
  const hidden = model(net);
  const dHidden = plan.activation("dHidden", rows * width);
  const head = { kind: "cross-entropy", hidden: hidden.buffer, head: "head", targets, weights } as const;
  plan.emit({ ...head, loss: losses, dHidden, rows, width, vocabulary });
  net.backward(hidden, dHidden);
  const { buffers, segments, slotBytes } = plan.build();

  const slots = slotBytes.map((bytes) => new Float64Array(bytes / 4));
  const memory = buffers.map(({ slot, size }) => (slot === null ? new Float64Array(size) : slots[slot]!));
  const matrices = new Map<string, Matrix>();
  const matrix = (name: string, [inFeatures, outFeatures]: readonly [number, number]) =>
    matrices.set(name, { inFeatures, outFeatures, values: normals(inFeatures * outFeatures) });
  matrix("table", [width, vocabulary]);
  matrix("head", [width, vocabulary]);
  for (const layer of [0, 1])
    for (const [name, sizes] of Object.entries({ ...MATRICES, ...MLP }))
      matrix(`${layer}.${name}.weight`, sizes);
  const gains = new Map(
    ["norm", ...[0, 1].flatMap((layer) => [`${layer}.norm1`, `${layer}.norm2`])].map((name) => [
      `${name}.weight`,
      normals(width),
    ]),
  );
  gains.set("frequencies", Float64Array.of(1, 0.3));
  memory[ids]!.set(Float64Array.from({ length: rows }, () => random.below(vocabulary)));
  memory[positions]!.set(Float64Array.from({ length: rows }, (_, row) => row % length));
  memory[targets]!.set(Float64Array.from({ length: rows }, () => random.below(vocabulary)));
  memory[weights]!.fill(1 / rows);
  memory[values]!.set(normals(placement.valueCount));
  memory[indices]!.set(
    adapted.flatMap(({ inFeatures, outFeatures }) => [
      ...Array.from({ length: 4 }, (_, i) => i + inFeatures - 4),
      ...Array.from({ length: 5 }, (_, i) => i + outFeatures - 5),
    ]),
  );

  const loss = (): number => {
    for (const slot of slots) slot.fill(Number.NaN);
    for (const call of segments.step!)
      runKernel(call, {
        buffer: (id) => memory[id]!,
        vector: (name) => gains.get(name)!,
        matrix: (name) => matrices.get(name)!,
      });
    return memory[losses]!.reduce((sum, value) => sum + value / rows, 0);
  };
  loss();
  const got = memory[gradient]!.slice();
  const largest = Math.max(...got.map(Math.abs));
  expect(largest).toBeGreaterThan(1e-3);
  const trained = memory[values]!;
  // Every seventh value: all modules of both blocks, both factors.
  for (let i = 0; i < trained.length; i += 7) {
    const value = trained[i]!;
    const [ahead, behind] = [1e-5, -1e-5].map((step) => {
      trained[i] = value + step;
      return loss();
    });
    trained[i] = value;
    expect(Math.abs(got[i]! - (ahead! - behind!) / 2e-5) / largest, `value ${i}`).toBeLessThan(1e-7);
  }
});
