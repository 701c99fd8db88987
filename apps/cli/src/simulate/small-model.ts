/**
 * A model small enough for many thousands of devices: logits (W₀ + s·B·A)·x of one adapted matrix, softmax and cross
 * entropy, trained with AdamW on a sub-adapter as the browser's engines train theirs. Masks, rescaling, updates and
 * aggregation are the product's; only the language model is replaced. Labels are drawn from a true matrix near W₀ that
 * devices share in part, so that a few samples a device can be learned by heart.
 */
import type { RoundOutcome, RoundRequest, TrainingStep } from "@fedlodrop/lm";
import { type AdapterShape, createRandom, type DropoutMask, type Random, shuffled } from "@fedlodrop/run";

export interface SmallWorld {
  readonly shape: AdapterShape;
  /** W₀ [outFeatures, inFeatures], row-major. */
  readonly base: Float64Array;
  readonly devices: readonly SmallDataset[];
  /** Texts of any device, also of one beyond these: made anew each time. */
  datasetOf(device: number): SmallDataset;
  readonly heldOut: SmallDataset;
}

export interface SmallDataset {
  /** [count, inFeatures] */
  readonly inputs: Float64Array;
  readonly labels: Int32Array;
}

export interface SmallWorldTerms {
  readonly devices: number;
  readonly samplesPerDevice: number;
  readonly heldOutSamples: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly rank: number;
  /** Standard deviation of a shared change of the logits, and of each device's own. */
  readonly shared: number;
  readonly own: number;
  readonly seed: string;
}

/** The world that figures and tests use: plain federated LoRA overfits it within twenty rounds. */
export const SMALL_WORLD: SmallWorldTerms = {
  devices: 4,
  samplesPerDevice: 40,
  heldOutSamples: 400,
  inFeatures: 32,
  outFeatures: 16,
  rank: 8,
  shared: 1.2,
  own: 0.5,
  seed: "0",
};

/** A world that is soon learned by heart, the training loss going to zero. */
export const LEARNED_BY_HEART: SmallWorldTerms = {
  ...SMALL_WORLD,
  samplesPerDevice: 16,
  inFeatures: 48,
  outFeatures: 4,
  shared: 2.5,
};

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export function createSmallWorld(terms: SmallWorldTerms): SmallWorld {
  const { devices, samplesPerDevice, heldOutSamples, inFeatures, outFeatures, rank, seed } = terms;
  const random = createRandom("small-world", seed);
  const matrix = (deviation: number, from: Random = random): Float64Array =>
    Float64Array.from(
      { length: outFeatures * inFeatures },
      () => (deviation * from.normal()) / Math.sqrt(inFeatures),
    );
  const base = matrix(1);
  const truth = plus(base, matrix(terms.shared));
  const truthOf = (k: number): Float64Array =>
    plus(truth, matrix(terms.own, createRandom("small-world", seed, "device", k)));
  const dataset = (k: number, count: number, purpose: string): SmallDataset =>
    draw(truthOf(k), count, inFeatures, outFeatures, createRandom("small-world", seed, purpose, k));
  const datasetOf = (k: number): SmallDataset => dataset(k, samplesPerDevice, "training");
  const heldOut = Array.from({ length: Math.min(devices, 64) }, (_, k) =>
    dataset(k, Math.ceil(heldOutSamples / Math.min(devices, 64)), "held-out"),
  );
  return {
    shape: {
      rank,
      alpha: 2 * rank,
      modules: [{ name: "small", inFeatures, outFeatures }],
      dense: [],
    },
    base,
    datasetOf,
    devices: Array.from({ length: devices }, (_, k) => datasetOf(k)),
    heldOut: join(heldOut),
  };
}

export function join(datasets: readonly SmallDataset[]): SmallDataset {
  return {
    inputs: Float64Array.from(datasets.flatMap(({ inputs }) => [...inputs])),
    labels: Int32Array.from(datasets.flatMap(({ labels }) => [...labels])),
  };
}

function draw(
  truth: Float64Array,
  count: number,
  inFeatures: number,
  outFeatures: number,
  random: Random,
): SmallDataset {
  const inputs = Float64Array.from({ length: count * inFeatures }, () => random.normal());
  const probabilities = new Float64Array(outFeatures);
  const labels = Int32Array.from({ length: count }, (_, row) => {
    for (let o = 0; o < outFeatures; o++) {
      let logit = 0;
      for (let i = 0; i < inFeatures; i++)
        logit += (truth[o * inFeatures + i] as number) * (inputs[row * inFeatures + i] as number);
      probabilities[o] = logit;
    }
    softmax(probabilities);
    let left = random.uniform();
    const label = probabilities.findIndex((p) => {
      left -= p;
      return left < 0;
    });
    return label < 0 ? outFeatures - 1 : label;
  });
  return { inputs, labels };
}

/** In place. @returns log of the normaliser */
function softmax(logits: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) most = Math.max(most, logit);
  let total = 0;
  for (let o = 0; o < logits.length; o++) {
    const value = Math.exp((logits[o] as number) - most);
    logits[o] = value;
    total += value;
  }
  for (let o = 0; o < logits.length; o++) logits[o] = (logits[o] as number) / total;
  return most + Math.log(total);
}

const plus = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((value, i) => value + (b[i] as number));

