import { adapterLayout, adapterSize, atOnce, createRandom, initialAdapter, subAdapter } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { boundsOf, factorWithin } from "./update-bounds.ts";
import { createNorms } from "./update-norms.ts";

const shape = {
  rank: 3,
  alpha: 6,
  modules: [
    { name: "a", inFeatures: 17, outFeatures: 11 },
    { name: "b", inFeatures: 8, outFeatures: 23 },
  ],
  dense: [{ name: "head", shape: [2, 5], initialStandardDeviation: 0.1 }],
};

/** ‖(B + f·ΔB)(A + f·ΔA) − BA‖² over all modules, with the products formed in float64. */
function squaredChangeOfProduct(adapter: Float32Array, change: Float64Array, factor: number): number {
  const at = new Map(adapterLayout(shape).map((slice) => [slice.name, slice]));
  let squares = 0;
  for (const { name, inFeatures, outFeatures } of shape.modules) {
    const [a, b] = [at.get(`${name}.loraA`)!.offset, at.get(`${name}.loraB`)!.offset];
    for (let o = 0; o < outFeatures; o++)
      for (let i = 0; i < inFeatures; i++) {
        let entry = 0;
        for (let r = 0; r < shape.rank; r++) {
          const [atA, atB] = [a + r * inFeatures + i, b + o * shape.rank + r];
          const [left, right] = [adapter[atB]!, adapter[atA]!];
          entry += (left + factor * change[atB]!) * (right + factor * change[atA]!) - left * right;
        }
        squares += entry * entry;
      }
  }
  return squares;
}

const random = createRandom("norms");
const adapter = initialAdapter(shape, "norms").map((value) => value + 0.3 * random.normal());
const { indices } = subAdapter(shape, { seed: "s", round: 1, participantId: "p1", dropoutRate: 0.4 });
const changes = Float32Array.from(indices, () => 0.1 * random.normal());
const dense = new Float64Array(adapterSize(shape));
indices.forEach((index, i) => {
  dense[index] = changes[i]!;
});
const normsOf = (update: { changes: Float32Array; indices: Uint32Array }) =>
  atOnce(atOnce(createNorms(shape, adapter))(update));
const norms = normsOf({ changes, indices });

describe("norms of an update", () => {
  it("of the entries", () => {
    expect(norms.largest).toBe(Math.max(...changes.map(Math.abs)));
    const square = changes.reduce((sum, c) => sum + c * c, 0) / changes.length;
    expect(norms.rms).toBeCloseTo(Math.sqrt(square), 7);
  });

  it("of the product, against the product itself, at every factor", () => {
    const share = indices.length / adapterSize(shape);
    for (const factor of [0, 0.01, 0.5, 1, 7]) {
      const expected = Math.sqrt(squaredChangeOfProduct(adapter, dense, factor) / share);
      // Gram matrices are sums of float64 products of f32 values: the last digits only.
      expect(Math.abs(norms.product(factor) - expected)).toBeLessThanOrEqual(1e-9 * (1 + expected));
    }
  });

  it("measures one update after another alike", () => {
    const measure = atOnce(createNorms(shape, adapter));
    atOnce(measure({ changes: changes.map((c) => 5 * c), indices }));
    expect(atOnce(measure({ changes, indices })).product(1)).toBe(norms.product(1));
  });

  it("are zero for an update that changes nothing", () => {
    const { largest, rms, product } = normsOf({ changes: new Float32Array(indices.length), indices });
    expect([largest, rms, product(1)]).toEqual([0, 0, 0]);
  });
});

describe("bounds", () => {
  const training = {
    localSteps: 8,
    batchSize: 4,
    sequenceLength: 64,
    learningRate: 0.01,
    weightDecay: 0,
    rescale: "inverted",
  } as const;
  const honest = (count: number) =>
    Array.from({ length: count }, (_, k) => ({ rms: 0.02 + k * 1e-4, product: 1 + k * 1e-2 }));
  const hostile = (count: number) => Array.from({ length: count }, () => ({ rms: 30, product: 1e6 }));

  it("of the first round are what training can do at all", () => {
    const bounds = boundsOf([], training, adapter);
    expect(bounds.largest).toBeCloseTo(0.084, 12);
    expect(bounds.rms).toBe(bounds.largest);
    expect(bounds.product).toBe(Number.POSITIVE_INFINITY);
  });

  it("leave room for weight decay", () => {
    const most = Math.max(...adapter.map(Math.abs));
    expect(boundsOf([], { ...training, weightDecay: 0.5 }, adapter).largest).toBeCloseTo(
      0.08 * (1.05 + 0.5 * most),
      12,
    );
  });

  it("follow the median: four hostile of ten move them within the honest ones' spread", () => {
    const alone = boundsOf([honest(10)], training, adapter);
    const among = boundsOf([[...honest(6), ...hostile(4)]], training, adapter);
    expect(alone.rms).toBeCloseTo(1.25 * 0.02045, 10);
    expect(among.rms).toBeLessThanOrEqual(1.25 * 0.0206);
    expect(among.product).toBeLessThanOrEqual(1.25 * 1.06);
  });

  it("never exceed what training can do, whoever is in the majority", () => {
    expect(boundsOf([hostile(10)], training, adapter).rms).toBeCloseTo(0.084, 12);
  });

  it("pass over rounds without an update and do not close down after one that changed nothing", () => {
    expect(boundsOf([honest(3), [], [], [], []], training, adapter)).toEqual(
      boundsOf([honest(3)], training, adapter),
    );
    expect(boundsOf([[{ rms: 0, product: 0 }]], training, adapter)).toEqual(boundsOf([], training, adapter));
  });

  it("are met by the factor, closely and from below", () => {
    const none = {
      largest: Number.POSITIVE_INFINITY,
      rms: Number.POSITIVE_INFINITY,
    };
    for (const product of [1e-6, 0.1, 0.5, norms.product(1) / 2]) {
      const factor = factorWithin(norms, { ...none, product });
      expect(norms.product(factor)).toBeLessThanOrEqual(product);
      expect(norms.product(factor)).toBeGreaterThan(product * (1 - 1e-6));
    }
    const product = Number.POSITIVE_INFINITY;
    expect(factorWithin(norms, { ...none, product })).toBe(1);
    expect(factorWithin(norms, { ...none, rms: norms.rms / 4, product })).toBeCloseTo(0.25, 12);
    expect(factorWithin(norms, { ...none, largest: norms.largest / 10, product })).toBeCloseTo(0.1, 12);
    expect(
      factorWithin({ largest: 0, rms: 0, product: () => 0 }, { ...none, largest: 0, rms: 0, product: 0 }),
    ).toBe(1);
  });
});
