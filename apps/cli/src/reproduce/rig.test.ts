import {
  type AdapterShape,
  type AdapterSlice,
  adapterLayout,
  adapterSize,
  initialAdapter,
  resolveRunConfig,
  subAdapter,
} from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { ARMS, type ArmName } from "./arms.ts";
import type { Lab } from "./lab.ts";
import { rigOf, rulesOf } from "./rig.ts";
import type { SentUpdate } from "./steering.ts";

const SHAPE: AdapterShape = {
  rank: 2,
  alpha: 4,
  modules: [
    { name: "query", inFeatures: 40, outFeatures: 8 },
    { name: "value", inFeatures: 40, outFeatures: 8 },
  ],
  dense: [{ name: "head", shape: [3], initialStandardDeviation: 0 }],
};
const SIZE = adapterSize(SHAPE);
const [A, , OTHER_A] = adapterLayout(SHAPE) as [AdapterSlice, AdapterSlice, AdapterSlice];
const isA = (index: number): boolean =>
  [A, OTHER_A].some(({ offset, size }) => index >= offset && index < offset + size);
const ONES = new Float32Array(SIZE).fill(1);
const KEY = { seed: "s", round: 1, participantId: "p1", dropoutRate: 0.5 };

/** What steps of an arm's round see of an adapter of ones, and what they change; every gradient is of ones. */
async function trained(arm: ArmName, { learningRate = 0, localSteps = 1, batchSeed = "b" }) {
  const seen: Float32Array[] = [];
  const trainer = {
    gradient: async (_batch: unknown, values: Float32Array) => {
      seen.push(values.slice());
      return ONES;
    },
    evaluate: async () => ({ loss: 0 }),
  };
  const config = resolveRunConfig({});
  const rig = rigOf(ARMS[arm].variant, { shape: SHAPE, trainer } as unknown as Lab, config);
  const request = {
    mask: subAdapter(SHAPE, { ...KEY, dropoutRate: 0 }).mask,
    dropoutRate: 0,
    values: ONES,
    training: { ...config.training, localSteps, batchSize: 1, learningRate, weightDecay: 0 },
    batchSeed,
  };
  const windows = [[1, 2, 3, 4]].map((ids) => Int32Array.from(ids));
  const { delta } = await rig.trainer.trainRound(request, { kind: "language-model", windows });
  return { seen, delta };
}

describe("LoRA's input dropout", () => {
  it("drops columns of A anew in each step, and raises the others so that the mean is what it was", async () => {
    const { seen } = await trained("input dropout 0.1", { localSteps: 400 });
    const raised = Math.fround(1 / 0.9);
    let [sum, count] = [0, 0];
    for (const factors of seen) {
      for (const [index, factor] of factors.entries()) {
        if (!isA(index)) expect(factor).toBe(1);
        else if (factor !== 0) expect(factor).toBe(raised);
      }
      for (const { offset } of [A, OTHER_A]) {
        const [first, second] = [0, 40].map((from) => [
          ...factors.slice(offset + from, offset + from + 40),
        ]) as [number[], number[]];
        expect(second).toEqual(first);
        sum += first.reduce((total, factor) => total + factor, 0);
        count += first.length;
      }
    }
    // Of 32,000 draws, four standard deviations of their mean.
    expect(Math.abs(sum / count - 1)).toBeLessThan((4 * Math.sqrt(0.1 / 0.9)) / Math.sqrt(count));
    expect(new Set(seen.map((factors) => factors.join())).size).toBeGreaterThan(390);
    const matrices = seen[0]!;
    expect(matrices.slice(A.offset, A.offset + A.size)).not.toEqual(
      matrices.slice(OTHER_A.offset, OTHER_A.offset + OTHER_A.size),
    );
  });

  it("is drawn by the round and the device, the same again", async () => {
    const [first, again, other] = await Promise.all(
      ["s/1/p1", "s/1/p1", "s/1/p2"].map((batchSeed) => trained("input dropout 0.1", { batchSeed })),
    );
    expect(again).toEqual(first);
    expect(other!.seen).not.toEqual(first!.seen);
  });

  it("moves no value that a step has dropped", async () => {
    const { seen, delta } = await trained("input dropout 0.1", { learningRate: 0.01 });
    for (const [index, change] of delta.entries()) expect(change === 0).toBe(seen[0]![index] === 0);
    expect(delta.filter((change) => change === 0).length).toBeGreaterThan(0);
  });
});

