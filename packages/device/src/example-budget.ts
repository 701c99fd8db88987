/**
 * What this device may still give away of its single texts, in a run that promises something of them. The account is this
 * device's: nobody has to be trusted with it. What it promised when it first trained in a run stays its promise there,
 * whatever the host asks for later.
 *
 * A round counts when what was trained in it leaves the device, masked or not: whether a masked sum came to be known is
 * the coordinator's word. Steps that nothing left the device of have told nobody anything. The rounds that the run still
 * asks for share what is left evenly; under secure aggregation one share is kept back, so that a round that comes to
 * nothing, and is tried again, never leaves the last one without.
 */
import { type ExamplePrivacy, samplingRate } from "@fedlodrop/lm";
import {
  discreteGaussian,
  epsilonOfDivergence,
  grainOf,
  noiseWithin,
  renyiBudget,
  renyiDivergence,
  secureUniform,
} from "@fedlodrop/privacy";
import type { RunDescription } from "@fedlodrop/protocol";
import type { RunConfig } from "@fedlodrop/run";
import type { Accounts, ExampleAccount } from "./accounts.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";

/** A round's part of the account. */
export interface RoundOfTexts {
  /** As the round is trained: what the run's settings say is not what counts. */
  readonly training: Pick<RunConfig["training"], "localSteps" | "batchSize">;
  /** Rounds that the run still asks for, this one included. */
  readonly roundsLeft: number;
}

/** What a round is trained with. */
interface PrivateTraining extends ExamplePrivacy {
  /** Before anything that was trained with it leaves the device. Resolves when it is kept, to the ε given away in the run, this
   *  round included. */
  charge(): Promise<number>;
}

/** Gives what the round is trained with; null where nothing was promised. @throws UnsafeRoundError when nothing is left */
export type ExampleBudget = (
  run: RunDescription,
  examples: number,
  round: RoundOfTexts,
) => PrivateTraining | null;

/** Less than this share of the account is rounding. */
const ROUNDING = 1e-9;

/** ε given away. */
export const spentOnTexts = ({ promise, budget, left }: ExampleAccount): number =>
  epsilonOfDivergence({ order: budget.order, divergence: budget.divergence - left }, promise.delta);

export function openExampleBudget(
  accounts: Pick<Accounts, "of" | "note">,
  randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length)),
): ExampleBudget {
  /** Of a run whose rounds are all still to come as far as this device is asked. */
  function open({ config }: RunDescription, rate: number, steps: number): ExampleAccount | null {
    const { examplePrivacy } = config;
    if (examplePrivacy === null) return null;
    const { epsilon, delta } = examplePrivacy;
    const budget = renyiBudget(epsilon, delta, steps, rate);
    return { promise: examplePrivacy, budget, left: budget.divergence };
  }

  return (run, examples, { training, roundsLeft }) => {
    const { localSteps: steps, batchSize } = training;
    const rate = samplingRate(examples, batchSize);
    const shares = Math.max(1, roundsLeft) + (run.config.secureAggregation ? 1 : 0);
    const account = accounts.of(run.runId);
    const mine = account.examples ?? open(run, rate, shares * steps);
    if (mine === null) return null;
    account.examples = mine;
    const { epsilon, clip } = mine.promise;
    if (mine.left <= ROUNDING * mine.budget.divergence)
      throw new UnsafeRoundError(
        `this device has given away the ε of ${epsilon} that the run promises of its texts, and trains no more`,
      );
    const { order } = mine.budget;
    const noiseMultiplier = noiseWithin({ order, divergence: mine.left / (shares * steps) }, rate);
    const deviation = noiseMultiplier * clip;
    const grain = grainOf(deviation);
    const uniform = secureUniform(randomBytes);
    return {
      clip,
      grain,
      uniform,
      addNoise(grains) {
        for (let i = 0; i < grains.length; i++)
          grains[i] = (grains[i] as number) + discreteGaussian(deviation / grain, uniform);
      },
      async charge() {
        await accounts.note(run.runId, (noted) => {
          noted.examples ??= structuredClone(mine);
          const own = noted.examples;
          const cost = steps * renyiDivergence({ noiseMultiplier, samplingRate: rate }, own.budget.order);
          own.left = Math.max(0, own.left - cost);
        });
        return spentOnTexts(accounts.of(run.runId).examples ?? mine);
      },
    };
  };
}