/** Mean cross entropy of the full adapter, nats. */
export function smallLoss(world: SmallWorld, data: SmallDataset, adapter: Float32Array): number {
  const network = createNetwork(world, fullMask(world.shape), 1);
  let total = 0;
  for (let row = 0; row < data.labels.length; row++) total += network.loss(adapter, data, row);
  return total / data.labels.length;
}

const fullMask = ({ modules }: AdapterShape): DropoutMask =>
  modules.map(({ inFeatures, outFeatures }) => ({
    keptColumns: Uint32Array.from({ length: inFeatures }, (_, i) => i),
    keptRows: Uint32Array.from({ length: outFeatures }, (_, i) => i),
  }));

/** The seam that the in-process federation trains through. */
export function smallTrainer(world: SmallWorld): {
  readonly trainRound: (request: RoundRequest, data: SmallDataset) => Promise<RoundOutcome>;
} {
  return {
    trainRound: async (
      { mask, dropoutRate, values, training, batchSeed }: RoundRequest,
      data: SmallDataset,
    ): Promise<RoundOutcome> => {
      const { localSteps, batchSize, learningRate, weightDecay, rescale } = training;
      const network = createNetwork(world, mask, rescale === "inverted" ? 1 / (1 - dropoutRate) ** 2 : 1);
      const current = Float32Array.from(values);
      const [first, second] = [new Float64Array(values.length), new Float64Array(values.length)];
      const gradient = new Float64Array(values.length);
      const random = createRandom(batchSeed);
      let rows: number[] = [];
      const steps: TrainingStep[] = [];
      for (let step = 1; step <= localSteps; step++) {
        gradient.fill(0);
        let loss = 0;
        for (let b = 0; b < batchSize; b++) {
          if (rows.length === 0) rows = [...shuffled(Array.from(data.labels.keys()), random)];
          loss += network.loss(current, data, rows.pop() as number, gradient);
        }
        let squares = 0;
        for (let i = 0; i < current.length; i++) {
          const g = (gradient[i] as number) / batchSize;
          squares += g * g;
          first[i] = BETA1 * (first[i] as number) + (1 - BETA1) * g;
          second[i] = BETA2 * (second[i] as number) + (1 - BETA2) * g * g;
          const slope =
            (first[i] as number) /
            (1 - BETA1 ** step) /
            (Math.sqrt((second[i] as number) / (1 - BETA2 ** step)) + EPSILON);
          current[i] = (current[i] as number) * (1 - learningRate * weightDecay) - learningRate * slope;
        }
        steps.push({
          step,
          loss: loss / batchSize,
          gradientNorm: Math.sqrt(squares),
          seconds: 0,
          tokens: batchSize,
        });
      }
      return { delta: current.map((value, i) => value - (values[i] as number)), steps };
    },
  };
}

interface Network {
  /** Of one sample; its gradient in the kept values is added to `gradient`. */
  loss(values: Float32Array, data: SmallDataset, row: number, gradient?: Float64Array): number;
}

/** Kept values come in wire order: A [rank, kept columns], then B [kept rows, rank]. */
function createNetwork({ shape, base }: SmallWorld, mask: DropoutMask, factor: number): Network {
  const { rank, alpha } = shape;
  const [module] = shape.modules;
  const [kept] = mask;
  if (module === undefined || kept === undefined) throw new Error("small model: expected one adapted module");
  const { inFeatures, outFeatures } = module;
  const { keptColumns, keptRows } = kept;
  const scale = (factor * alpha) / rank;
  const rowsAt = rank * keptColumns.length;
  const hidden = new Float64Array(rank);
  const pulled = new Float64Array(rank);
  const logits = new Float64Array(outFeatures);
  return {
    loss(values, { inputs, labels }, row, gradient) {
      const at = row * inFeatures;
      for (let o = 0; o < outFeatures; o++) {
        let sum = 0;
        for (let i = 0; i < inFeatures; i++)
          sum += (base[o * inFeatures + i] as number) * (inputs[at + i] as number);
        logits[o] = sum;
      }
      for (let r = 0; r < rank; r++) {
        let sum = 0;
        for (let c = 0; c < keptColumns.length; c++)
          sum +=
            (values[r * keptColumns.length + c] as number) *
            (inputs[at + (keptColumns[c] as number)] as number);
        hidden[r] = sum;
      }
      for (let k = 0; k < keptRows.length; k++) {
        let sum = 0;
        for (let r = 0; r < rank; r++)
          sum += (values[rowsAt + k * rank + r] as number) * (hidden[r] as number);
        const o = keptRows[k] as number;
        logits[o] = (logits[o] as number) + scale * sum;
      }
      const label = labels[row] as number;
      const own = logits[label] as number;
      const loss = softmax(logits) - own;
      if (gradient === undefined) return loss;
      logits[label] = (logits[label] as number) - 1;
      pulled.fill(0);
      for (let k = 0; k < keptRows.length; k++) {
        const pull = scale * (logits[keptRows[k] as number] as number);
        for (let r = 0; r < rank; r++) {
          const i = rowsAt + k * rank + r;
          gradient[i] = (gradient[i] as number) + pull * (hidden[r] as number);
          pulled[r] = (pulled[r] as number) + pull * (values[i] as number);
        }
      }
      for (let r = 0; r < rank; r++)
        for (let c = 0; c < keptColumns.length; c++) {
          const i = r * keptColumns.length + c;
          gradient[i] =
            (gradient[i] as number) +
            (pulled[r] as number) * (inputs[at + (keptColumns[c] as number)] as number);
        }
      return loss;
    },
  };
}