it("FFA-LoRA trains B and what is sent whole, and leaves A as it was drawn", async () => {
  const { seen, delta } = await trained("FFA-LoRA", { learningRate: 0.01, localSteps: 3 });
  for (const [index, change] of delta.entries()) expect(change === 0).toBe(isA(index));
  expect(seen[0]).toEqual(ONES);
});

it("Bernoulli masks keep the share asked for on average, and another number each time", () => {
  const draw = rulesOf("bernoulli", SHAPE).draw!;
  const counts = Array.from({ length: 300 }, (_, i) => {
    const { mask, indices, valueCount } = draw(SHAPE, { ...KEY, round: i + 1 });
    expect(valueCount).toBe(indices.length);
    return mask[0]!.keptColumns.length;
  });
  expect(new Set(counts).size).toBeGreaterThan(5);
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  expect(Math.abs(mean - 20)).toBeLessThan((4 * Math.sqrt(40 * 0.25)) / Math.sqrt(300));
  // The product's own masks keep as many every time.
  const own = (round: number): number => subAdapter(SHAPE, { ...KEY, round }).mask[0]!.keptColumns.length;
  expect(new Set([1, 2, 3, 4, 5].map(own)).size).toBe(1);
});

it("eight-bit updates send with the next one what rounding took", () => {
  const tamper = rulesOf("int8", SHAPE).tamper!;
  const changes = initialAdapter(SHAPE, "changes");
  const indices = Uint32Array.from(changes.keys());
  const largest = Math.max(...changes.slice(A.offset, A.offset + A.size).map(Math.abs));
  const sums = new Float64Array(SIZE);
  const rounds = 50;
  for (let round = 1; round <= rounds; round++) {
    const sent = tamper("p1", round, changes, indices);
    const levels = sent.slice(A.offset, A.offset + A.size);
    const most = Math.max(...levels.map(Math.abs));
    for (const value of levels)
      expect(Math.abs((127 * value) / most - Math.round((127 * value) / most))).toBeLessThan(1e-3);
    for (const [index, value] of sent.entries()) sums[index] = sums[index]! + value;
  }
  // What is missing of all rounds is less than one step of rounding; without the errors it would grow with every round.
  const step = (1.1 * largest) / 127;
  for (let index = A.offset; index < A.offset + A.size; index++)
    expect(Math.abs(sums[index]! - rounds * changes[index]!)).toBeLessThan(step);
  // Of each device its own.
  expect(tamper("p2", 1, changes, indices)).toEqual(
    rulesOf("int8", SHAPE).tamper!("p2", 1, changes, indices),
  );
});

it("Horvitz and Thompson's mean is what all would send, on average over masks", async () => {
  const combine = rulesOf("horvitz-thompson", SHAPE).combine!;
  const before = initialAdapter(SHAPE, "before");
  const changes = initialAdapter(SHAPE, "changes").map((value) => value + 0.1);
  const draws = 4000;
  const sums = new Float64Array(SIZE);
  for (let round = 1; round <= draws; round++) {
    const { indices } = subAdapter(SHAPE, { ...KEY, round });
    const update: SentUpdate = {
      participantId: "p1",
      indices,
      changes: Float32Array.from(indices, (index) => changes[index]!),
      weight: 3,
      dropoutRate: KEY.dropoutRate,
    };
    const after = await combine({ before, mean: before, updates: [update] });
    for (const [index, value] of after.entries()) sums[index] = sums[index]! + value - before[index]!;
    if (round > 1) continue;
    // What was kept by chance counts for what was not; the head is always sent whole.
    for (const index of indices)
      expect(after[index]! - before[index]!).toBeCloseTo(changes[index]! * (index < SIZE - 3 ? 2 : 1), 5);
  }
  for (const [index, sum] of sums.entries())
    expect(Math.abs(sum / draws / changes[index]! - 1)).toBeLessThan(4.5 / Math.sqrt(draws));
});
