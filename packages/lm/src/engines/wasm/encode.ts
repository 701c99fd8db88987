/** Kernel calls of a plan as commands for the WASM executor: [opcode, bytes, arguments …] in the order of main.ts. */
import type { ActivationFunction } from "../../ops/activation.ts";
import type { AttentionShape } from "../../ops/attention.ts";
import type { BufferId, Rows, Span, WeightName } from "../../ops/buffer.ts";
import { accessesOf, type KernelCall } from "../../plan/kernel.ts";
import type { BaseType } from "../../plan/weight.ts";
import type { Merged } from "./merge.ts";
import * as op from "./opcodes.ts";
import { type Band, type Step, type Task, withinBand } from "./schedule.ts";
import type { StoredWeight } from "./stored-weight.ts";
import { crossEntropyChunk } from "./working-memory.ts";

/** Where things are. */
export interface Places {
  buffer(id: BufferId): number;
  weight(name: WeightName): StoredWeight;
  /** Adapters that frozen products take in. */
  readonly merged: ReadonlyMap<KernelCall, Merged>;
  /** Working memory that all threads share. */
  readonly shared: number;
}

/** Nothing is left out. */
const WHOLE: Band = { first: 0, end: 1, of: 1, length: 0 };

const BASES: Readonly<Record<BaseType, number>> = { f32: 0, f16: 1, int8: 2, int4: 3 };
const FUNCTIONS: Readonly<Record<ActivationFunction, number>> = {
  "gelu-tanh": 0,
  gelu: 1,
  silu: 2,
  tanh: 3,
  relu: 4,
  square: 5,
};

/** A whole list. */
export function encodeSteps(steps: readonly Step[], places: Places): Int32Array {
  return Int32Array.from(
    steps.flatMap((step) =>
      step.kind === "together" ? encodeCommand(step.call, WHOLE, places) : encodeTasks(step.tasks, places),
    ),
  );
}

function encodeCommand(call: KernelCall, band: Band, places: Places): number[] {
  const [opcode, ...args] = encodeCall(call, band, places);
  return [opcode as number, 4 * (args.length + 2), ...args];
}

function encodeTasks(tasks: readonly Task[], places: Places): number[] {
  const lists = tasks.map(({ calls, band }) =>
    calls.flatMap((call) => encodeCommand(call, band ?? WHOLE, places)),
  );
  const starts = [4 * (3 + tasks.length + 1)];
  for (const list of lists) starts.push((starts.at(-1) as number) + 4 * list.length);
  return [op.TASKS, starts.at(-1) as number, tasks.length, ...starts, ...lists.flat()];
}

