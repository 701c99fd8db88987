/** What federations of an arm are run with: the lab's trainer and the product's rules, but for what the arm's variant changes. */
import { mergeAdapter } from "@fedlodrop/lm";
import { payloadBytes } from "@fedlodrop/protocol";
import {
  type AdapterShape,
  adapterLayout,
  adapterSize,
  createRandom,
  keptIndices,
  type MaskKey,
  type RunConfig,
  type SubAdapter,
} from "@fedlodrop/run";
import type { Variant } from "./arms.ts";
import type { Federation } from "./in-process-federation.ts";
import type { Lab } from "./lab.ts";
import type { SentUpdate } from "./steering.ts";
import { trainStepwise } from "./stepwise.ts";

type Rules = Pick<Federation<never>, "draw" | "tamper" | "combine" | "bytesOf">;

export interface Rig extends Rules {
  readonly trainer: Pick<Lab["trainer"], "trainRound" | "evaluate">;
  close(): void;
}

export function rigOf(variant: Variant | undefined, lab: Lab, { seed }: RunConfig): Rig {
  const { trainer, shape } = lab;
  const plain: Rig = { trainer, close: () => {} };
  switch (variant?.kind) {
    case undefined:
    case "alone":
    case "pooled":
      return plain;
    case "frozen-a": {
      const isTrained = outsideA(shape);
      const sent = keptCountWhere(shape, isTrained);
      return {
        ...plain,
        trainer: {
          evaluate: trainer.evaluate.bind(trainer),
          trainRound: (request, dataset) =>
            trainStepwise(trainer, request, dataset, () => ({ factors: null, isTrained })),
        },
        bytesOf: () => ({ up: payloadBytes(sent, "f32"), down: payloadBytes(sent, "f32") }),
      };
    }
    case "input-dropout":
      return {
        ...plain,
        trainer: {
          evaluate: trainer.evaluate.bind(trainer),
          trainRound: (request, dataset) =>
            trainStepwise(trainer, request, dataset, (step) => ({
              factors: inputFactors(shape, variant.rate, `${seed}/${request.batchSeed}/${step}`),
              isTrained: () => true,
            })),
        },
      };
    case "residual":
      return residualRig(lab);
    case "bernoulli":
    case "int8":
    case "horvitz-thompson":
      return { ...plain, ...rulesOf(variant.kind, shape) };
    default:
      return variant satisfies never;
  }
}

/** Variants that change what is sent and how it is put together, whatever model is trained. */
export type RuleVariant = Extract<Variant["kind"], "bernoulli" | "int8" | "horvitz-thompson">;

export function rulesOf(kind: RuleVariant, shape: AdapterShape): Rules {
  switch (kind) {
    case "bernoulli":
      return { draw: drawBernoulli };
    case "int8": {
      const errors = new Map<string, Float32Array>();
      return {
        tamper: (id, _round, changes, indices) => {
          const error = errors.get(id) ?? new Float32Array(adapterSize(shape));
          errors.set(id, error);
          return inEightBits(shape, changes, indices, error);
        },
        // A byte a value and a scale a factor; the download stays as it is.
        bytesOf: ({ valueCount }) => ({
          up: valueCount + 4 * adapterLayout(shape).length,
          down: payloadBytes(valueCount, "f32"),
        }),
      };
    }
    case "horvitz-thompson":
      return { combine: async ({ before, updates }) => horvitzThompson(shape, before, updates) };
    default:
      return kind satisfies never;
  }
}

/** Whether a value belongs to B or to what is sent whole. */
function outsideA(shape: AdapterShape): (index: number) => boolean {
  const isA = new Uint8Array(adapterSize(shape));
  for (const { name, offset, size } of adapterLayout(shape))
    if (name.endsWith(".loraA")) isA.fill(1, offset, offset + size);
  return (index) => isA[index] === 0;
}

const keptCountWhere = (shape: AdapterShape, admits: (index: number) => boolean): number =>
  Array.from({ length: adapterSize(shape) }, (_, index) => index).filter(admits).length;

/** 0 for the columns of A that a step drops, 1/(1 − rate) for the others, 1 for all that isn't A. */
function inputFactors(shape: AdapterShape, rate: number, seed: string): Float32Array {
  const factors = new Float32Array(adapterSize(shape)).fill(1);
  let offset = 0;
  for (const { name, inFeatures, outFeatures } of shape.modules) {
    const random = createRandom(seed, "input dropout", name);
    const kept = Array.from({ length: inFeatures }, () => random.uniform() >= rate);
    for (let r = 0; r < shape.rank; r++)
      for (let column = 0; column < inFeatures; column++)
        factors[offset + r * inFeatures + column] = kept[column] ? 1 / (1 - rate) : 0;
    offset += shape.rank * (inFeatures + outFeatures);
  }
  return factors;
}

