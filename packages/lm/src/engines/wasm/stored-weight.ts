/** How frozen weights lie in the WASM engine's memory; assembly/weights.ts reads them and describes the form. */
import { type BaseType, type HostWeight, INT4_BLOCK, type WeightShape } from "../../plan/weight.ts";
import type { LinearMemory } from "./memory.ts";

export type StoredWeight =
  | { readonly kind: "vector"; readonly address: number; readonly size: number }
  | {
      readonly kind: "matrix";
      readonly base: BaseType;
      readonly address: number;
      /** Of int8's scales; 0 for the other bases. */
      readonly scales: number;
      readonly inFeatures: number;
      readonly outFeatures: number;
    };

type HostMatrix = Extract<HostWeight, { kind: "matrix" }>;
type Values<B extends BaseType> = Extract<HostMatrix, { base: B }>;

/** Outputs of a panel. */
const PANEL = 8;
const INT4_BLOCK_BYTES = 160;

const panelsOf = (outFeatures: number): number => Math.ceil(outFeatures / PANEL);

function panelBytes(base: BaseType, inFeatures: number): number {
  switch (base) {
    case "f32":
      return 32 * inFeatures;
    case "f16":
      return 16 * inFeatures;
    case "int8":
      return 8 * inFeatures;
    case "int4":
      return INT4_BLOCK_BYTES * Math.ceil(inFeatures / INT4_BLOCK);
    default:
      return base satisfies never;
  }
}

/** Bytes of the stored form. */
export function storedBytes(shape: WeightShape): number {
  if (shape.kind === "vector") return 4 * shape.size;
  const panels = panelsOf(shape.outFeatures);
  const scales = shape.base === "int8" ? 4 * PANEL * panels : 0;
  return panels * panelBytes(shape.base, shape.inFeatures) + scales;
}

/** Takes memory for a weight and writes its stored form. */
export function storeWeight(memory: LinearMemory, weight: HostWeight): StoredWeight {
  if (weight.kind === "vector") {
    const address = memory.allocate(4 * weight.values.length);
    memory.f32().set(weight.values, address / 4);
    return { kind: "vector", address, size: weight.values.length };
  }
  const { base, inFeatures, outFeatures } = weight;
  const bytes = storedBytes(weight);
  const address = memory.allocate(bytes);
  memory.bytes(address, bytes).fill(0);
  const scales = base === "int8" ? address + panelsOf(outFeatures) * panelBytes(base, inFeatures) : 0;
  switch (base) {
    case "f32":
      packFloats(memory.f32(), address / 4, weight);
      break;
    case "f16":
      packRows(new Uint16Array(memory.memory.buffer), address / 2, weight, weight.bits);
      break;
    case "int8":
      packRows(new Int8Array(memory.memory.buffer), address, weight, weight.codes);
      memory.f32().set(weight.scales, scales / 4);
      break;
    case "int4":
      packNibbles(memory, address, weight);
      break;
    default:
      base satisfies never;
  }
  return { kind: "matrix", base, address, scales, inFeatures, outFeatures };
}

function packFloats(to: Float32Array, start: number, weight: Values<"f32">): void {
  const { inFeatures, outFeatures, values } = weight;
  if (weight.order === "out-in") packRows(to, start, weight, values);
  else
    for (let input = 0; input < inFeatures; input++)
      for (let output = 0; output < outFeatures; output++)
        to[start + placeOf(input, output, inFeatures)] = values[input * outFeatures + output] as number;
}

/** Values in the order [out, in] to panels [⌈out/8⌉][in][8]. */
function packRows(
  to: Float32Array | Uint16Array | Int8Array,
  start: number,
  { inFeatures, outFeatures }: HostMatrix,
  values: Float32Array | Uint16Array | Int8Array,
): void {
  for (let output = 0; output < outFeatures; output++) {
    let place = start + placeOf(0, output, inFeatures);
    const row = output * inFeatures;
    for (let input = 0; input < inFeatures; input++, place += PANEL)
      to[place] = values[row + input] as number;
  }
}

const placeOf = (input: number, output: number, inFeatures: number): number =>
  (Math.floor(output / PANEL) * inFeatures + input) * PANEL + (output % PANEL);

function packNibbles(memory: LinearMemory, address: number, weight: Values<"int4">): void {
  const { inFeatures, outFeatures, codes, scales } = weight;
  const blocks = Math.ceil(inFeatures / INT4_BLOCK);
  const bytes = memory.bytes(0, memory.memory.buffer.byteLength);
  const floats = memory.f32();
  for (let output = 0; output < outFeatures; output++)
    for (let block = 0; block < blocks; block++) {
      const start = address + (Math.floor(output / PANEL) * blocks + block) * INT4_BLOCK_BYTES;
      const lane = output % PANEL;
      floats[start / 4 + lane] = scales[output * blocks + block] as number;
      // Codes stand in pairs; what a row has no input for is 0.
      const row = output * inFeatures;
      const end = row + inFeatures;
      let place = start + 32 + lane;
      for (let at = row + block * INT4_BLOCK, pair = 0; pair < INT4_BLOCK / 2; pair++, at += 2) {
        const low = at < end ? (codes[at] as number) : 0;
        const high = at + 1 < end ? (codes[at + 1] as number) : 0;
        bytes[place] = (low + 8) | ((high + 8) << 4);
        place += PANEL;
      }
    }
}
