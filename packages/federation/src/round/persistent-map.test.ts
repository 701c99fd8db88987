import fc from "fast-check";
import { expect, it } from "vitest";
import { type PersistentMap, persistentMap } from "./persistent-map.ts";

const changes = fc.array(
  fc.record({
    /** Goes on from this share of the versions so far: mostly the newest. */
    from: fc.oneof(
      { weight: 4, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    ),
    key: fc.integer({ min: 0, max: 40 }),
    value: fc.option(fc.nat(), { nil: null }),
  }),
  { maxLength: 300 },
);

it("is in every version what a copied Map would be, order included", () => {
  fc.assert(
    fc.property(changes, (steps) => {
      const versions: { persistent: PersistentMap<number, number>; copied: Map<number, number> }[] = [
        { persistent: persistentMap([[7, 7]]), copied: new Map([[7, 7]]) },
      ];
      for (const { from, key, value } of steps) {
        const base = versions[Math.round(from * (versions.length - 1))]!;
        const copied = new Map(base.copied);
        if (value === null) copied.delete(key);
        else copied.set(key, value);
        versions.push({
          persistent: value === null ? base.persistent.without(key) : base.persistent.with(key, value),
          copied,
        });
      }
      for (const { persistent, copied } of [...versions, ...versions.reverse()]) {
        expect([...persistent]).toEqual([...copied]);
        expect(persistent.size).toBe(copied.size);
        for (let key = 0; key <= 40; key++) {
          expect(persistent.get(key)).toBe(copied.get(key));
          expect(persistent.has(key)).toBe(copied.has(key));
        }
      }
    }),
    { numRuns: 200 },
  );
});

it("goes on with an iteration while other versions are made and read", () => {
  const first = persistentMap(Array.from({ length: 5 }, (_, i) => [i, i] as const));
  const seen: number[] = [];
  for (const [key] of first) {
    first
      .without(key)
      .with(key + 10, 0)
      .get(0);
    seen.push(key);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});
