/**
 * A random GPT-2 of a few thousand weights in the Hugging Face layout, the same for the same seed, for tests where
 * real language is not the point. Its tokenizer is byte-level without merges: one token a byte.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRandom } from "@fedlodrop/run";

const WIDTH = 32;
const LAYERS = 2;
const HEADS = 2;
const CONTEXT = 64;
const END_OF_TEXT = "<|endoftext|>";
const TOKENIZER_CONFIG = {
  tokenizer_class: "GPT2Tokenizer",
  bos_token: END_OF_TEXT,
  eos_token: END_OF_TEXT,
  unk_token: END_OF_TEXT,
  add_prefix_space: false,
  clean_up_tokenization_spaces: false,
  model_max_length: CONTEXT,
};

/** Writes config.json, tokenizer.json, tokenizer_config.json and model.safetensors into `folder`. */
export async function writeTinyModel(folder: string, seed = "tiny"): Promise<void> {
  await mkdir(folder, { recursive: true });
  const vocabulary = Object.fromEntries([...byteCharacters(), END_OF_TEXT].map((token, id) => [token, id]));
  const vocabSize = Object.keys(vocabulary).length;
  await writeFile(join(folder, "config.json"), JSON.stringify(modelConfig(vocabSize), null, 2));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer(vocabulary)));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(TOKENIZER_CONFIG, null, 2));
  await writeFile(join(folder, "model.safetensors"), safetensors(parameterShapes(vocabSize), seed));
}

function modelConfig(vocabSize: number): object {
  return {
    model_type: "gpt2",
    architectures: ["GPT2LMHeadModel"],
    vocab_size: vocabSize,
    n_positions: CONTEXT,
    n_ctx: CONTEXT,
    n_embd: WIDTH,
    n_layer: LAYERS,
    n_head: HEADS,
    n_inner: 4 * WIDTH,
    activation_function: "gelu_new",
    layer_norm_epsilon: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: vocabSize - 1,
    eos_token_id: vocabSize - 1,
  };
}

function byteTokenizer(vocabulary: Readonly<Record<string, number>>): object {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: vocabulary[END_OF_TEXT],
        content: END_OF_TEXT,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges: [],
    },
  };
}

/** GPT-2's printable stand-in for each byte: itself where printable in Latin-1, else a character from 256 on. */
function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

function parameterShapes(vocabSize: number): readonly (readonly [string, readonly number[]])[] {
  const blocks = Array.from({ length: LAYERS }, (_, layer) => {
    const block = (name: string, ...shape: number[]) => [`h.${layer}.${name}`, shape] as const;
    return [
      block("ln_1.weight", WIDTH),
      block("ln_1.bias", WIDTH),
      block("attn.c_attn.weight", WIDTH, 3 * WIDTH),
      block("attn.c_attn.bias", 3 * WIDTH),
      block("attn.c_proj.weight", WIDTH, WIDTH),
      block("attn.c_proj.bias", WIDTH),
      block("ln_2.weight", WIDTH),
      block("ln_2.bias", WIDTH),
      block("mlp.c_fc.weight", WIDTH, 4 * WIDTH),
      block("mlp.c_fc.bias", 4 * WIDTH),
      block("mlp.c_proj.weight", 4 * WIDTH, WIDTH),
      block("mlp.c_proj.bias", WIDTH),
    ];
  });
  return [
    ["wte.weight", [vocabSize, WIDTH]],
    ["wpe.weight", [CONTEXT, WIDTH]],
    ...blocks.flat(),
    ["ln_f.weight", [WIDTH]],
    ["ln_f.bias", [WIDTH]],
  ];
}

/** u64 header length, JSON header padded with spaces to 8 bytes, then f32 values, little-endian. */
function safetensors(shapes: ReturnType<typeof parameterShapes>, seed: string): Uint8Array {
  const header: Record<string, object> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const start = end;
    end += 4 * shape.reduce((product, extent) => product * extent, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const json = JSON.stringify(header);
  const headerBytes = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const file = new Uint8Array(8 + headerBytes.length + end);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(headerBytes.length), true);
  file.set(headerBytes, 8);
  let offset = 8 + headerBytes.length;
  for (const [name, shape] of shapes) {
    const random = createRandom(seed, name);
    const draw = name.endsWith(".bias")
      ? () => 0
      : /ln_\w\.weight$/.test(name)
        ? () => 1
        : () => 0.08 * random.normal();
    for (let n = shape.reduce((product, extent) => product * extent, 1); n > 0; n--, offset += 4)
      view.setFloat32(offset, draw(), true);
  }
  return file;
}
