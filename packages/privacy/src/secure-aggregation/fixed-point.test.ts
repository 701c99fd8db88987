import { atOnce } from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginMean } from "../../../federation/src/update/exact-mean.ts";
import { fixedPointFor, packNumbers, toReal, toWords, unpackNumbers } from "./fixed-point.ts";
import { addMask } from "./mask-stream.ts";

const big = (numbers: Uint32Array, position: number, words: number): bigint => {
  let value = 0n;
  for (let w = words - 1; w >= 0; w--)
    value = (value << 32n) | BigInt(numbers[position * words + w] as number);
  return value;
};

describe("numbers under masks", () => {
  it("add up, masked and unmasked again, to the bits of the plain mean", () => {
    const device = fc.record({
      weight: fc.integer({ min: 1, max: 2 ** 20 }),
      changes: fc.array(fc.float({ min: -32, max: 32, noNaN: true }), { minLength: 4, maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(device, { minLength: 1, maxLength: 8 }), (devices) => {
        const total = devices.reduce((sum, { weight }) => sum + weight, 0);
        const format = fixedPointFor(32, total);
        const plain = beginMean(4);
        const sum = new Uint32Array(4 * format.words);
        const indices = Uint32Array.of(0, 1, 2, 3);
        devices.forEach(({ weight, changes }, k) => {
          const values = Float32Array.from(changes);
          atOnce(plain.take({ participantId: `p${k}`, changes: values, indices, weight }));
          const numbers = toWords(values, weight, format);
          atOnce(addMask(numbers, format.words, indices, new Uint8Array(32).fill(k), 1));
          const arrived = unpackNumbers(packNumbers(numbers, format), format);
          atOnce(addMask(arrived, format.words, indices, new Uint8Array(32).fill(k), -1));
          for (let i = 0; i < 4; i++) {
            const modulus = 1n << BigInt(32 * format.words);
            let value = (big(sum, i, format.words) + big(arrived, i, format.words)) % modulus;
            for (let w = 0; w < format.words; w++, value >>= 32n)
              sum[i * format.words + w] = Number(value & 0xffffffffn);
          }
        });
        const adapter = Float32Array.of(0, 0.25, -1, 1e-3);
        const masked = adapter.map((value, i) => value + toReal(sum, i, format) / total);
        expect([...masked]).toEqual([...atOnce(plain.finish(adapter)).adapter]);
      }),
      { numRuns: 300 },
    );
  });

  it("take the bytes that the sum needs, and no more", () => {
    expect(fixedPointFor(2 ** -6, 2 ** 14).bytes).toBe(8); // 2⁸·2⁵⁴ and a sign: 63 bits and some
    expect(fixedPointFor(32, 2 ** 20)).toMatchObject({ bytes: 11, words: 3 });
    expect(fixedPointFor(1, 64, 10)).toMatchObject({ bytes: 3, words: 1 });
    expect(() => fixedPointFor(32, 2 ** 40)).toThrow("expected sums within");
  });

  it("hold the largest sums of either sign in the bytes that were chosen", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 20 }),
        fc.integer({ min: -10, max: 5 }),
        fc.constantFrom(-1, 1),
        (weight, power, sign) => {
          const limit = 2 ** power;
          const format = fixedPointFor(limit, weight);
          const numbers = unpackNumbers(
            packNumbers(toWords(Float32Array.of(sign * limit, 99 * sign), weight, format), format),
            format,
          );
          expect(toReal(numbers, 0, format)).toBe(sign * limit * weight);
          expect(toReal(numbers, 1, format)).toBe(sign * limit * weight); // cut to the limit
        },
      ),
    );
  });

  it("carry noise in coarser grains", () => {
    const format = fixedPointFor(1, 4, 12, 2 ** 20);
    const numbers = toWords(Float32Array.of(0.5, -0.5), 2, format, Float64Array.of(3, -70_000));
    expect(toReal(numbers, 0, format)).toBe(1 + 3 / 4096);
    expect(toReal(numbers, 1, format)).toBe(-1 - 70_000 / 4096);
  });
});
