/**
 * The mean of clipped changes with Gaussian noise on their sum (McMahan et al. 2018, on the coordinator). Every participant
 * counts the same, so that the noise need not be as large as the heaviest weight asks for.
 *
 * One participant's changes move the sum by the clipping norm at most, whatever it does, and each coordinate that anybody
 * kept gets noise of that norm times the round's multiplier. Who kept what, and so how many, is public. Changes are whole
 * grains, cut towards zero, and so is the noise: a sum tells nothing by its low bits, and cutting lengthens no update.
 */
import { discreteGaussian, grainOf } from "@fedlodrop/privacy";
import { inPieces } from "@fedlodrop/run";
import { inOrder } from "./kept-updates.ts";
import type { Combination } from "./update-rule.ts";

export interface RoundPrivacy {
  /** Largest Euclidean norm of an update. */
  readonly clip: number;
  /** Standard deviation of the noise, in units of the clipping norm. */
  readonly noiseMultiplier: number;
  /** Unpredictable numbers, uniform on (0, 1]. */
  uniform(): number;
}

export function beginNoisyMean(size: number, { clip, noiseMultiplier, uniform }: RoundPrivacy): Combination {
  const deviation = noiseMultiplier * clip;
  const grain = grainOf(deviation);
  const grains = new Float64Array(size);
  const counts = new Uint32Array(size);
  const participants = new Map<string, number>();
  return {
    *take({ participantId, changes, indices }) {
      participants.set(participantId, 1);
      yield* inPieces(changes.length, (from, to) => {
        for (let i = from; i < to; i++) {
          const index = indices[i] as number;
          grains[index] = (grains[index] as number) + Math.trunc((changes[i] as number) / grain);
          counts[index] = (counts[index] as number) + 1;
        }
      });
    },
    *finish(adapter) {
      const changed = adapter.slice();
      yield* inPieces(size, (from, to) => {
        for (let i = from; i < to; i++) {
          const count = counts[i] as number;
          if (count === 0) continue;
          const noise = discreteGaussian(deviation / grain, uniform);
          changed[i] = (adapter[i] as number) + (((grains[i] as number) + noise) * grain) / count;
        }
      });
      return {
        adapter: changed,
        contributions: new Map(inOrder(participants).map(([id]) => [id, 1 / participants.size])),
      };
    },
  };
}
