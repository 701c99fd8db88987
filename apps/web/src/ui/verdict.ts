/** How a model does on texts that nobody trained on, in a sentence: computed from its measured losses and nothing else. */
import type { RoundRecord } from "@fedlodrop/run";
import { say } from "../words/words.ts";
import { formatLoss } from "./format.ts";
import { NOISE_OF_GAINS, NOISE_OF_MODELS } from "./noise.ts";

/**
 * A rise over the best round that is worth a warning, nats. Three devices at γ = 0.5, of the presidents with most text, move by up to 0.035 between rounds on a
 * run's 48 windows and by 0.026 on 200, and are still no worse than untrained; without dropout they rise by 0.04 a round.
 */
const WORTH_A_WARNING = 0.04;

/** Why it is worse than in its best round, as far as the losses on the devices' own texts tell. */
export type Cause = "by-heart" | "not-learning" | "unknown";

export interface Verdict {
  /** `better` and `worse` compare with the base model; `worsening` has passed its best round. */
  readonly kind: "better" | "same" | "worse" | "worsening";
  readonly headline: string;
  /** What the base model's loss is above it, nats; 0 where that is unknown. */
  readonly gained: number;
  /** Its best round. */
  readonly bestRound: number;
  /** How much more it has gained on the devices' own texts than on unseen ones, nats; null where that was not measured. */
  readonly memorised: number | null;
  readonly isMemorised: boolean;
  /** Of one that is `worsening`; `unknown` of others. */
  readonly cause: Cause;
}

interface Measured {
  readonly round: number;
  /** Held-out loss of the whole model, nats. */
  readonly testLoss: number;
  /** What the base model's loss is above it on the texts of the round's devices, nats; null where that was not measured. */
  readonly ownGain: number | null;
}

type Losses = Pick<NonNullable<RoundRecord["evaluation"]>, "trainLoss" | "baseTrainLoss">;

export function ownGainOf(evaluation: Losses | null): number | null {
  const { trainLoss = null, baseTrainLoss = null } = evaluation ?? {};
  return trainLoss === null || baseTrainLoss === null ? null : baseTrainLoss - trainLoss;
}

/** @param points in the order of rounds; null without any @param base the base model's loss, null where it is unknown */
export function verdict(points: readonly Measured[], base: number | null): Verdict | null {
  const last = points.at(-1);
  if (last === undefined) return null;
  const best = points.reduce((least, point) => (point.testLoss < least.testLoss ? point : least));
  const gained = base === null ? 0 : base - last.testLoss;
  const memorised = base === null || last.ownGain === null ? null : last.ownGain - gained;
  const isMemorised = memorised !== null && memorised > NOISE_OF_GAINS;
  const found = { gained, bestRound: best.round, memorised, isMemorised, cause: "unknown" } as const;
  if (last.testLoss - best.testLoss > WORTH_A_WARNING) {
    const cause = causeOf(best, last, isMemorised);
    return {
      ...{ ...found, cause, kind: "worsening" },
      headline: say(`verdict.worsening.${cause}`, { round: best.round }),
    };
  }
  if (base === null) return { ...found, kind: "same", headline: say("verdict.first", { round: last.round }) };
  if (gained > NOISE_OF_MODELS)
    return {
      ...found,
      kind: "better",
      headline: say("verdict.better", { by: formatLoss(gained) }),
    };
  if (gained < -NOISE_OF_MODELS)
    return {
      ...found,
      kind: "worse",
      headline: say("verdict.worse", { by: formatLoss(-gained) }),
    };
  return { ...found, kind: "same", headline: say("verdict.same") };
}

/** What is learnt by heart is done better on own texts, and not worse than before. */
function causeOf(best: Measured, last: Measured, isMemorised: boolean): Cause {
  if (best.ownGain !== null && last.ownGain !== null && best.ownGain - last.ownGain > NOISE_OF_MODELS)
    return "not-learning";
  return isMemorised ? "by-heart" : "unknown";
}
