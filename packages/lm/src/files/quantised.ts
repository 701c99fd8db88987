/**
 * A model's weights in fewer bits, as a safetensors file: what devices fetch in place of the original.
 *
 * A matrix M is held in the order [out, in] whatever the original had: f16 as F16 [out, in]; int8 as codes I8 [out, in]
 * and `M.scales` F32 [out]; int4 as U8 [out, ⌈in/2⌉], two codes + 8 a byte, the earlier in the lower half, and `M.scales`
 * F32 [out, ⌈in/32⌉]. Everything else is F32 as it was. The metadata `fedlodrop.matrices` says which matrices there are,
 * and which way the original had them, so that the file reads like the original.
 */

import { architectureOf } from "../models/architecture.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Parameter } from "../models/parameters.ts";
import type { TensorSource } from "../models/tensor-source.ts";
import { weightsOf } from "../models/weights.ts";
import { quantise, turned, widen } from "../plan/quantise.ts";
import { type BaseType, heldIn, INT4_BLOCK, type PackedMatrix } from "../plan/weight.ts";
import type { ByteSource } from "./bytes.ts";
import { type Container, openContainer } from "./safetensors.ts";

type PackedBase = Exclude<BaseType, "f32">;

interface Packing {
  readonly base: PackedBase;
  readonly order: "in-out" | "out-in";
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** What codes, or halves, are in the file. */
const STORED: Readonly<Record<PackedBase, { readonly dtype: string; readonly valueBytes: number }>> = {
  f16: { dtype: "F16", valueBytes: 2 },
  int8: { dtype: "I8", valueBytes: 1 },
  int4: { dtype: "U8", valueBytes: 1 },
};

const METADATA = "fedlodrop.matrices";
const scalesOf = (name: string): string => `${name}.scales`;

/** The weights of a safetensors file, in fewer bits or not. @throws one line that says which part of it is wrong */
export async function openWeightsFile(source: ByteSource): Promise<TensorSource> {
  const container = await openContainer(source);
  const said = container.metadata[METADATA];
  return said === undefined ? container : quantisedTensors(container, packingsIn(said, container.shapes));
}

/** @param shapes of the tensors that the header has: metadata that says otherwise is refused before a byte is read by it */
function packingsIn(
  said: unknown,
  shapes: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, Packing> {
  const entries = Object.entries(parsed(said));
  for (const [name, packing] of entries) {
    const stored = storedShapes(checked(name, packing));
    expectShape(name, stored.codes, shapes);
    if (stored.scales !== null) expectShape(scalesOf(name), stored.scales, shapes);
  }
  return new Map(entries as [string, Packing][]);
}

function parsed(said: unknown): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(String(said));
    if (typeof json === "object" && json !== null && !Array.isArray(json))
      return json as Record<string, unknown>;
  } catch {}
  throw new Error(`safetensors: expected an object as JSON in ${METADATA}, got other text`);
}

function checked(name: string, value: unknown): Packing {
  const { base, order, inFeatures, outFeatures } = (value ?? {}) as Partial<Packing>;
  const isKnown =
    (base === "f16" || base === "int8" || base === "int4") &&
    (order === "in-out" || order === "out-in") &&
    [inFeatures, outFeatures].every((extent) => Number.isSafeInteger(extent) && (extent as number) > 0);
  if (!isKnown)
    throw new Error(
      `safetensors: expected ${METADATA} to say how ${name} is held in f16, int8 or int4, got ${JSON.stringify(value)}`,
    );
  return value as Packing;
}

/** Extents that the file has for a matrix: of its codes, or halves, and of its scales. */
function storedShapes({ base, inFeatures, outFeatures }: Packing): {
  readonly codes: readonly number[];
  readonly scales: readonly number[] | null;
} {
  switch (base) {
    case "f16":
      return { codes: [outFeatures, inFeatures], scales: null };
    case "int8":
      return { codes: [outFeatures, inFeatures], scales: [outFeatures] };
    case "int4":
      return {
        codes: [outFeatures, Math.ceil(inFeatures / 2)],
        scales: [outFeatures, Math.ceil(inFeatures / INT4_BLOCK)],
      };
    default:
      return base satisfies never;
  }
}

