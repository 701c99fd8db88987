/**
 * What every engine must do, through the Trainer interface alone. Checks are plain functions, so that the same list
 * runs under Vitest in Node and in a worker of a real Chromium.
 */
import {
  type AdapterShape,
  drawDropoutMask,
  gatherValues,
  initialAdapter,
  keptIndices,
} from "@fedlodrop/run";
import { mergeAdapter } from "../adapter/lora.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { cases, learningRate, model, type PytorchCase, weightDecay } from "./pytorch.contract.ts";
import type { RoundRequest, Trainer, TrainingOptions } from "./trainer.ts";

type OpenTrainer = (model: LanguageModel, adapter: AdapterShape) => Promise<Trainer>;

export interface TrainerCheck {
  readonly name: string;
  readonly check: (open: OpenTrainer) => Promise<void>;
}

const [languageModel, classification] = cases as readonly [PytorchCase, PytorchCase];

export function request(from: PytorchCase, training: Partial<TrainingOptions> = {}): RoundRequest {
  return {
    mask: from.mask,
    dropoutRate: from.dropoutRate,
    values: from.values,
    batchSeed: "contract",
    training: {
      localSteps: from.losses.length,
      batchSize: from.sampleCount,
      learningRate,
      weightDecay,
      rescale: "inverted",
      ...training,
    },
  };
}

/** The fixture's sub-adapter as a full one: dropped entries as initialised. */
export function fullAdapter(from: PytorchCase): Float32Array {
  const full = initialAdapter(from.shape, "contract");
  keptIndices(from.shape, from.mask).forEach((flatIndex, i) => {
    full[flatIndex] = from.values[i] as number;
  });
  return full;
}

