/**
 * The safetensors container: named arrays in one file. No model knowledge.
 *
 * | offset | bytes | field                                                              |
 * |--------|-------|--------------------------------------------------------------------|
 * | 0      | 8     | header length n, u64 little-endian                                 |
 * | 8      | n     | JSON: name → { dtype, shape, data_offsets: [begin, end] }          |
 * | 8 + n  | …     | the arrays, row-major little-endian; offsets count from here       |
 *
 * Everything is read as f32 (f16 and bf16 are widened exactly); a tensor that nobody reads may be of any dtype. Source: github.com/huggingface/safetensors, format.
 */
import { fromFloat16s } from "@fedlodrop/protocol";
import type { TensorMap } from "../models/named-tensor.ts";
import type { TensorSource } from "../models/tensor-source.ts";
import { type ByteSource, readAhead } from "./bytes.ts";

const LENGTH_BYTES = 8;
/** The reference implementation's own limit; keeps a hostile length from being allocated. */
const MAX_HEADER_BYTES = 100_000_000;

interface Dtype {
  readonly bytes: number;
  /** The values of whole, aligned little-endian bytes; perhaps a view of them. */
  readonly widen: (bytes: Uint8Array) => Float32Array;
}

const DTYPES: Readonly<Record<string, Dtype>> = {
  F32: {
    bytes: 4,
    widen: ({ buffer, byteOffset, length }) => new Float32Array(buffer, byteOffset, length / 4),
  },
  F16: {
    bytes: 2,
    widen: ({ buffer, byteOffset, length }) => fromFloat16s(new Uint16Array(buffer, byteOffset, length / 2)),
  },
  BF16: {
    bytes: 2,
    // bfloat16 is the upper half of an f32.
    widen({ buffer, byteOffset, length }) {
      const halves = new Uint16Array(buffer, byteOffset, length / 2);
      const wide = new Uint32Array(halves.length);
      for (let i = 0; i < halves.length; i++) wide[i] = (halves[i] as number) << 16;
      return new Float32Array(wide.buffer);
    },
  },
};

/** A file whose header alone has been read. */
export interface Container {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** A tensor's values, widened. @throws one line when there is no such tensor, or none that can be widened */
  read(name: string): Promise<Float32Array>;
  /** Its bytes, which are `dtype`'s, of `valueBytes` each. @throws one line when they are others */
  bytes(name: string, dtype: string, valueBytes: number): Promise<Uint8Array>;
}

/** @throws one line that says which part of the file is wrong; no input makes it read out of bounds. */
export async function openContainer(source: ByteSource): Promise<Container> {
  const file = readAhead(source);
  const { byteLength } = file;
  if (byteLength < LENGTH_BYTES)
    throw new Error(`safetensors: expected at least ${LENGTH_BYTES} bytes, got ${byteLength}`);
  const { metadata, places } = placesIn(
    await file.read(LENGTH_BYTES, dataStartOf(await file.read(0, LENGTH_BYTES), byteLength)),
    byteLength,
  );
  const placeOf = (name: string): Place => {
    const place = places.get(name);
    if (!place) throw new Error(`safetensors: expected a tensor ${name}, got none`);
    return place;
  };
  /** At an address that views of so wide values may begin at. */
  const aligned = async ({ begin, end }: Place, valueBytes: number): Promise<Uint8Array> => {
    const bytes = await file.read(begin, end);
    return bytes.byteOffset % valueBytes === 0 ? bytes : new Uint8Array(bytes);
  };
  return {
    metadata,
    shapes: new Map([...places].map(([name, { shape }]) => [name, shape])),
    async read(name) {
      const place = placeOf(name);
      const dtype = dtypeOf(name, place);
      return dtype.widen(await aligned(place, dtype.bytes));
    },
    async bytes(name, dtype, valueBytes) {
      const place = placeOf(name);
      if (place.dtype !== dtype) fail(name, `expected dtype ${dtype}, got ${JSON.stringify(place.dtype)}`);
      expectFilled(name, place, valueBytes);
      return aligned(place, valueBytes);
    },
  };
}