/** At least one of each, for a product of nothing has no gradient. */
function drawBernoulli(shape: AdapterShape, key: MaskKey): SubAdapter {
  const mask = shape.modules.map(({ name, inFeatures, outFeatures }) => {
    const draw = (factor: string, size: number): Uint32Array => {
      const random = createRandom(key.seed, key.round, key.participantId, name, factor, "bernoulli");
      const kept = Array.from({ length: size }, (_, i) => i).filter(
        () => random.uniform() >= key.dropoutRate,
      );
      return Uint32Array.from(kept.length > 0 ? kept : [random.below(size)]);
    };
    return { keptColumns: draw("columns", inFeatures), keptRows: draw("rows", outFeatures) };
  });
  const indices = keptIndices(shape, mask);
  return { mask, indices, valueCount: indices.length, fullValueCount: adapterSize(shape) };
}

/** Changes rounded to 255 levels of each factor; `error` holds, and is left with, what rounding takes. */
function inEightBits(
  shape: AdapterShape,
  changes: Float32Array,
  indices: Uint32Array,
  error: Float32Array,
): Float32Array {
  const sent = new Float32Array(changes.length);
  let at = 0;
  for (const { offset, size } of adapterLayout(shape)) {
    const from = at;
    while (at < indices.length && (indices[at] as number) < offset + size) at++;
    const wanted = (i: number): number => (changes[i] as number) + (error[indices[i] as number] as number);
    let most = 0;
    for (let i = from; i < at; i++) most = Math.max(most, Math.abs(wanted(i)));
    const level = most / 127;
    for (let i = from; i < at; i++) {
      const value = level === 0 ? 0 : level * Math.round(wanted(i) / level);
      sent[i] = value;
      error[indices[i] as number] = wanted(i) - value;
    }
  }
  return sent;
}

function horvitzThompson(
  shape: AdapterShape,
  before: Float32Array,
  updates: readonly SentUpdate[],
): Float32Array {
  const total = updates.reduce((sum, { weight }) => sum + weight, 0);
  const dense = adapterSize({ ...shape, dense: [] });
  const after = Float64Array.from(before);
  for (const { changes, indices, weight, dropoutRate } of updates)
    for (let i = 0; i < changes.length; i++) {
      const index = indices[i] as number;
      const chance = index < dense ? 1 - dropoutRate : 1;
      after[index] = (after[index] as number) + (weight * (changes[i] as number)) / (total * chance);
    }
  return Float32Array.from(after);
}

/** The base is another one after every round: a trainer is opened on it anew. */
function residualRig({ shape, model, openTrainer, trainer: first }: Lab): Rig {
  let current = { model, trainer: first };
  return {
    trainer: {
      trainRound: (...given) => current.trainer.trainRound(...given),
      evaluate: (...given) => current.trainer.evaluate(...given),
    },
    async combine({ before, mean, updates }) {
      const total = updates.reduce((sum, { weight }) => sum + weight, 0);
      let merged = current.model;
      for (const { changes, indices, weight } of updates) {
        const own = before.slice();
        for (let i = 0; i < changes.length; i++)
          own[indices[i] as number] = (own[indices[i] as number] as number) + (changes[i] as number);
        merged = mergeAdapter(merged, shape, timesB(shape, own, weight / total));
      }
      merged = inMemory(mergeAdapter(merged, shape, timesB(shape, mean, -1)));
      if (current.trainer !== first) current.trainer.dispose();
      current = { model: merged, trainer: await openTrainer(merged) };
      return mean;
    },
    close: () => {
      if (current.trainer !== first) current.trainer.dispose();
    },
  };
}

/** The adapter whose products are `factor` times these. */
function timesB(shape: AdapterShape, adapter: Float32Array, factor: number): Float32Array {
  const isTimed = outsideA(shape);
  return adapter.map((value, index) => (isTimed(index) ? factor * value : value));
}

/** Merged tensors are added up when they are read: read once, so that rounds do not pile up. */
function inMemory({ config, tensors }: Lab["model"]): Lab["model"] {
  const read = new Map<string, Promise<Float32Array>>();
  return {
    config,
    tensors: {
      shapes: tensors.shapes,
      read(name) {
        const known = read.get(name) ?? tensors.read(name);
        read.set(name, known);
        return known;
      },
    },
  };
}
