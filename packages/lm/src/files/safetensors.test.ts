import { createRandom } from "@fedlodrop/run";
import { describe, expect, test } from "vitest";
import { allTensors } from "../models/tensor-source.ts";
import { bytesInMemory } from "./bytes.ts";
import { openSafetensors, parseSafetensors, serializeSafetensors } from "./safetensors.ts";

const open = (bytes: Uint8Array) => openSafetensors(bytesInMemory(bytes));
const readAll = async (bytes: Uint8Array) => allTensors(await open(bytes));

/** A file from its header text and data, as any writer might make it. */
function file(header: string | object, data: readonly number[] = [], lengthShift = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length + lengthShift), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

test("what was serialised is read back to the bit, from any offset in a buffer", async () => {
  const random = createRandom("safetensors");
  const tensors = new Map([
    ["h.0.weight", { shape: [3, 4], values: Float32Array.from({ length: 12 }, () => random.normal()) }],
    ["scalar", { shape: [], values: Float32Array.of(-0.5) }],
    ["none", { shape: [0, 7], values: new Float32Array(0) }],
    ["ümlaut", { shape: [2], values: Float32Array.of(1e-40, 3e38) }],
  ]);
  const bytes = serializeSafetensors(tensors, { rank: "8" });
  expect(parseSafetensors(bytes)).toEqual(tensors);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const each of [bytes, shifted.subarray(3), Buffer.from(shifted.buffer, 3)]) {
    expect(parseSafetensors(each)).toEqual(tensors);
    expect(await readAll(each)).toEqual(tensors);
  }
});

test("halves and bfloats are widened exactly", () => {
  const header = {
    half: { dtype: "F16", shape: [3], data_offsets: [0, 6] },
    brain: { dtype: "BF16", shape: [2], data_offsets: [6, 10] },
  };
  // f16: 1.5, −2, smallest subnormal. bf16: 3.140625, −0.0078125.
  const data = [0x00, 0x3e, 0x00, 0xc0, 0x01, 0x00, 0x49, 0x40, 0x00, 0xbc];
  const tensors = parseSafetensors(file(header, data));
  expect([...(tensors.get("half")?.values ?? [])]).toEqual([1.5, -2, 2 ** -24]);
  expect([...(tensors.get("brain")?.values ?? [])]).toEqual([3.140625, -0.0078125]);
});

test("what nobody reads may be of any dtype, known or not, but not lie outside the file", async () => {
  const weight = { dtype: "F32", shape: [1], data_offsets: [8, 12] };
  for (const dtype of ["U8", "BOOL", "I64", "F8_E4M3", "SOMETHING_NEW"]) {
    const buffer = { dtype, shape: [8], data_offsets: [0, 8] };
    const bytes = file({ buffer, weight }, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 128, 63]);
    const tensors = await open(bytes);
    expect([...tensors.shapes.keys()]).toEqual(["buffer", "weight"]);
    expect(await tensors.read("weight")).toEqual(Float32Array.of(1));
    await expect(tensors.read("buffer")).rejects.toThrow(
      `safetensors: tensor "buffer": expected dtype F32, F16, BF16, got "${dtype}"`,
    );
  }
  const beyond = file({ buffer: { dtype: "U8", shape: [8], data_offsets: [0, 99] }, weight }, [0, 0, 0, 0]);
  await expect(open(beyond)).rejects.toThrow(/"buffer": expected offsets inside 4 data bytes/);
});

describe("a hostile file gives one line", () => {
  const tensor = { dtype: "F32", shape: [1], data_offsets: [0, 4] };
  const four = [0, 0, 0, 0];
  test.each([
    ["no length", new Uint8Array(5), "safetensors: expected at least 8 bytes, got 5"],
    ["cut header", file("{}", [], 9), /header says 11 bytes, but the file has 2 after the length/],
    ["absurd length", new Uint8Array(8).fill(0xff), /header says 18446744073709551615 bytes/],
    ["not JSON", file("{nope"), "safetensors: expected a JSON header, got other bytes"],
    ["not UTF-8", file("{}", [], 0).map((b, i) => (i === 8 ? 0xff : b)), /expected a JSON header/],
    ["an array", file("[]"), "safetensors: expected the header to be a JSON object"],
    ["null entry", file({ a: null }), 'safetensors: tensor "a": expected an object in the header'],
    [
      "unknown dtype",
      file({ a: { ...tensor, dtype: "I64" } }, four),
      /expected dtype F32, F16, BF16, got "I64"/,
    ],
    ["dtype of a prototype", file({ a: { ...tensor, dtype: "toString" } }, four), /expected dtype/],
    [
      "negative extent",
      file({ a: { ...tensor, shape: [-1] } }, four),
      /expected a shape of whole numbers, got \[-1\]/,
    ],
    ["huge extent", file({ a: { ...tensor, shape: [1e300] } }, four), /expected a shape of whole numbers/],
    [
      "overflowing shape",
      file({ a: { ...tensor, shape: [2 ** 52, 2 ** 52] } }, four),
      /expected \S+ bytes for shape/,
    ],
    [
      "no offsets",
      file({ a: { dtype: "F32", shape: [1] } }, four),
      /expected data_offsets \[begin, end\], got undefined/,
    ],
    [
      "offsets beyond the file",
      file({ a: { ...tensor, data_offsets: [4, 8] } }, four),
      /expected offsets inside 4 data bytes, got \[4, 8\]/,
    ],
    ["offsets backwards", file({ a: { ...tensor, data_offsets: [4, 0] } }, four), /expected offsets inside/],
    [
      "offsets of another size",
      file({ a: { ...tensor, data_offsets: [0, 3] } }, four),
      /expected 4 bytes for shape \[1\], got 3/,
    ],
  ])("%s", async (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(message);
    await expect(readAll(bytes)).rejects.toThrow(message);
    try {
      parseSafetensors(bytes);
    } catch (error) {
      expect((error as Error).message).not.toContain("\n");
    }
  });

  test("random damage never escapes as anything but an Error from here", async () => {
    const random = createRandom("damage");
    const whole = serializeSafetensors(new Map([["a", { shape: [4], values: new Float32Array(4) }]]));
    for (let trial = 0; trial < 500; trial++) {
      const bytes = whole.slice(0, random.below(4) === 0 ? random.below(whole.length + 1) : whole.length);
      for (let i = 0; i < 3 && bytes.length > 0; i++) bytes[random.below(bytes.length)] = random.below(256);
      for (const read of [async () => parseSafetensors(bytes), () => readAll(bytes)])
        await read().catch((error: Error) => expect(error.message).toMatch(/^safetensors: /));
    }
  });
});