function expectShape(
  name: string,
  expected: readonly number[],
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  const got = shapes.get(name);
  if (got === undefined || got.length !== expected.length || got.some((extent, i) => extent !== expected[i]))
    throw new Error(
      `safetensors: expected ${name} to be [${expected}], as ${METADATA} says, got ${got ? `[${got}]` : "none"}`,
    );
}

function quantisedTensors(container: Container, packings: ReadonlyMap<string, Packing>): TensorSource {
  const packed = async (name: string): Promise<PackedMatrix | null> => {
    const packing = packings.get(name);
    return packing ? readPacked(container, name, packing) : null;
  };
  const helpers = new Set([...packings.keys()].map(scalesOf));
  const shapes = new Map<string, readonly number[]>();
  for (const [name, shape] of container.shapes) {
    const { order, inFeatures, outFeatures } = packings.get(name) ?? {};
    if (inFeatures !== undefined && outFeatures !== undefined)
      shapes.set(name, order === "in-out" ? [inFeatures, outFeatures] : [outFeatures, inFeatures]);
    else if (!helpers.has(name)) shapes.set(name, shape);
  }
  return {
    shapes,
    packed,
    async read(name) {
      const packing = packings.get(name);
      const matrix = await packed(name);
      if (!packing || !matrix) return container.read(name);
      const { inFeatures, order } = packing;
      const values = widen({ ...matrix, inFeatures });
      return order === "out-in" ? values : turned(values, inFeatures);
    },
  };
}

async function readPacked(
  container: Container,
  name: string,
  { base, inFeatures, outFeatures }: Packing,
): Promise<PackedMatrix> {
  const scales = (): Promise<Float32Array> => readScales(container, scalesOf(name));
  switch (base) {
    case "f16": {
      const { buffer, byteOffset, byteLength } = await container.bytes(name, "F16", 2);
      const bits = new Uint16Array(buffer, byteOffset, byteLength / 2);
      // Exponents of all ones are infinities and what is no number.
      const odd = bits.findIndex((half) => (half & 0x7c00) === 0x7c00);
      if (odd >= 0) throw new Error(`safetensors: expected finite values in ${name}, got none at ${odd}`);
      return { base, bits };
    }
    case "int8": {
      const { buffer, byteOffset, byteLength } = await container.bytes(name, "I8", 1);
      return { base, codes: new Int8Array(buffer, byteOffset, byteLength), scales: await scales() };
    }
    case "int4": {
      const bytes = await container.bytes(name, "U8", 1);
      return { base, codes: unpackNibbles(bytes, inFeatures, outFeatures), scales: await scales() };
    }
    default:
      return base satisfies never;
  }
}

async function readScales(container: Container, name: string): Promise<Float32Array> {
  const scales = await container.read(name);
  const odd = scales.find((scale) => !Number.isFinite(scale));
  if (odd !== undefined) throw new Error(`safetensors: expected finite scales in ${name}, got ${odd}`);
  return scales;
}

