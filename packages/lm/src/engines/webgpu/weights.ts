/**
 * Frozen weights in their one stored form: a matrix lies as [out, in], inputs padded to whole words and outputs to a
 * multiple of 4 with zeros, so that products read whole vectors and need no bounds along a weight. The same form serves
 * x·W (a dot product along a stored row), dy·Wᵀ (a sum of stored rows) and the embedding (one stored row).
 */
import { type BaseType, type HostWeight, INT4_BLOCK, type WeightShape } from "../../plan/weight.ts";
import type { ElementText, ProgramText } from "./program.ts";

/** A weight on its way to the device. */
export interface StoredWeight {
  readonly values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** int8: [out]; int4: [out, ⌈in/32⌉], padded outputs 0. */
  readonly scales: Float32Array<ArrayBuffer> | null;
}

/** What kernels must know of a stored weight. */
export type WeightForm =
  | { readonly kind: "vector"; readonly size: number }
  | {
      readonly kind: "matrix";
      readonly base: BaseType;
      readonly inFeatures: number;
      readonly outFeatures: number;
    };

const roundUp = (value: number, unit: number): number => unit * Math.ceil(value / unit);
const storedInputs = (inFeatures: number, base: BaseType): number =>
  roundUp(inFeatures, base === "int4" ? 8 : 4);
const storedOutputs = (outFeatures: number): number => roundUp(outFeatures, 4);

const VALUES_PER_WORD = { f32: 1, f16: 2, int8: 4, int4: 8 } as const satisfies Record<BaseType, number>;

const scaleCount = (inFeatures: number, outFeatures: number, base: BaseType): number => {
  if (base === "int8") return storedOutputs(outFeatures);
  return base === "int4" ? storedOutputs(outFeatures) * Math.ceil(inFeatures / INT4_BLOCK) : 0;
};

/** Bytes on the device. */
export function storedBytes(shape: WeightShape): number {
  if (shape.kind === "vector") return 4 * roundUp(shape.size, 4);
  const { inFeatures, outFeatures, base } = shape;
  const words = (storedOutputs(outFeatures) * storedInputs(inFeatures, base)) / VALUES_PER_WORD[base];
  return 4 * (words + scaleCount(inFeatures, outFeatures, base));
}

export function storeWeight(weight: HostWeight): StoredWeight {
  if (weight.kind === "vector") {
    const values = new Float32Array(roundUp(weight.values.length, 4));
    values.set(weight.values);
    return { values, scales: null };
  }
  const { inFeatures, outFeatures } = weight;
  const width = storedInputs(inFeatures, weight.base);
  const padded = (scales: Float32Array): Float32Array<ArrayBuffer> => {
    const stored = new Float32Array(scaleCount(inFeatures, outFeatures, weight.base));
    stored.set(scales);
    return stored;
  };
  switch (weight.base) {
    case "f32": {
      const stored = new Float32Array(storedOutputs(outFeatures) * width);
      const { values } = weight;
      if (weight.order === "out-in")
        for (let out = 0; out < outFeatures; out++)
          stored.set(values.subarray(out * inFeatures, (out + 1) * inFeatures), out * width);
      else
        for (let input = 0; input < inFeatures; input++)
          for (let out = 0; out < outFeatures; out++)
            stored[out * width + input] = values[input * outFeatures + out] as number;
      return { values: stored, scales: null };
    }
    case "f16": {
      const stored = new Uint16Array(storedOutputs(outFeatures) * width);
      for (let out = 0; out < outFeatures; out++)
        stored.set(weight.bits.subarray(out * inFeatures, (out + 1) * inFeatures), out * width);
      return { values: new Uint32Array(stored.buffer), scales: null };
    }
    case "int8": {
      const stored = new Int8Array(storedOutputs(outFeatures) * width);
      for (let out = 0; out < outFeatures; out++)
        stored.set(weight.codes.subarray(out * inFeatures, (out + 1) * inFeatures), out * width);
      return { values: new Uint32Array(stored.buffer), scales: padded(weight.scales) };
    }
    case "int4": {
      const stored = new Uint32Array((storedOutputs(outFeatures) * width) / 8);
      for (let out = 0; out < outFeatures; out++)
        for (let input = 0; input < inFeatures; input++) {
          const place = out * width + input;
          const nibble = (weight.codes[out * inFeatures + input] as number) & 15;
          stored[place >> 3] = (stored[place >> 3] as number) | (nibble << (4 * (place & 7)));
        }
      return { values: stored, scales: padded(weight.scales) };
    }
    default:
      return weight satisfies never;
  }
}

/**
 * How shaders read a stored matrix: four consecutive inputs of one output, a vector, at a time. Where a row starts is said
 * apart, to be computed once: emulated GPUs repeat in every loop what they are told there, and divide one lane at a time.
 */
export interface MatrixText {
  /** Vectors of a stored row. */
  readonly vectors: string;
  /** vec4 of codes (int8, int4) or values at place `output · vectors + vector`. */
  codes(place: string): string;
  /** Scale of a vector's inputs; null for f32 and f16. */
  readonly scale: ((output: string, vector: string) => string) | null;
  /** Whether the scale is one for all inputs of an output. */
  readonly scaleOfOutput: boolean;
}

/** Binds a matrix to a program. @param nativeHalf whether the device has shader-f16 */
export function matrixText(
  text: ProgramText,
  name: string,
  { base, inFeatures }: Extract<WeightForm, { kind: "matrix" }>,
  nativeHalf: boolean,
): MatrixText {
  const vectors = text.integer("vectors", storedInputs(inFeatures, base) / 4);
  const values = (type: ElementText): string => text.weight(name, "values", type);
  switch (base) {
    case "f32": {
      const stored = values("vec4<f32>");
      return { vectors, codes: (place) => `${stored}[${place}]`, scale: null, scaleOfOutput: false };
    }
    case "f16": {
      if (nativeHalf) {
        text.enable("f16");
        const stored = values("vec4<f16>");
        return {
          vectors,
          codes: (place) => `vec4<f32>(${stored}[${place}])`,
          scale: null,
          scaleOfOutput: false,
        };
      }
      const stored = values("vec2<u32>");
      text.declare(`fn halves(place : u32) -> vec4<f32> {
        let words = ${stored}[place]; return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y)); }`);
      return { vectors, codes: (place) => `halves(${place})`, scale: null, scaleOfOutput: false };
    }
    case "int8": {
      const stored = values("u32");
      const scales = text.weight(name, "scales", "f32");
      return {
        vectors,
        codes: (place) => `vec4<f32>(unpack4xI8(${stored}[${place}]))`,
        scale: (output) => `${scales}[${output}]`,
        scaleOfOutput: true,
      };
    }
    case "int4": {
      const stored = values("u32");
      const scales = text.weight(name, "scales", "f32");
      const blocks = text.integer("blocks", Math.ceil(inFeatures / INT4_BLOCK));
      text.declare(`fn nibbles(place : u32) -> vec4<f32> {
        let word = bitcast<i32>(${stored}[place >> 1u]); let first = (place & 1u) * 16u;
        return vec4<f32>(${[0, 4, 8, 12].map((bit) => `f32(extractBits(word, first + ${bit}u, 4u))`).join(", ")}); }`);
      return {
        vectors,
        codes: (place) => `nibbles(${place})`,
        scale: (output, vector) =>
          `${scales}[(${output}) * ${blocks} + ((${vector}) >> ${Math.log2(INT4_BLOCK / 4)}u)]`,
        scaleOfOutput: false,
      };
    }
    default:
      return base satisfies never;
  }
}
