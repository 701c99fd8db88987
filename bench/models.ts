/**
 * What models cost on the WASM engine: load time, bytes, memory, training and generation, by base type. `npx tsx bench/models.ts`
 * takes random weights of real shapes (GPT-2 124M, SmolLM2-135M, Gemma 3 270M, RoBERTa base), in four minutes on two quiet cores;
 * `bench/models.ts DIR …` takes models from folders, in all bases or `--bases int8,f32`. `--threads N` (2), `--batch B` (4), `--length T`
 * (64), `--steps N` (4), `--only NAME` (of another than GPT-2 no share of its rate is judged). A line each, measured in a process of its own, so that what it grew by is the model's;
 * tokens/s trained is of the fastest of the steps after the first. Wanted: 100 tok/s of the
 * Llama shape in int8 on two threads, and of each shape 70 % of the multiply-adds a second that GPT-2 reaches in int8.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import {
  adapterShape,
  architectureOf,
  createTrainer,
  type Dataset,
  type LanguageModel,
  type LocalTrainer,
  parameterCount,
  parseConfig,
  trainingNeeds,
} from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import {
  BASE_TYPES,
  type BaseType,
  createRandom,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";
import { parameterShapes } from "../packages/lm/src/models/checkpoint.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    batch: { type: "string", default: "4" },
    length: { type: "string", default: "64" },
    steps: { type: "string", default: "4" },
    bases: { type: "string" },
    only: { type: "string" },
    /** A measurement as JSON, in a process of its own. */
    one: { type: "string" },
  },
});
const threads = Number(flags.threads);
const batchSize = Number(flags.batch);
const length = Number(flags.length);
const WANTED_TOKENS = 100;

const WANTED_SHARE = 0.7;
const LLAMA = "Llama 135M";
const GPT2 = "GPT-2 124M";

interface Shape {
  readonly config: object;
  readonly bases: readonly BaseType[];
}

/** GPT-2 first: the others' rates are compared with its. */
const SHAPES: Readonly<Record<string, Shape>> = {
  [GPT2]: {
    config: {
      ...{ model_type: "gpt2", vocab_size: 50_257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 },
      eos_token_id: 0,
    },
    bases: ["int8", "f32"],
  },
  [LLAMA]: {
    config: {
      ...{ model_type: "llama", vocab_size: 49_152, hidden_size: 576, intermediate_size: 1536 },
      ...{ num_hidden_layers: 30, num_attention_heads: 9, num_key_value_heads: 3 },
      ...{ max_position_embeddings: 8192, tie_word_embeddings: true, hidden_act: "silu", eos_token_id: 0 },
    },
    bases: BASE_TYPES,
  },
  "Gemma 3 270M": {
    config: {
      ...{ model_type: "gemma3_text", vocab_size: 262_144, hidden_size: 640, intermediate_size: 2048 },
      ...{ num_hidden_layers: 18, num_attention_heads: 4, num_key_value_heads: 1, head_dim: 256 },
      ...{ query_pre_attn_scalar: 256, sliding_window: 512, max_position_embeddings: 32_768 },
      ...{ hidden_activation: "gelu_pytorch_tanh", eos_token_id: 1 },
    },
    bases: ["int8"],
  },
  "RoBERTa base": {
    config: {
      ...{ model_type: "roberta", vocab_size: 50_265, hidden_size: 768, intermediate_size: 3072 },
      ...{ num_hidden_layers: 12, num_attention_heads: 12, max_position_embeddings: 514 },
      ...{ type_vocab_size: 1, hidden_act: "gelu", layer_norm_eps: 1e-5, pad_token_id: 1, eos_token_id: 2 },
    },
    bases: ["int8"],
  },
};

/** One of the shapes, or a model's folder. */
interface Case {
  readonly name: string;
  readonly base: BaseType;
}

interface Measured {
  readonly parameters: number;
  readonly loadSeconds: number;
  readonly weightBytes: number;
  readonly stepBytes: number;
  readonly grownBytes: number;
  /** Of training: products with frozen matrices. */
  readonly multiplyAddsPerSecond: number;
  readonly trainedPerSecond: number;
  /** Tokens; null of an encoder. */
  readonly generatedPerSecond: number | null;
}

if (flags.one !== undefined)
  process.stdout.write(JSON.stringify(await measure(JSON.parse(flags.one) as Case)));
else measureAll();

function measureAll(): void {
  const asked = flags.bases?.split(",").map((base): BaseType => {
    const known = BASE_TYPES.find((each) => each === base);
    if (known === undefined) throw new Error(`models: expected --bases of ${BASE_TYPES}, got ${base}`);
    return known;
  });
  const shapes = Object.entries(SHAPES).filter(([name]) => (flags.only ?? name) === name);
  const cases: readonly Case[] =
    positionals.length > 0
      ? positionals.flatMap((name) => (asked ?? BASE_TYPES).map((base) => ({ name, base })))
      : shapes.flatMap(([name, { bases }]) =>
          bases.filter((base) => asked?.includes(base) ?? true).map((base) => ({ name, base })),
        );
  if (cases.length === 0)
    throw new Error(
      `models: expected --only ${Object.keys(SHAPES).join(" or ")}, in a base that it is measured in, got ${flags.only ?? ""} ${flags.bases ?? ""}`,
    );
  /** Multiply-adds a second of GPT-2 in int8. */
  let gpt2Rate: number | null = null;
  for (const each of cases) {
    const measured = inItsOwnProcess(each);
    if (each.name === GPT2 && each.base === "int8") gpt2Rate = measured.multiplyAddsPerSecond;
    tell(each, measured, gpt2Rate);
  }
}

