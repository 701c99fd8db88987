/** How a model does on texts that nobody trained on, in a sentence: computed from its measured losses and nothing else. */
import { formatLoss } from "./format.ts";

/** Differences below this are noise of one evaluation, nats. */
export const NOISE = 0.005;
/** A rise over the best round that is worth a warning, nats. */
const WORTH_A_WARNING = 0.01;

export interface Verdict {
  /** `better` and `worse` compare with the base model; `worsening` has passed its best round. */
  readonly kind: "better" | "same" | "worse" | "worsening";
  readonly headline: string;
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
  if (last.testLoss - best.testLoss > WORTH_A_WARNING)
    return {
      kind: "worsening",
      headline: `Getting worse since round ${best.round}: it starts to learn its texts by heart.`,
    };
  if (base === null) return { kind: "same", headline: `Round ${last.round}: the first model there is.` };
  const gained = base - last.testLoss;
  if (gained > NOISE)
    return {
      kind: "better",
      headline: `Better than the base model by ${formatLoss(gained)} on texts that nobody trained on.`,
    };
  if (gained < -NOISE)
    return {
      kind: "worse",
      headline: `Worse than the base model by ${formatLoss(-gained)} on texts that nobody trained on.`,
    };
  return { kind: "same", headline: "As good as the base model on texts that nobody trained on." };
}
