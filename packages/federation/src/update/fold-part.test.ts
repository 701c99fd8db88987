import { adapterSize, atOnce, createRandom, drawDropoutMask, keptIndices } from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginFold, type Fold, type FoldedRound } from "./fold.ts";
import type { Update } from "./update-rule.ts";

const shape = {
  rank: 3,
  alpha: 6,
  modules: [
    { name: "a", inFeatures: 17, outFeatures: 11 },
    { name: "b", inFeatures: 8, outFeatures: 23 },
  ],
  dense: [],
};
const size = adapterSize(shape);
const adapter = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
/** Tight enough that some updates are scaled. */
const bounds = { largest: 1, rms: 0.4, product: 3 };

function drawUpdates(seed: number, count: number): readonly Update[] {
  return Array.from({ length: count }, (_, k) => {
    const random = createRandom("parts", seed, k);
    const participantId = `p${k + 1}`;
    const key = { seed: "s", round: 1, participantId, dropoutRate: 0.8 * random.uniform() };
    const indices = keptIndices(shape, drawDropoutMask(shape, key));
    // From far below a grain to the largest that is let in.
    const scale = 10 ** (-9 * random.uniform()) * 8;
    const changes = Float32Array.from(indices, () => Math.max(-32, Math.min(32, scale * random.normal())));
    return { participantId, changes, indices, weight: 1 + random.below(5000) };
  });
}

const begin = (rule: "mean" | "clipped-mean"): Fold =>
  beginFold(rule, { shape, adapter, bounds, isLeftOut: (id) => id === "p3" });

function take(fold: Fold, updates: readonly Update[]): void {
  for (const update of updates) atOnce(fold.admit(update));
}

/** As an owner does it: it has some updates itself, and is sent the parts and then the agreements of the others. */
function foldInParts(rule: "mean" | "clipped-mean", groups: readonly (readonly Update[])[]): FoldedRound {
  const [here = [], ...others] = groups;
  const owner = begin(rule);
  take(owner, here);
  const gateways = others.map((updates) => {
    const fold = begin(rule);
    take(fold, updates);
    return fold;
  });
  for (const gateway of gateways) atOnce(owner.merge(structuredClone(atOnce(gateway.part()))));
  const { sketches } = atOnce(owner.part());
  const elsewhere = new Map(gateways.flatMap((gateway) => [...atOnce(gateway.agreements(sketches))]));
  return atOnce(owner.finish(elsewhere));
}

/** NaN and −0 count. */
const bits = (values: Float32Array | undefined): readonly number[] =>
  values ? [...new Uint32Array(values.slice().buffer)] : [];

describe("a fold in parts", () => {
  it("is to the bit the fold of everything, whoever took what in which order", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("mean" as const, "clipped-mean" as const),
        fc.nat(1_000_000),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 24 }),
        fc.infiniteStream(fc.nat()),
        (rule, seed, places, luck) => {
          const updates = drawUpdates(seed, places.length);
          const whole = begin(rule);
          take(whole, updates);
          const expected = atOnce(whole.finish());
          const order = updates.map((update, k) => ({ update, place: places[k], at: luck.next().value }));
          order.sort((a, b) => a.at - b.at);
          const groups = [0, 1, 2, 3].map((place) =>
            order.filter((one) => one.place === place).map(({ update }) => update),
          );
          const got = foldInParts(rule, groups);
          expect(bits(got.adapter)).toEqual(bits(expected.adapter));
          expect([...got.contributions]).toEqual([...expected.contributions]);
          expect([...got.agreements]).toEqual([...expected.agreements]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes no update twice, no other adapter's, and no rule that has to see every update", () => {
    const updates = drawUpdates(1, 2);
    const [one, other] = [begin("mean"), begin("mean")];
    take(one, updates);
    take(other, updates.slice(1));
    const part = atOnce(other.part());
    expect(() => atOnce(one.merge(part))).toThrow(
      "partial sum: expected the update of p2 once, got it again",
    );
    const small = { ...shape, modules: shape.modules.slice(1) };
    const terms = { bounds, isLeftOut: () => false };
    const another = beginFold("mean", {
      ...terms,
      shape: small,
      adapter: new Float32Array(adapterSize(small)),
    });
    expect(() => atOnce(another.merge(part))).toThrow("partial sum: expected 93 values, got 177");
    const median = beginFold("median", { ...terms, shape, adapter });
    expect(() => atOnce(median.part())).toThrow("median has to see every update");
  });
});
