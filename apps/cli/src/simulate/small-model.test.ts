import { initialAdapter, keptIndices, resolveRunConfig, subAdapter } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { steadyLaptop } from "../reproduce/device-model.ts";
import { federate, type RoundOutcome } from "../reproduce/in-process-federation.ts";
import { steering } from "../reproduce/steering.ts";
import { createSmallWorld, join, SMALL_WORLD, smallLoss, smallTrainer } from "./small-model.ts";

const world = createSmallWorld(SMALL_WORLD);

it("steps down the gradient of its loss, by central differences", async () => {
  const { shape } = world;
  const key = { seed: "0", round: 1, participantId: "p1", dropoutRate: 0 };
  const { mask } = subAdapter(shape, key);
  const values = initialAdapter(shape, "0").map((value, i) => value + 0.1 * Math.sin(i));
  const data = world.devices[0]!;
  const training = {
    localSteps: 1,
    batchSize: 40,
    learningRate: 1e-3,
    weightDecay: 0,
    rescale: "inverted" as const,
  };
  // One step of AdamW is the sign of the gradient, where it is not tiny: the batch is all there is.
  const { delta } = await smallTrainer(world).trainRound(
    { mask, dropoutRate: 0, values, training, batchSeed: "a" },
    data,
  );
  expect(keptIndices(shape, mask).length).toBe(values.length);
  for (let i = 0; i < values.length; i += 7) {
    const at = (shift: number) =>
      smallLoss(
        world,
        data,
        values.map((value, j) => (j === i ? value + shift : value)),
      );
    const slope = (at(1e-2) - at(-1e-2)) / 2e-2;
    if (Math.abs(slope) > 1e-3) expect(delta[i]! / -1e-3).toBeCloseTo(Math.sign(slope), 2);
  }
});

/** Loss on texts that nobody trained on or planned by, after twelve rounds, and the least rate of each but for what teaches. */
async function final(change: object): Promise<{ readonly loss: number; readonly rates: readonly number[] }> {
  const config = resolveRunConfig({
    rounds: 12,
    training: { localSteps: 8, batchSize: 4, learningRate: 0.03 },
    ...change,
  });
  const train = join(world.devices);
  const choose = createSmallWorld({ ...SMALL_WORLD, heldOutSamples: 300 }).heldOut;
  const rates: number[] = [];
  let adapter = initialAdapter(world.shape, config.seed);
  for await (const outcome of federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    config,
    devices: world.devices.map((dataset, k) => ({ id: `p${k + 1}`, dataset, ...steadyLaptop(40) })),
    evaluate: steering({
      train: (own) => smallLoss(world, train, own),
      heldOut: (own) => smallLoss(world, choose, own),
    }),
  })) {
    adapter = outcome.adapter;
    const { participants, allocation } = outcome.record;
    const dithers = new Map(allocation?.devices.map(({ id, dither }) => [id, dither]));
    rates.push(Math.min(...participants.map(({ id, dropoutRate }) => dropoutRate - (dithers.get(id) ?? 0))));
  }
  return { loss: smallLoss(world, world.heldOut, adapter), rates };
}

it("is overfitted without dropout, which branch-and-bound sees and prevents, again and again alike", async () => {
  const [without, live, again] = [
    await final({ method: "fedlora" }),
    await final({ method: "branch-and-bound" }),
    await final({ method: "branch-and-bound" }),
  ];
  expect(live).toEqual(again);
  // Nothing is dropped before anything is known, but what teaches.
  expect(live.rates.slice(0, 2)).toEqual([0, 0]);
  expect(live.rates.at(-1)).toBeGreaterThan(0.1);
  expect(live.loss).toBeLessThan(without.loss - 0.05);
});

it("whom energy keeps out takes the fewer steps that its plan asks for, and counts", async () => {
  // Eight steps take 12 J, and a newcomer is allowed for half as much again.
  const rounds = federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    config: resolveRunConfig({
      method: "greedy",
      energyLimitJoules: 13,
      training: { localSteps: 8, batchSize: 4, learningRate: 0.03 },
    }),
    devices: world.devices.map((dataset, k) => ({ id: `p${k + 1}`, dataset, ...steadyLaptop(40) })),
  });
  const first: RoundOutcome = (await rounds.next()).value;
  const { participants } = first.record;
  expect(participants.map(({ outcome }) => outcome)).toEqual(world.devices.map(() => "aggregated"));
  for (const { steps, energyJoules } of participants) {
    expect(steps).toBe(5);
    expect(energyJoules).toBeLessThan(8);
  }
});
