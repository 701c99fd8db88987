/**
 * Rounds of a population on the small model. What is kept does not grow with the rounds but for two numbers of each device
 * that has taken part, by which who goes against the others is left out: at most as many as there are devices.
 */
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { federate } from "../reproduce/in-process-federation.ts";
import { factsOf, type Population } from "./population.ts";
import { createSmallWorld, SMALL_WORLD, smallLoss, smallTrainer } from "./small-model.ts";

export interface Crowd {
  readonly population: Population;
  /** Devices of a round at most. */
  readonly most: number;
  readonly config: RunConfig;
}

export interface CrowdRound {
  readonly record: RoundRecord;
  /** Of the full adapter on texts of devices 0 to 63, nats. */
  readonly heldOut: number;
}

/** Rounds that plans and bounds look back on: a device of many is seldom asked twice. */
const REMEMBERED = 4;

export async function* simulateCrowd({ population, most, config }: Crowd): AsyncGenerator<CrowdRound> {
  const world = createSmallWorld({
    ...SMALL_WORLD,
    devices: 64,
    seed: config.seed,
  });
  const rounds = federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    config,
    remembers: REMEMBERED,
    devices: (round) =>
      population.cohort(round, most).map((number) => {
        const profile = population.profileOf(number);
        return {
          id: `d${number}`,
          facts: factsOf(profile, SMALL_WORLD.samplesPerDevice),
          link: { up: profile.up, down: profile.down },
          get dataset() {
            return world.datasetOf(number);
          },
        };
      }),
  });
  for await (const { adapter, record } of rounds)
    yield { record, heldOut: smallLoss(world, world.heldOut, adapter) };
}