/** Reads the header alone; each tensor when it is asked for. @throws as `openContainer` does */
export const openSafetensors = (source: ByteSource): Promise<TensorSource> => openContainer(source);

/** All tensors of a file in memory. @throws as `openSafetensors` does */
export function parseSafetensors(bytes: Uint8Array): TensorMap {
  if (bytes.byteLength < LENGTH_BYTES)
    throw new Error(`safetensors: expected at least ${LENGTH_BYTES} bytes, got ${bytes.byteLength}`);
  const header = bytes.subarray(LENGTH_BYTES, dataStartOf(bytes, bytes.byteLength));
  return new Map(
    [...placesIn(header, bytes.byteLength).places].map(([name, place]) => {
      const dtype = dtypeOf(name, place);
      // A copy, also of Node's Buffers, whose slice is none.
      const own = new Uint8Array(bytes.subarray(place.begin, place.end));
      return [name, { shape: place.shape, values: dtype.widen(own) }];
    }),
  );
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

/** Where the arrays begin, from the file's first bytes. */
function dataStartOf(bytes: Uint8Array, byteLength: number): number {
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const available = byteLength - LENGTH_BYTES;
  if (headerBytes > BigInt(Math.min(available, MAX_HEADER_BYTES)))
    throw new Error(
      `safetensors: header says ${headerBytes} bytes, but the file has ${available} after the length (corrupt or cut short?)`,
    );
  return LENGTH_BYTES + Number(headerBytes);
}

/** Every tensor's place, in the order of the file, and what is said beside them. */
function placesIn(
  header: Uint8Array,
  byteLength: number,
): { readonly metadata: Readonly<Record<string, unknown>>; readonly places: ReadonlyMap<string, Place> } {
  const dataStart = LENGTH_BYTES + header.byteLength;
  const { __metadata__: metadata, ...entries } = parseHeader(header) as Readonly<Record<string, unknown>>;
  const places = Object.entries(entries).map(
    ([name, entry]) => [name, checkPlace(name, entry, dataStart, byteLength)] as const,
  );
  return {
    metadata: (metadata ?? {}) as Readonly<Record<string, unknown>>,
    places: new Map(places.sort(([, a], [, b]) => a.begin - b.begin)),
  };
}

/** A header entry whose offsets, counted from the file's first byte here, lie in the file. */
interface Place {
  readonly dtype: unknown;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function fail(name: string, what: string): never {
  throw new Error(`safetensors: tensor ${JSON.stringify(name.slice(0, 80))}: ${what}`);
}

function checkPlace(name: string, entry: unknown, dataStart: number, byteLength: number): Place {
  if (typeof entry !== "object" || entry === null) fail(name, "expected an object in the header");
  const { dtype, shape, data_offsets: offsets } = entry as Readonly<Record<string, unknown>>;
  if (!isCounts(shape)) fail(name, `expected a shape of whole numbers, got ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2)
    fail(name, `expected data_offsets [begin, end], got ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const dataBytes = byteLength - dataStart;
  if (end > dataBytes || begin > end)
    fail(name, `expected offsets inside ${dataBytes} data bytes, got [${begin}, ${end}]`);
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** The dtype, when its values can be read and fill the place exactly. */
function dtypeOf(name: string, place: Place): Dtype {
  const { dtype: dtypeName } = place;
  const dtype =
    typeof dtypeName === "string" && Object.hasOwn(DTYPES, dtypeName) ? DTYPES[dtypeName] : undefined;
  if (dtype === undefined)
    return fail(name, `expected dtype ${Object.keys(DTYPES).join(", ")}, got ${JSON.stringify(dtypeName)}`);
  expectFilled(name, place, dtype.bytes);
  return dtype;
}

function expectFilled(name: string, { shape, begin, end }: Place, valueBytes: number): void {
  const expectedBytes = valueBytes * shape.reduce((product, extent) => product * extent, 1);
  if (end - begin !== expectedBytes)
    fail(name, `expected ${expectedBytes} bytes for shape [${shape}], got ${end - begin}`);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