/** The bytes of such a file, one tensor of the model in memory at a time. */
export async function* quantisedFile(model: LanguageModel, base: PackedBase): AsyncGenerator<Uint8Array> {
  const { tensors } = model;
  const packings = packingsOf(model, base);
  const header: Record<string, unknown> = {
    __metadata__: { format: "pt", [METADATA]: JSON.stringify(Object.fromEntries(packings)) },
  };
  let end = 0;
  const place = (name: string, dtype: string, shape: readonly number[], valueBytes: number): void => {
    const begin = end;
    end += valueBytes * shape.reduce((product, extent) => product * extent, 1);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  };
  // Widest first, so that every value stands at a multiple of its size.
  const names = [...tensors.shapes.keys()];
  const plain = names.filter((name) => !packings.has(name));
  for (const name of plain) place(name, "F32", tensors.shapes.get(name) as readonly number[], 4);
  for (const [name, packing] of packings) {
    const { scales } = storedShapes(packing);
    if (scales !== null) place(scalesOf(name), "F32", scales, 4);
  }
  for (const [name, packing] of packings) {
    const { dtype, valueBytes } = STORED[packing.base];
    place(name, dtype, storedShapes(packing).codes, valueBytes);
  }
  yield headerBytes(header);
  for (const name of plain) yield bytesOf(await tensors.read(name));
  // Scales stand before codes, so a matrix that has both is made twice: memory is dearer here than time.
  for (const [name, packing] of packings) {
    if (packing.base === "f16") continue;
    const matrix = await pack(tensors, name, packing);
    if (matrix.base !== "f16") yield bytesOf(matrix.scales);
  }
  for (const [name, packing] of packings) {
    const matrix = await pack(tensors, name, packing);
    if (matrix.base === "f16") yield bytesOf(matrix.bits);
    else if (matrix.base === "int8") yield bytesOf(matrix.codes);
    else yield packNibbles(matrix.codes, packing.inFeatures);
  }
}

/** Matrices that an engine holds in fewer bits than f32. What others are computed from stays exact. */
function packingsOf(model: LanguageModel, base: PackedBase): ReadonlyMap<string, Packing> {
  const orders = new Map(
    architectureOf(model.config)
      .parameters.filter(
        (parameter): parameter is Extract<Parameter, { kind: "matrix" }> => parameter.kind === "matrix",
      )
      .map(({ name, order }) => [name, order]),
  );
  return new Map(
    weightsOf(model).flatMap((weight) => {
      const order = orders.get(weight.name);
      if (weight.kind !== "matrix" || order === undefined) return [];
      const { name, inFeatures, outFeatures, leastBits } = weight;
      const held = heldIn(base, leastBits);
      return held === "f32" ? [] : [[name, { base: held, order, inFeatures, outFeatures }] as const];
    }),
  );
}

async function pack(tensors: TensorSource, name: string, packing: Packing): Promise<PackedMatrix> {
  const { base, order, inFeatures, outFeatures } = packing;
  const shape = { kind: "matrix", name, inFeatures, outFeatures } as const;
  const matrix = quantise({ ...shape, base: "f32", order, values: await tensors.read(name) }, base);
  if (matrix.base === "f32") throw new Error(`quantise: expected ${name} in ${base}, got f32`);
  return matrix;
}

function headerBytes(header: object): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = 8 * Math.ceil(json.length / 8);
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

/** Every machine that this runs on is little-endian, as the file is. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

function packNibbles(codes: Int8Array, inFeatures: number): Uint8Array {
  const width = Math.ceil(inFeatures / 2);
  const bytes = new Uint8Array((codes.length / inFeatures) * width);
  for (let i = 0; i < codes.length; i++) {
    const column = i % inFeatures;
    const place = ((i - column) / inFeatures) * width + (column >> 1);
    bytes[place] = (bytes[place] as number) | (((codes[i] as number) + 8) << (column % 2 === 0 ? 0 : 4));
  }
  return bytes;
}

function unpackNibbles(bytes: Uint8Array, inFeatures: number, outFeatures: number): Int8Array {
  const width = Math.ceil(inFeatures / 2);
  const codes = new Int8Array(inFeatures * outFeatures);
  for (let i = 0; i < codes.length; i++) {
    const column = i % inFeatures;
    const byte = bytes[((i - column) / inFeatures) * width + (column >> 1)] as number;
    codes[i] = ((byte >> (column % 2 === 0 ? 0 : 4)) & 15) - 8;
  }
  return codes;
}