/** @param band which of the call's sequences; buffers that hold some rows of each are addressed from the first of these */
function encodeCall(whole: KernelCall, band: Band, places: Places): number[] {
  const call = band === WHOLE ? whole : withinBand(whole, band);
  const elements = new Map(
    band === WHOLE ? [] : accessesOf(whole).map((access) => [access.buffer, access.elements]),
  );
  const before = (id: BufferId): number => (4 * (elements.get(id) ?? 0) * band.first) / band.of;
  const at = (id: BufferId | null): number => (id === null ? 0 : places.buffer(id) + before(id));
  const span = ({ buffer, offset }: Span): number => places.buffer(buffer) + 4 * offset;
  const rows = ({ buffer, offset, stride }: Rows): [number, number] => [
    places.buffer(buffer) + 4 * (offset + band.first * band.length * stride),
    4 * stride,
  ];
  const vector = (name: WeightName | null): number => (name === null ? 0 : places.weight(name).address);
  const matrix = (name: WeightName): [number, number, number] => {
    const weight = places.weight(name);
    if (weight.kind !== "matrix") throw new Error(`plan: expected ${name} to be a matrix, got a vector`);
    return [BASES[weight.base], weight.address, weight.scales];
  };
  /** The arguments of `setMerge`. */
  const adapter = (): number[] => {
    const site = places.merged.get(whole);
    if (site === undefined) return [0, 0, 0, 0, 0, 0, 0, 0];
    const side = ({ indices, kept, factor }: Merged["down"] | Merged["up"]): number[] => [
      ...[span(indices), kept, span(factor)],
    ];
    return [site.down.rank, bits(site.down.scale), ...side(site.down), ...side(site.up)];
  };
  switch (call.kind) {
    case "embed": {
      const positionTable = vector(call.positionTable);
      const lookups = [at(call.ids), at(call.positions), ...matrix(call.table), positionTable];
      return [op.EMBED, ...lookups, bits(call.scale), at(call.out), call.rows, call.width];
    }
    case "layer-norm": {
      const terms = [vector(call.gain), vector(call.bias), bits(call.epsilon)];
      return [op.LAYER_NORM, at(call.x), ...terms, at(call.out), at(call.stats), call.rows, call.width];
    }
    case "layer-norm-backward": {
      const inputs = [at(call.x), at(call.stats), vector(call.gain), at(call.dy), at(call.add)];
      return [op.LAYER_NORM_BACKWARD, ...inputs, at(call.dx), call.rows, call.width];
    }
    case "rms-norm": {
      const terms = [vector(call.gain), bits(call.gainOffset), bits(call.epsilon)];
      return [op.RMS_NORM, at(call.x), ...terms, at(call.out), at(call.stats), call.rows, call.width];
    }
    case "rms-norm-backward": {
      const gain = [vector(call.gain), bits(call.gainOffset)];
      const inputs = [at(call.x), at(call.stats), ...gain, at(call.dy), at(call.add)];
      return [op.RMS_NORM_BACKWARD, ...inputs, at(call.dx), call.rows, call.width];
    }
    case "linear": {
      const { rows: count, inFeatures, outFeatures } = call;
      const x = [at(call.x), 4 * inFeatures, count];
      const out = [at(call.out), 4 * outFeatures, outFeatures];
      return [
        op.LINEAR,
        ...matrix(call.weight),
        inFeatures,
        ...x,
        ...out,
        vector(call.bias),
        at(call.residual),
        ...adapter(),
      ];
    }
    case "linear-backward": {
      const { rows: count, inFeatures, outFeatures } = call;
      const dy = [at(call.dy), 4 * outFeatures, count, outFeatures];
      const dx = [at(call.dx), 4 * inFeatures, at(call.add)];
      return [op.LINEAR_BACKWARD, ...matrix(call.weight), inFeatures, ...dy, ...dx, ...adapter()];
    }
    case "lora-down": {
      const x = [at(call.x), 4 * call.features, call.rows, call.features];
      const factor = [span(call.indices), call.kept, span(call.factor), call.rank];
      return [op.LORA_DOWN, ...x, ...factor, bits(call.scale), at(call.out)];
    }
    case "lora-up": {
      const u = [at(call.u), call.rank, call.rows];
      const y = [at(call.y), 4 * call.features, call.features];
      return [op.LORA_UP, ...u, span(call.indices), call.kept, span(call.factor), ...y];
    }
    case "lora-gradient": {
      const x = [at(call.x), 4 * call.features, call.rows];
      const kept = [span(call.indices), call.kept];
      return [op.LORA_GRADIENT, ...x, ...kept, at(call.u), call.rank, span(call.gradient)];
    }
    case "attention": {
      const inputs = [...rows(call.q), ...rows(call.k), ...rows(call.v)];
      const out = [at(call.out), 4 * call.heads * call.headWidth, at(call.logSumExp)];
      const shape = geometry(call, call.length, at(call.lengths));
      return [op.ATTENTION, ...shape, call.batch, ...inputs, ...out];
    }
    case "attention-backward": {
      const inputs = [...rows(call.q), ...rows(call.k), ...rows(call.v)];
      const out = [at(call.out), at(call.dOut), 4 * call.heads * call.headWidth, at(call.logSumExp)];
      const slopes = [at(call.delta), ...rows(call.dq), ...rows(call.dk), ...rows(call.dv)];
      const shape = geometry(call, call.length, at(call.lengths));
      return [op.ATTENTION_BACKWARD, ...shape, call.batch, ...inputs, ...out, ...slopes];
    }
    case "cache-append":
      return [op.CACHE_APPEND, ...rows(call.x), at(call.positions), at(call.cache), call.rows, call.width];
    case "cached-attention": {
      const caches = [at(call.keys), at(call.values), 4 * call.keyValueHeads * call.headWidth];
      const shape = geometry(call, call.capacity, 0);
      const ends = [at(call.positions), at(call.out), call.rows, call.capacity];
      return [op.CACHED_ATTENTION, ...shape, ...rows(call.q), ...caches, ...ends];
    }
    case "rotary": {
      const turn = [at(call.positions), vector(call.frequencies), bits(call.direction)];
      return [op.ROTARY, ...rows(call.x), ...turn, call.rows, call.heads, call.headWidth, call.pairs];
    }
    case "activation":
      return [op.ACTIVATION, FUNCTIONS[call.function], at(call.x), at(call.out), call.size];
    case "activation-backward": {
      const vectors = [at(call.x), at(call.dy), at(call.dx)];
      return [op.ACTIVATION_BACKWARD, FUNCTIONS[call.function], ...vectors, call.size];
    }
    case "gated":
      return [op.GATED, FUNCTIONS[call.function], at(call.gate), at(call.up), at(call.out), call.size];
    case "gated-backward": {
      const vectors = [at(call.gate), at(call.up), at(call.dy), at(call.dGate), at(call.dUp)];
      return [op.GATED_BACKWARD, FUNCTIONS[call.function], ...vectors, call.size];
    }
    case "add":
      return [op.ADD, at(call.a), at(call.b), at(call.out), call.size];
    case "cross-entropy": {
      const { rows: count, width, vocabulary } = call;
      const inputs = [at(call.hidden), ...matrix(call.head), at(call.targets), at(call.weights)];
      const sizes = [count, width, vocabulary, crossEntropyChunk(count, vocabulary)];
      return [op.CROSS_ENTROPY, ...inputs, at(call.loss), at(call.dHidden), ...sizes, places.shared];
    }
    case "logit-cross-entropy": {
      const inputs = [at(call.logits), at(call.targets), at(call.weights)];
      return [op.LOGIT_CROSS_ENTROPY, ...inputs, at(call.loss), at(call.dLogits), call.rows, call.classes];
    }
    case "dense": {
      const sizes = [call.rows, call.inFeatures, call.outFeatures];
      const bias = call.bias === null ? 0 : span(call.bias);
      return [op.DENSE, at(call.x), span(call.matrix), bias, at(call.out), ...sizes];
    }
    case "dense-backward": {
      const inputs = [at(call.x), span(call.matrix), at(call.dy)];
      const sizes = [call.rows, call.inFeatures, call.outFeatures];
      const biasGradient = call.biasGradient === null ? 0 : span(call.biasGradient);
      return [op.DENSE_BACKWARD, ...inputs, at(call.dx), span(call.gradient), biasGradient, ...sizes];
    }
    case "gather-rows":
      return [op.GATHER_ROWS, at(call.x), at(call.indices), at(call.out), call.rows, call.width];
    case "scatter-rows": {
      const sizes = [call.rows, call.sourceRows, call.width];
      return [op.SCATTER_ROWS, at(call.dy), at(call.indices), at(call.dx), ...sizes];
    }
    case "adamw": {
      const moments = [at(call.mean), at(call.variance), at(call.settings)];
      const decays = [call.beta1, call.beta2, 1 - call.beta1, 1 - call.beta2, call.epsilon].map(bits);
      return [op.ADAMW, at(call.values), at(call.gradient), ...moments, ...decays, call.size];
    }
    case "dot":
      return [op.DOT, at(call.a), at(call.b), span(call.out), call.size, 0, places.shared];
    case "norm":
      return [op.DOT, at(call.x), at(call.x), span(call.out), call.size, 1, places.shared];
    default:
      return call satisfies never;
  }
}

/** The arguments of `setGeometry`. Distances beyond the sequence say no more than its length does. */
function geometry(shape: AttentionShape, length: number, lengths: number): number[] {
  const { heads, keyValueHeads, headWidth, scale } = shape;
  const [before, after] = [Math.min(shape.before, length), Math.min(shape.after, length)];
  return [length, headWidth, heads, heads / keyValueHeads, before, after, lengths, bits(scale)];
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The four bytes of a float as an integer. */
function bits(value: number): number {
  float[0] = value;
  return word[0] as number;
}