export const trainerChecks: readonly TrainerCheck[] = [
  ...cases.map((from) => ({
    name: `${from.dataset.kind}: losses of ${from.losses.length} AdamW steps equal PyTorch float64`,
    check: async (open: OpenTrainer) => {
      const trainer = await open(model, from.shape);
      const { steps } = await trainer.trainRound(request(from), from.dataset);
      // The first loss is a pure forward pass; later ones gather float32 rounding through AdamW's division.
      steps.forEach(({ loss }, i) => {
        near(loss, from.losses[i] as number, i === 0 ? 1e-6 : 2e-4, `loss of step ${i + 1}`);
      });
      const norm = Math.hypot(...from.gradient);
      near(steps[0]?.gradientNorm as number, norm, 1e-5, "gradient norm");
      trainer.dispose();
    },
  })),
  ...cases.map((from) => ({
    name: `${from.dataset.kind}: the first update is AdamW's on PyTorch's gradient, kept entries only`,
    check: async (open: OpenTrainer) => {
      const trainer = await open(model, from.shape);
      const { delta } = await trainer.trainRound(request(from, { localSteps: 1 }), from.dataset);
      equal(delta.length, from.gradient.length, "values in the update");
      // AdamW's first update is −lr·(g/(|g|+ε) + decay·value), whatever the size of g.
      delta.forEach((change, i) => {
        const gradient = from.gradient[i] as number;
        const value = from.values[i] as number;
        const expected = -learningRate * (gradient / (Math.abs(gradient) + 1e-8) + weightDecay * value);
        if (Math.abs(gradient) > 1e-5) near(change, expected, 1e-3, `change of kept value ${i}`);
      });
      trainer.dispose();
    },
  })),
  {
    name: "a round repeats to the bit from the same request",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const once = await trainer.trainRound(request(languageModel), languageModel.dataset);
      const again = await trainer.trainRound(request(languageModel), languageModel.dataset);
      equal(once.delta.join(), again.delta.join(), "update");
      trainer.dispose();
    },
  },
  {
    name: "rescale none trains the unscaled product",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const scaled = await trainer.trainRound(
        request(languageModel, { localSteps: 1 }),
        languageModel.dataset,
      );
      const plain = await trainer.trainRound(
        request(languageModel, { localSteps: 1, rescale: "none" }),
        languageModel.dataset,
      );
      // With A and B alike, g·B'A' differs from B'A' unless nothing is dropped.
      if (scaled.steps[0]?.loss === plain.steps[0]?.loss) throw new Error("rescale changed nothing");
      const undropped = { ...request(languageModel, { localSteps: 1, rescale: "none" }), dropoutRate: 0 };
      const same = await trainer.trainRound(undropped, languageModel.dataset);
      equal(same.steps[0]?.loss, plain.steps[0]?.loss, "loss at rate 0 with the same values");
      trainer.dispose();
    },
  },
  {
    name: "steps are reported in order, and tokens without padding",
    check: async (open) => {
      const trainer = await open(model, classification.shape);
      const seen: number[] = [];
      const { steps } = await trainer.trainRound(
        request(classification, { localSteps: 3 }),
        classification.dataset,
        ({ step }) => seen.push(step),
      );
      equal(seen.join(), "1,2,3", "steps");
      equal(steps[0]?.tokens, 5 + 12 + 8 + 1, "tokens of a step");
      trainer.dispose();
    },
  },
  {
    name: "an abort rejects between steps and leaves the trainer usable",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const controller = new AbortController();
      const reason = new Error("left the room");
      const round = trainer.trainRound(
        request(languageModel, { localSteps: 1000 }),
        languageModel.dataset,
        ({ step }) => step === 2 && controller.abort(reason),
        controller.signal,
      );
      equal(await round.catch((error: unknown) => error), reason, "reason of the rejection");
      await trainer.trainRound(request(languageModel, { localSteps: 1 }), languageModel.dataset);
      trainer.dispose();
    },
  },
  {
    name: "values that do not fit the mask are refused",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const short = { ...request(languageModel), values: languageModel.values.subarray(1) };
      await rejects(trainer.trainRound(short, languageModel.dataset), /expected 1256 kept values, got 1255/);
      await rejects(
        trainer.evaluate(languageModel.dataset, new Float32Array(3)),
        /expected \d+ values, got 3/,
      );
      trainer.dispose();
    },
  },
  {
    name: "training that diverges is an error, not an update",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const wild = request(languageModel, { learningRate: 1e30, localSteps: 20 });
      await rejects(trainer.trainRound(wild, languageModel.dataset), /training diverged at step \d+/);
      trainer.dispose();
    },
  },
  {
    name: "evaluation is the mean over samples, however they fall into batches",
    check: async (open) => {
      if (languageModel.dataset.kind !== "language-model") throw new Error("fixture: expected windows first");
      const trainer = await open(model, languageModel.shape);
      const { windows } = languageModel.dataset;
      const many = Array.from({ length: 11 }, (_, i) => windows[i % windows.length] as Int32Array);
      const adapter = fullAdapter(languageModel);
      const singles = await Promise.all(
        windows.map((window) => trainer.evaluate({ kind: "language-model", windows: [window] }, adapter)),
      );
      const expected =
        many.reduce((sum, _, i) => sum + (singles[i % windows.length]?.loss as number), 0) / 11;
      const evaluation = await trainer.evaluate({ kind: "language-model", windows: many }, adapter);
      near(evaluation.loss, expected, 1e-6, "mean loss");
      const losses = many.map((_, i) => singles[i % windows.length]?.loss as number).sort((a, b) => a - b);
      // Of eleven values the percentiles lie a tenth of the way in from the ends.
      const [a, b, y, z] = [losses[0], losses[1], losses[9], losses[10]] as [number, number, number, number];
      near(evaluation.exampleLossSpread, 0.9 * (z - a) + 0.1 * (y - b), 1e-5, "spread of window losses");
      equal(evaluation.count, 11 * 12, "tokens");
      trainer.dispose();
    },
  },
  {
    name: "evaluating the full adapter equals evaluating the merged model",
    check: async (open) => {
      const adapter = fullAdapter(languageModel);
      const trainer = await open(model, languageModel.shape);
      const applied = await trainer.evaluate(languageModel.dataset, adapter);
      const base = await trainer.evaluate(languageModel.dataset);
      trainer.dispose();
      const merged = await open(mergeAdapter(model, languageModel.shape, adapter), languageModel.shape);
      near((await merged.evaluate(languageModel.dataset)).loss, applied.loss, 1e-5, "loss");
      if (Math.abs(base.loss - applied.loss) < 1e-3) throw new Error("the adapter changed nothing");
      merged.dispose();
    },
  },
  {
    name: "classification: accuracy and loss of a trained head, and an even guess without an adapter",
    check: async (open) => {
      const trainer = await open(model, classification.shape);
      // The update is applied whole and every entry was kept, so what was trained is what is evaluated.
      const mask = drawDropoutMask(classification.shape, {
        seed: "contract",
        round: 1,
        participantId: "all",
        dropoutRate: 0,
      });
      const full = fullAdapter(classification);
      const values = gatherValues(full, keptIndices(classification.shape, mask));
      const round = { ...request(classification, { localSteps: 40 }), mask, dropoutRate: 0, values };
      const { delta } = await trainer.trainRound(round, classification.dataset);
      const trained = full.map((value, i) => value + (delta[i] as number));
      const after = await trainer.evaluate(classification.dataset, trained);
      equal(after.accuracy, 1, "accuracy on four memorised samples");
      if (after.loss > 0.1) throw new Error(`expected a loss below 0.1, got ${after.loss}`);
      equal(after.f1, undefined, "F1 of three labels");
      near((await trainer.evaluate(classification.dataset)).loss, Math.log(3), 1e-6, "base loss");
      trainer.dispose();
    },
  },
  {
    name: "generation is greedy at temperature 0, seeded above, and runs past the context",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const adapter = fullAdapter(languageModel);
      const options = { maxTokens: 20, temperature: 0, topK: 0, seed: "a" };
      const seen: number[] = [];
      const greedy = await trainer.generate([1, 2, 3], options, adapter, (id) => seen.push(id));
      equal(seen.join(), greedy.join(), "ids seen");
      equal((await trainer.generate([1, 2, 3], options, adapter)).join(), greedy.join(), "greedy ids");
      const hot = { ...options, temperature: 2, topK: 10 };
      const sampled = await trainer.generate([1, 2, 3], hot, adapter);
      equal((await trainer.generate([1, 2, 3], hot, adapter)).join(), sampled.join(), "seeded ids");
      const other = await trainer.generate([1, 2, 3], { ...hot, seed: "b" }, adapter);
      if (other.join() === sampled.join()) throw new Error("another seed drew the same ids");
      trainer.dispose();
    },
  },
  {
    name: "generation ends at any of the model's ends",
    check: async (open) => {
      const adapter = fullAdapter(languageModel);
      const options = { maxTokens: 8, temperature: 2, topK: 0, seed: "ends" };
      const endless = { ...model, config: { ...model.config, endIds: [] } };
      const trainer = await open(endless, languageModel.shape);
      const drawn = await trainer.generate([1, 2, 3], options, adapter);
      trainer.dispose();
      equal(drawn.length, 8, "ids without an end");
      const end = drawn[3] as number;
      const endIds = [model.config.vocabularySize - 1, end];
      const ending = await open({ ...model, config: { ...model.config, endIds } }, languageModel.shape);
      const ended = await ending.generate([1, 2, 3], options, adapter);
      const expected = drawn.slice(
        0,
        drawn.findIndex((id) => endIds.includes(id)),
      );
      equal(ended.join(), expected.join(), "ids before the end");
      ending.dispose();
    },
  },
  {
    name: "a sequence longer than the model's positions is refused",
    check: async (open) => {
      const trainer = await open(model, languageModel.shape);
      const windows = [new Int32Array(18)];
      await rejects(
        trainer.evaluate({ kind: "language-model", windows }),
        /expected at most 16 tokens, got 17/,
      );
      trainer.dispose();
    },
  },
];

/** Relative comparison; below 10⁻³ the tolerance counts as for 10⁻³. */
function near(got: number, expected: number, tolerance: number, what: string): void {
  if (!(Math.abs(got - expected) <= tolerance * Math.max(Math.abs(expected), 1e-3)))
    throw new Error(`${what}: expected ${expected} (relative ±${tolerance}), got ${got}`);
}

export function equal(got: unknown, expected: unknown, what: string): void {
  if (got !== expected) throw new Error(`${what}: expected ${expected}, got ${got}`);
}

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error && message.test(error.message)))
    throw new Error(`expected a rejection like ${message}, got ${error}`);
}
