import { createRandom, drawDropoutMask, keptIndices } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { fromFloat16Bits, toFloat16Bits } from "./float16.ts";
import {
  bytesPerValue,
  decodeSparseValues,
  encodeSparseValues,
  payloadBytes,
  SPARSE_HEADER_BYTES,
} from "./sparse-values.ts";

const shape = { rank: 4, alpha: 8, modules: [{ name: "m", inFeatures: 31, outFeatures: 17 }], dense: [] };

describe("sparse values", () => {
  it.each(["f32", "f16"] as const)("come back as they were, %s, on seeded masks", (valueType) => {
    for (let round = 1; round <= 30; round++) {
      const random = createRandom("codec", round);
      const dropoutRate = 0.95 * random.uniform();
      const { length } = keptIndices(
        shape,
        drawDropoutMask(shape, { seed: "s", round, participantId: "p1", dropoutRate }),
      );
      const values = Float32Array.from({ length }, () => random.normal());
      const bytes = encodeSparseValues(values, round, valueType);
      expect(bytes.byteLength).toBe(SPARSE_HEADER_BYTES + length * bytesPerValue(valueType));
      expect(bytes.byteLength).toBe(payloadBytes(length, valueType));
      const expected = valueType === "f32" ? values : values.map((v) => fromFloat16Bits(toFloat16Bits(v)));
      const decoded = decodeSparseValues(bytes, { round, valueCount: length, valueType });
      expect(decoded).toEqual({ kind: "values", values: expected });
    }
  });

  it("have a header within 256 bytes", () => {
    expect(SPARSE_HEADER_BYTES).toBeLessThanOrEqual(256);
  });

  // The format, byte for byte: "FLDV", version, type, zero, round, count, values.
  const golden = {
    f32: "464c4456 01 00 0000 07000000 03000000 0000803f 000020c0 00000033",
    f16: "464c4456 01 01 0000 07000000 03000000 003c 00c1 0100",
  };
  const goldenValues = Float32Array.of(1, -2.5, 2 ** -25);
  it.each(["f32", "f16"] as const)("match the stored bytes, %s", (valueType) => {
    // The least half is 2⁻²⁴: 2⁻²⁵ would round to 0.
    const values = valueType === "f32" ? goldenValues : Float32Array.of(1, -2.5, 2 ** -24);
    const bytes = encodeSparseValues(values, 7, valueType);
    expect(Buffer.from(bytes).toString("hex")).toBe(golden[valueType].replaceAll(" ", ""));
  });

  const expected = { round: 7, valueCount: 3, valueType: "f32" } as const;
  const altered = (change: (view: DataView) => void): Uint8Array => {
    const bytes = encodeSparseValues(goldenValues, 7, "f32");
    change(new DataView(bytes.buffer));
    return bytes;
  };
  it.each([
    ["wrong-length", altered(() => {}).subarray(0, 27)],
    ["wrong-length", new Uint8Array(0)],
    ["wrong-length", new Uint8Array(29)],
    ["wrong-header", altered((view) => view.setUint8(0, 0))],
    ["wrong-header", altered((view) => view.setUint8(4, 2))],
    ["wrong-header", altered((view) => view.setUint8(5, 1))],
    ["wrong-header", altered((view) => view.setUint8(5, 9))],
    ["wrong-header", altered((view) => view.setUint32(12, 0xffffffff, true))],
    ["stale-round", altered((view) => view.setUint32(8, 6, true))],
    ["non-finite", altered((view) => view.setFloat32(20, Number.NaN, true))],
    ["non-finite", altered((view) => view.setFloat32(24, Number.NEGATIVE_INFINITY, true))],
  ])("are refused: %s", (reason, bytes) => {
    expect(decodeSparseValues(bytes, expected)).toMatchObject({ kind: "refused", reason });
  });

  it("never throw on hostile bytes, at any alignment", () => {
    const random = createRandom("hostile");
    for (let i = 0; i < 2000; i++) {
      const buffer = Uint8Array.from({ length: 64 }, () => random.below(256));
      const bytes = buffer.subarray(random.below(8), random.below(2) ? 28 + random.below(8) : 64);
      expect(["values", "refused"]).toContain(decodeSparseValues(bytes, expected).kind);
    }
  });

  it("are read from an odd offset of a larger buffer", () => {
    const bytes = new Uint8Array(40);
    bytes.set(encodeSparseValues(goldenValues, 7, "f32"), 3);
    expect(decodeSparseValues(bytes.subarray(3, 31), expected)).toEqual({
      kind: "values",
      values: goldenValues,
    });
  });
});
