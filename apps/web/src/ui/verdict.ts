/** How a model does on texts that nobody trained on, in a sentence: computed from its measured losses and nothing else. */
import { say } from "../words/words.ts";
import { formatLoss } from "./format.ts";
import { NOISE_OF_MODELS } from "./noise.ts";

/**
 * A rise over the best round that is worth a warning, nats. Three devices at γ = 0.5, of the presidents with most text, move by up to 0.035 between rounds on a
 * run's 48 windows and by 0.026 on 200, and are still no worse than untrained; without dropout they rise by 0.04 a round.
 */
const WORTH_A_WARNING = 0.04;

export interface Verdict {
  /** `better` and `worse` compare with the base model; `worsening` has passed its best round. */
  readonly kind: "better" | "same" | "worse" | "worsening";
  readonly headline: string;
  /** What the base model's loss is above it, nats; 0 where that is unknown. */
  readonly gained: number;
  /** Its best round. */
  readonly bestRound: number;
}

interface Measured {
  readonly round: number;
  /** Held-out loss of the whole model, nats. */
  readonly testLoss: number;
}

/** @param points in the order of rounds; null without any @param base the base model's loss, null where it is unknown */
export function verdict(points: readonly Measured[], base: number | null): Verdict | null {
  const last = points.at(-1);
  if (last === undefined) return null;
  const best = points.reduce((least, point) => (point.testLoss < least.testLoss ? point : least));
  const gained = base === null ? 0 : base - last.testLoss;
  const found = { gained, bestRound: best.round };
  if (last.testLoss - best.testLoss > WORTH_A_WARNING)
    return {
      ...found,
      kind: "worsening",
      headline: say("verdict.worsening", { round: best.round }),
    };
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
