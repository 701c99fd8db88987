/** Plans in too little memory, and weights that cannot be held: one line each, before anything is allocated. */
import { expect, test } from "vitest";
import { openReference } from "../engines/reference/engine.ts";
import { modelFromCheckpoint } from "../models/checkpoint.ts";
import { tensorsInMemory } from "../models/tensor-source.ts";
import type { Engine } from "../plan/engine.ts";
import { createPlannedTrainer } from "./planned-trainer.ts";
import { cases, model, type PytorchCase, weights } from "./pytorch.contract.ts";
import { request } from "./trainer.contract.ts";

const [from] = cases as readonly [PytorchCase];

/** The reference with a bound on its memory, or on each piece of it; counts what is prepared. */
async function bounded(
  availableBytes: number | null,
  largestBufferBytes: number | null = null,
): Promise<{ engine: Engine; prepared: number[] }> {
  const reference = await openReference();
  const prepared: number[] = [];
  const engine: Engine = {
    ...reference,
    capabilities: { bases: ["f32", "int8"], availableBytes, largestBufferBytes },
    weightBytes: (shape) => 4 * (shape.kind === "vector" ? shape.size : shape.inFeatures * shape.outFeatures),
    prepare: (plan) => {
      prepared.push(plan.totalBytes);
      return reference.prepare(plan);
    },
  };
  return { engine, prepared };
}

const WEIGHT_BYTES = 4 * [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
const ONE_STEP = request(from, { localSteps: 1 });

async function stepIn(availableBytes: number) {
  const { engine, prepared } = await bounded(availableBytes);
  const trainer = await createPlannedTrainer(engine, model, from.shape, "f32");
  const { steps, delta } = await trainer.trainRound(ONE_STEP, from.dataset);
  return { step: steps[0]!, delta, bytes: prepared[0]! };
}

test("with less room blocks are computed twice, to the bit the same", async () => {
  const roomy = await stepIn(1e9);
  const tight = await stepIn(WEIGHT_BYTES + roomy.bytes - 1);
  expect(tight.bytes).toBeLessThan(roomy.bytes);
  expect(tight.step.loss).toBe(roomy.step.loss);
  expect(tight.delta).toEqual(roomy.delta);
});

test("a step that fits in no way is refused with the numbers and what would fit", async () => {
  const { engine, prepared } = await bounded(90_000);
  const trainer = await createPlannedTrainer(engine, model, from.shape, "f32");
  const error = await trainer.trainRound(ONE_STEP, from.dataset).catch((reason: Error) => reason);
  expect((error as Error).message).toMatch(
    /^memory: a batch of 3 × 12 tokens needs \d+ (kB|MB) beside \d+ (kB|MB) of weights, 90 kB are available; a batch of [12] or sequences of \d+ tokens would fit$/,
  );
  expect(prepared).toEqual([]);
});

test("a device that limits single buffers refuses a step in which one is larger, and says what would fit", async () => {
  const { engine, prepared } = await bounded(null, 9_000);
  const trainer = await createPlannedTrainer(engine, model, from.shape, "f32");
  const error = await trainer.trainRound(ONE_STEP, from.dataset).catch((reason: Error) => reason);
  expect((error as Error).message).toMatch(
    /^memory: a batch of 3 × 12 tokens needs a buffer of \d+ kB, the device's may have 9 kB; a batch of [12] or sequences of \d+ tokens would fit$/,
  );
  expect(prepared).toEqual([]);
});

test("weights that do not fit are refused before any is uploaded", async () => {
  const { engine } = await bounded(10_000);
  await expect(createPlannedTrainer(engine, model, from.shape, "f32")).rejects.toThrow(
    `memory: the weights in f32 need ${Math.ceil(WEIGHT_BYTES / 1e3)} kB, 10 kB are available`,
  );
});

test("a weight that no single buffer holds is named before any is uploaded", async () => {
  const { engine } = await bounded(null, 4_000);
  await expect(createPlannedTrainer(engine, model, from.shape, "f32")).rejects.toThrow(
    /^memory: \S+ in f32 needs a buffer of \d+ kB, the device's may have 4 kB$/,
  );
});

test("a weight that is not a number is named, and a base that the engine lacks", async () => {
  const name = "h.1.mlp.c_fc.weight";
  const weight = weights.get(name)!;
  const values = weight.values.slice();
  values[7] = Number.NaN;
  const broken = modelFromCheckpoint(
    model.config,
    tensorsInMemory(new Map([...weights, [name, { ...weight, values }]])),
  );
  await expect(createPlannedTrainer(await openReference(), broken, from.shape, "f32")).rejects.toThrow(
    `checkpoint: expected finite weights, got NaN at value 7 of ${name}`,
  );
  const { engine } = await bounded(1e9);
  await expect(createPlannedTrainer(engine, model, from.shape, "int4")).rejects.toThrow(
    "weights: JavaScript, float64 holds f32, int8, not int4",
  );
});
