/**
 * What this device may still give away of its single texts, in a run that promises something of them. Noise is set once, for
 * the steps that the run asks for when the device first trains; when they have been taken, it trains no more, whatever the
 * host asks for. The account is this device's: nobody has to be trusted with it.
 */
import { type ExamplePrivacy, samplingRate } from "@fedlodrop/lm";
import { discreteGaussian, grainOf, noiseMultiplierFor, secureUniform } from "@fedlodrop/privacy";
import type { RunDescription } from "@fedlodrop/protocol";
import { roundsInAll } from "@fedlodrop/run";
import { UnsafeRoundError } from "./secure-part.ts";

interface Account {
  readonly key: string;
  readonly examples: number;
  readonly noiseMultiplier: number;
  /** Of the whole run. */
  readonly steps: number;
  stepsLeft: number;
}

/** Gives what a round of so many steps is trained with; null where nothing was promised. */
export type ExampleBudget = (run: RunDescription, examples: number, steps: number) => ExamplePrivacy | null;

export function openExampleBudget(
  randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length)),
): ExampleBudget {
  let account: Account | null = null;
  return ({ runId, config }, examples, steps) => {
    const { examplePrivacy, training } = config;
    if (examplePrivacy === null) return null;
    const { epsilon, delta, clip } = examplePrivacy;
    const rate = samplingRate(examples, training.batchSize);
    const key = JSON.stringify([runId, examplePrivacy]);
    if (account?.key !== key || account.examples !== examples) {
      const all = account?.key === key ? account.steps : roundsInAll(config) * training.localSteps;
      // Some of other texts may be the same: the steps that were taken stay taken.
      const stepsLeft = account?.key === key ? account.stepsLeft : all;
      const noiseMultiplier = noiseMultiplierFor(epsilon, delta, all, rate);
      account = { key, examples, steps: all, stepsLeft, noiseMultiplier };
    }
    if (account.stepsLeft < steps)
      throw new UnsafeRoundError(
        `this device has given away the ε of ${epsilon} that the run promises of its texts, and trains no more`,
      );
    account.stepsLeft -= steps;
    const deviation = account.noiseMultiplier * clip;
    const grain = grainOf(deviation);
    const uniform = secureUniform(randomBytes);
    return {
      clip,
      uniform,
      addNoise(sum) {
        for (let i = 0; i < sum.length; i++)
          sum[i] =
            (Math.trunc((sum[i] as number) / grain) + discreteGaussian(deviation / grain, uniform)) * grain;
      },
    };
  };
}
