/**
 * The safetensors container: named arrays in one file. No model knowledge.
 *
 * | offset | bytes | field                                                              |
 * |--------|-------|--------------------------------------------------------------------|
 * | 0      | 8     | header length n, u64 little-endian                                 |
 * | 8      | n     | JSON: name → { dtype, shape, data_offsets: [begin, end] }          |
 * | 8 + n  | …     | the arrays, row-major little-endian; offsets count from here       |
 *
 * Everything is read as f32 (f16 and bf16 are widened exactly); what is not wanted may be of any dtype. Source: github.com/huggingface/safetensors, format.
 */
import { fromFloat16Bits } from "@fedlodrop/protocol";
import type { NamedTensor, TensorMap } from "../models/named-tensor.ts";

const LENGTH_BYTES = 8;
/** The reference implementation's own limit; keeps a hostile length from being allocated. */
const MAX_HEADER_BYTES = 100_000_000;

interface Dtype {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
}

const bfloat = new DataView(new ArrayBuffer(4));
const DTYPES: Readonly<Record<string, Dtype>> = {
  F32: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
  F16: { bytes: 2, read: (view, offset) => fromFloat16Bits(view.getUint16(offset, true)) },
  BF16: {
    bytes: 2,
    // bfloat16 is the upper half of an f32.
    read: (view, offset) => {
      bfloat.setUint32(0, view.getUint16(offset, true) << 16);
      return bfloat.getFloat32(0);
    },
  },
};

/** @param isWanted by name; what is not wanted (a mask buffer of some integer type) is only checked to lie in the file
 *  @throws one line that says which part of the file is wrong; no input makes it read out of bounds. */
export function parseSafetensors(
  bytes: Uint8Array,
  isWanted: (name: string) => boolean = () => true,
): TensorMap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < LENGTH_BYTES)
    throw new Error(`safetensors: expected at least ${LENGTH_BYTES} bytes, got ${bytes.byteLength}`);
  const headerBytes = view.getBigUint64(0, true);
  const available = bytes.byteLength - LENGTH_BYTES;
  if (headerBytes > BigInt(Math.min(available, MAX_HEADER_BYTES)))
    throw new Error(
      `safetensors: header says ${headerBytes} bytes, but the file has ${available} after the length (corrupt or cut short?)`,
    );
  const dataStart = LENGTH_BYTES + Number(headerBytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart));
  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const place = checkPlace(name, entry, bytes.byteLength - dataStart);
    if (!isWanted(name)) continue;
    const { shape, begin, end } = place;
    const dtype = dtypeOf(name, place);
    const values = new Float32Array((end - begin) / dtype.bytes);
    for (let i = 0; i < values.length; i++) values[i] = dtype.read(view, dataStart + begin + i * dtype.bytes);
    tensors.set(name, { shape, values });
  }
  return tensors;
}

/** Writes every tensor as f32, in map order. */
export function serializeSafetensors(
  tensors: TensorMap,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let dataBytes = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [dataBytes, dataBytes + 4 * values.length] };
    dataBytes += 4 * values.length;
  }
  const json = JSON.stringify(header);
  // The reference writer pads the header with spaces, so that the arrays start on a multiple of 8.
  const text = new TextEncoder().encode(json);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes).fill(
    0x20,
    LENGTH_BYTES,
    LENGTH_BYTES + headerBytes,
  );
  bytes.set(text, LENGTH_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  let offset = LENGTH_BYTES + headerBytes;
  for (const { values } of tensors.values())
    for (const value of values) {
      view.setFloat32(offset, value, true);
      offset += 4;
    }
  return bytes;
}

function parseHeader(bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error("safetensors: expected a JSON header, got other bytes", { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new Error("safetensors: expected the header to be a JSON object");
  return header;
}

/** A header entry whose offsets lie in the file. */
interface Place {
  readonly dtype: unknown;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function fail(name: string, what: string): never {
  throw new Error(`safetensors: tensor ${JSON.stringify(name.slice(0, 80))}: ${what}`);
}

function checkPlace(name: string, entry: unknown, dataBytes: number): Place {
  if (typeof entry !== "object" || entry === null) fail(name, "expected an object in the header");
  const { dtype, shape, data_offsets: offsets } = entry as Readonly<Record<string, unknown>>;
  if (!isCounts(shape)) fail(name, `expected a shape of whole numbers, got ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2)
    fail(name, `expected data_offsets [begin, end], got ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  if (end > dataBytes || begin > end)
    fail(name, `expected offsets inside ${dataBytes} data bytes, got [${begin}, ${end}]`);
  return { dtype, shape, begin, end };
}

/** The dtype, when its values can be read and fill the place exactly. */
function dtypeOf(name: string, { dtype: dtypeName, shape, begin, end }: Place): Dtype {
  const dtype =
    typeof dtypeName === "string" && Object.hasOwn(DTYPES, dtypeName) ? DTYPES[dtypeName] : undefined;
  if (dtype === undefined)
    return fail(name, `expected dtype ${Object.keys(DTYPES).join(", ")}, got ${JSON.stringify(dtypeName)}`);
  const expectedBytes = dtype.bytes * shape.reduce((product, extent) => product * extent, 1);
  if (end - begin !== expectedBytes)
    fail(name, `expected ${expectedBytes} bytes for shape [${shape}], got ${end - begin}`);
  return dtype;
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
