import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinShares, splitSecret } from "./shamir.ts";

const anyBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe("shared secrets", () => {
  it("come back from any threshold of the shares", () => {
    fc.assert(
      fc.property(
        anyBytes(32),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.infiniteStream(fc.nat(255)),
        (secret, count, pick, bytes) => {
          const threshold = 1 + (pick % count);
          const random = (length: number) => Uint8Array.from({ length }, () => bytes.next().value as number);
          const shares = splitSecret(secret, count, threshold, random).map((share, place) => ({
            place,
            bytes: share,
          }));
          const chosen = shares
            .map((share, i) => ({ share, key: (i * 7919 + pick) % 101 }))
            .sort((a, b) => a.key - b.key);
          expect(joinShares(chosen.slice(0, threshold).map(({ share }) => share))).toEqual(secret);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are not told by one share fewer: every secret goes with every pair of shares equally often", () => {
    // All polynomials of degree 2 over GF(256) with this secret byte and c1, c2 in a subset: shares 0 and 1 of threshold 3.
    const seen = (secret: number): Set<number> => {
      const pairs = new Set<number>();
      for (let c1 = 0; c1 < 256; c1++)
        for (let c2 = 0; c2 < 256; c2++) {
          const coefficients = [c1, c2];
          const shares = splitSecret(Uint8Array.of(secret), 2 + 1, 3, () =>
            Uint8Array.of(coefficients.shift() as number),
          );
          pairs.add((shares[0]![0] as number) * 256 + (shares[1]![0] as number));
        }
      return pairs;
    };
    // 65536 polynomials, 65536 different pairs: uniform whatever the secret is.
    expect(seen(0).size).toBe(65_536);
    expect(seen(173).size).toBe(65_536);
  });

  it("refuses places that repeat, and thresholds beyond the count", () => {
    expect(() =>
      joinShares([
        { place: 1, bytes: new Uint8Array(1) },
        { place: 1, bytes: new Uint8Array(1) },
      ]),
    ).toThrow("different places");
    expect(() => splitSecret(new Uint8Array(1), 3, 4, (n) => new Uint8Array(n))).toThrow("got 4 of 3");
    expect(() => splitSecret(new Uint8Array(1), 256, 4, (n) => new Uint8Array(n))).toThrow("count ≤ 255");
  });
});