function inItsOwnProcess(each: Case): Measured {
  const given = ["threads", "batch", "length", "steps"].flatMap((flag) => [
    `--${flag}`,
    String(flags[flag as keyof typeof flags]),
  ]);
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...process.execArgv, import.meta.filename, "--one", JSON.stringify(each), ...given],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`models: ${each.name} in ${each.base} failed\n${stderr}`);
  return JSON.parse(stdout) as Measured;
}

function tell({ name, base }: Case, measured: Measured, gpt2Rate: number | null): void {
  const {
    parameters,
    loadSeconds,
    multiplyAddsPerSecond: rate,
    trainedPerSecond,
    generatedPerSecond,
  } = measured;
  const share = base === "int8" && name !== GPT2 && gpt2Rate !== null ? rate / gpt2Rate : null;
  const speed = name === LLAMA && base === "int8" ? verdict(trainedPerSecond, WANTED_TOKENS) : "";
  const compared = share === null ? "" : `, ${share.toFixed(2)} of GPT-2's${verdict(share, WANTED_SHARE)}`;
  const generated = generatedPerSecond === null ? "" : `, ${generatedPerSecond.toFixed(0)} tok/s generated`;
  console.log(
    `${name.padEnd(12)} ${base.padEnd(5)} ${(parameters / 1e6).toFixed(1)} M, load ${loadSeconds.toFixed(1)} s, weights ${mb(measured.weightBytes)}, a step's memory ${mb(measured.stepBytes)}, process grew ${mb(measured.grownBytes)}, ${(rate / 1e9).toFixed(1)} G multiply-adds/s${compared}, ${trainedPerSecond.toFixed(0)} tok/s trained${speed}${generated}`,
  );
}

async function measure({ name, base }: Case): Promise<Measured> {
  const shape = SHAPES[name];
  const model = shape ? randomModel(name, shape.config) : (await readModel(name)).model;
  const classes =
    architectureOf(model.config).head === null || architectureOf(model.config).isBidirectional ? 2 : 0;
  const adapter = adapterShape(model.config, {
    rank: 8,
    alpha: 16,
    targetModules: null,
    ...(classes && { labels: classes }),
  });
  const { weightBytes, stepBytes, multiplyAdds } = trainingNeeds(model.config, adapter, base, {
    batchSize,
    sequenceLength: length,
  });
  const before = process.memoryUsage().rss;
  const begin = performance.now();
  const trainer = await createTrainer({ backend: "wasm", model, adapter, base, wasmHost: nodeHost(threads) });
  const loadSeconds = (performance.now() - begin) / 1000;
  const mask = drawDropoutMask(adapter, { seed: "bench", round: 1, participantId: "bench", dropoutRate: 0 });
  const values = gatherValues(initialAdapter(adapter, "bench"), keptIndices(adapter, mask));
  const training = {
    localSteps: Number(flags.steps) + 1,
    batchSize,
    learningRate: 1e-3,
    weightDecay: 0,
    rescale: "none",
  } as const;
  const seconds: number[] = [];
  const request = { mask, dropoutRate: 0, values, training, batchSeed: "bench" };
  await trainer.trainRound(request, datasetOf(model, classes), (step) => seconds.push(step.seconds));
  const best = Math.min(...seconds.slice(1));
  const generatedPerSecond = classes === 0 ? await generationRate(trainer) : null;
  const grownBytes = process.memoryUsage().rss - before;
  trainer.dispose();
  return {
    ...{ parameters: parameterCount(model.config), loadSeconds, weightBytes, stepBytes, grownBytes },
    ...{ multiplyAddsPerSecond: multiplyAdds / best, trainedPerSecond: (batchSize * length) / best },
    generatedPerSecond,
  };
}

/** A target that is missed fails the command. */
function verdict(figure: number, wanted: number): string {
  if (figure >= wanted) return `, reached (≥ ${wanted})`;
  process.exitCode = 1;
  return `, MISSED (≥ ${wanted})`;
}

/** Tokens a second after a prompt of 16, which is read beforehand. */
async function generationRate(trainer: LocalTrainer): Promise<number> {
  const prompt = Array.from({ length: 16 }, (_, i) => i + 1);
  let first = 0;
  let last = 0;
  let count = 0;
  await trainer.generate(
    prompt,
    { maxTokens: 24, temperature: 1, topK: 50, seed: "bench" },
    undefined,
    () => {
      last = performance.now();
      first ||= last;
      count++;
    },
  );
  return ((count - 1) * 1000) / (last - first);
}

function datasetOf({ config }: LanguageModel, classes: number): Dataset {
  const random = createRandom("bench", "texts");
  const row = (size: number): Int32Array =>
    Int32Array.from({ length: size }, () => random.below(config.vocabularySize));
  const rows = (size: number): Int32Array[] => Array.from({ length: batchSize }, () => row(size));
  return classes === 0
    ? { kind: "language-model", windows: rows(length + 1) }
    : {
        kind: "classification",
        sequences: rows(length),
        secondFrom: new Int32Array(batchSize).fill(length),
        labels: Int32Array.from({ length: batchSize }, (_, i) => i % classes),
      };
}

/** Weights of the shape, uniform: normal deviates would take longer than what is measured. */
function randomModel(name: string, json: object): LanguageModel {
  const config = parseConfig(json);
  const shapes = parameterShapes(config);
  return {
    config,
    tensors: {
      shapes,
      async read(key) {
        const drawn = createRandom("bench", name, key);
        const size = shapes.get(key)?.reduce((product, extent) => product * extent, 1) ?? 0;
        const [mean, spread] = /norm|ln_/.test(key) ? [1, 0.1] : [0, 0.04];
        const values = new Float32Array(size);
        for (let i = 0; i < size; i++) values[i] = mean + spread * (2 * drawn.uniform() - 1);
        return values;
      },
    },
  };
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
