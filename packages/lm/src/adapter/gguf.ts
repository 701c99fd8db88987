/**
 * Adapters as llama.cpp loads them beside a model (`--lora FILE`): for each adapted matrix `blk.N.NAME.weight.lora_a` [rank, in]
 * and `.lora_b` [out, rank], which is PEFT's layout. llama.cpp scales by alpha over the rank that it reads off lora_b.
 * Source: ggml's docs/gguf.md, version 3; llama.cpp's convert_hf_to_gguf.py, convert_lora_to_gguf.py and src/llama-adapter.cpp.
 */
import { type AdapterShape, adapterLayout, adapterSize } from "@fedlodrop/run";
import type { ModelConfig } from "../models/config.ts";

/** How llama.cpp calls an architecture and the matrices of its blocks. */
interface Names {
  readonly architecture: string;
  /** By a module's name within its block. */
  readonly modules: Readonly<Record<string, string>>;
  /** Heads in the outputs of matrices whose rows it holds in another order: `turnRows`. */
  readonly turned: Readonly<Record<string, number>>;
}

const GPT2_MODULES = {
  "attn.c_attn": "attn_qkv",
  "attn.c_proj": "attn_output",
  "mlp.c_fc": "ffn_up",
  "mlp.c_proj": "ffn_down",
};

const LLAMA_MODULES = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

/** @throws where llama.cpp has no adapters of such a model */
function namesFor(config: ModelConfig): Names {
  switch (config.kind) {
    case "gpt2":
      return { architecture: "gpt2", modules: GPT2_MODULES, turned: {} };
    case "gemma3":
      return { architecture: "gemma3", modules: LLAMA_MODULES, turned: {} };
    case "llama": {
      const { family, headCount, keyValueHeads } = config;
      if (family === "qwen2" || family === "qwen3")
        return { architecture: family, modules: LLAMA_MODULES, turned: {} };
      // Mistral is a Llama there.
      const turned = { attn_q: headCount, attn_k: keyValueHeads };
      return { architecture: "llama", modules: LLAMA_MODULES, turned };
    }
    case "encoder":
      throw new Error(
        `gguf: expected a gpt2, llama, mistral, qwen2, qwen3 or gemma3_text model, got ${config.family}`,
      );
    default:
      return config satisfies never;
  }
}

/** @throws one line where values are missing or too many, or llama.cpp could not load it: an encoder, a head, a matrix outside blocks */
export function adapterToGguf(
  config: ModelConfig,
  shape: AdapterShape,
  adapter: Float32Array,
): Uint8Array<ArrayBuffer> {
  if (adapter.length !== adapterSize(shape))
    throw new Error(`gguf: expected ${adapterSize(shape)} adapter values, got ${adapter.length}`);
  const { architecture, modules, turned } = namesFor(config);
  if (shape.dense.length > 0)
    throw new Error("gguf: expected an adapter of matrices alone, got one with a classifier's head");
  const tensors = adapterLayout(shape).map(({ name, shape: [rows, columns], offset, size }): Tensor => {
    const [, block, module, factor] = /^\w+\.(\d+)\.(.*)\.lora([AB])$/.exec(name) ?? [];
    const matrix = modules[module as string];
    if (matrix === undefined) throw new Error(`gguf: expected a matrix of a block, got ${name}`);
    const values = adapter.subarray(offset, offset + size);
    const heads = factor === "B" ? turned[matrix] : undefined;
    return {
      name: `blk.${block}.${matrix}.weight.lora_${factor === "A" ? "a" : "b"}`,
      rows: rows as number,
      columns: columns as number,
      values: heads === undefined ? values : turnRows(values, rows as number, columns as number, heads),
    };
  });
  const said: Settings = [
    ["general.architecture", architecture],
    ["general.type", "adapter"],
    ["adapter.type", "lora"],
    ["adapter.lora.alpha", shape.alpha],
  ];
  return ggufFile(said, tensors);
}

/**
 * llama.cpp turns neighbouring channels of a Llama's head together, Hugging Face a channel of the first half with its fellow in the
 * second: row i of half p goes to row 2i + p of its head.
 */
function turnRows(values: Float32Array, rows: number, columns: number, heads: number): Float32Array {
  const turned = new Float32Array(values.length);
  const half = rows / heads / 2;
  for (let row = 0; row < rows; row++) {
    const [head, channel] = [Math.floor(row / (2 * half)), row % (2 * half)];
    const to = 2 * half * head + 2 * (channel % half) + Math.floor(channel / half);
    turned.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return turned;
}

interface Tensor {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** A number is an f32. */
type Settings = readonly (readonly [name: string, value: string | number])[];

const VERSION = 3;
const ALIGNMENT = 32;
/** Of settings, and of a tensor's values. */
const [SETTING_F32, SETTING_STRING, VALUES_F32] = [6, 8, 0];

/**
 * "GGUF", u32 version, u64 tensors, u64 settings; settings: name, u32 type, value; tensors: name, u32 dimensions, u64 extents, the
 * fastest first, u32 type, u64 place in the data; then the data, where each tensor's begins at a multiple of 32. A text is its u64 length
 * and its bytes. All little-endian.
 */
function ggufFile(settings: Settings, tensors: readonly Tensor[]): Uint8Array<ArrayBuffer> {
  const head: number[] = [...text("GGUF"), ...u32(VERSION), ...u64(tensors.length), ...u64(settings.length)];
  for (const [name, value] of settings) {
    head.push(...counted(name));
    if (typeof value === "string") head.push(...u32(SETTING_STRING), ...counted(value));
    else head.push(...u32(SETTING_F32), ...bytesOf(Float32Array.of(value)));
  }
  let place = 0;
  const places: number[] = [];
  for (const { name, rows, columns, values } of tensors) {
    head.push(...counted(name), ...u32(2), ...u64(columns), ...u64(rows), ...u32(VALUES_F32), ...u64(place));
    places.push(place);
    place = aligned(place + values.byteLength);
  }
  const start = aligned(head.length);
  const file = new Uint8Array(start + place);
  file.set(head);
  tensors.forEach(({ values }, i) => {
    file.set(bytesOf(values), start + (places[i] as number));
  });
  return file;
}

const aligned = (place: number): number => ALIGNMENT * Math.ceil(place / ALIGNMENT);
/** As safetensors' arrays are: every platform that runs this is little-endian. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const u32 = (value: number): Uint8Array => bytesOf(Uint32Array.of(value));
const u64 = (value: number): Uint8Array => bytesOf(BigUint64Array.of(BigInt(value)));
const counted = (value: string): readonly number[] => [...u64(text(value).length), ...text(value)];
