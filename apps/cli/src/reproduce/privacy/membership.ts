/**
 * Tells from an adapter whether a text was trained on. Runs on random halves of one set of texts are each other's shadows:
 * for every run the others say how its texts' losses are distributed with and without them (LiRA, Carlini et al. 2022: one
 * normal distribution for each, whose variance all texts share, as they advise where shadows are few).
 */

/** One run: of each text of the set whether it was trained on, and its loss under the adapter. */
export interface Trial {
  readonly isMember: readonly boolean[];
  readonly losses: readonly number[];
}

export interface Verdict {
  /** Area under the curve of true over false positives: 0.5 is guessing, 1 certainty. */
  readonly area: number;
  /** Members found where one non-member in twenty is taken for one. */
  readonly foundAtFivePercent: number;
}

/** Scores are larger for texts that rather were members. @param base losses before any training */
export const ATTACKS: Readonly<
  Record<"loss" | "calibrated" | "lira", (trials: readonly Trial[], base: readonly number[]) => number[][]>
> = {
  loss: (trials) => trials.map(({ losses }) => losses.map((loss) => -loss)),
  calibrated: (trials, base) =>
    trials.map(({ losses }) => losses.map((loss, text) => (base[text] as number) - loss)),
  lira: (trials) =>
    trials.map(({ losses }, target) => {
      const shadows = trials.filter((_, run) => run !== target);
      const [members, others] = [lossesWhere(shadows, true), lossesWhere(shadows, false)];
      return losses.map((loss, text) => {
        const [inside, outside] = [members.means[text], others.means[text]];
        // Of a text that all shadows trained on, or none, nothing is known.
        return inside == null || outside == null
          ? 0
          : logDensity(loss, inside, members.deviation) - logDensity(loss, outside, others.deviation);
      });
    }),
};

interface ShadowLosses {
  /** By text; null where there is none of this kind. */
  readonly means: readonly (number | null)[];
  /** Of a text's losses around its mean, over all texts. */
  readonly deviation: number;
}

/** Nats; keeps a chance agreement of few shadows from looking like certainty. */
const LEAST_DEVIATION = 0.01;

function lossesWhere(shadows: readonly Trial[], isMember: boolean): ShadowLosses {
  let [squares, degrees] = [0, 0];
  const means = (shadows[0]?.losses ?? []).map((_, text) => {
    const own = shadows.filter((shadow) => shadow.isMember[text] === isMember);
    if (own.length === 0) return null;
    const losses = own.map((shadow) => shadow.losses[text] as number);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    squares += losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
    degrees += losses.length - 1;
    return mean;
  });
  return { means, deviation: Math.max(LEAST_DEVIATION, Math.sqrt(squares / Math.max(1, degrees))) };
}

/** Of a normal distribution, but for a constant. */
const logDensity = (loss: number, mean: number, deviation: number): number =>
  -0.5 * ((loss - mean) / deviation) ** 2 - Math.log(deviation);

export function judge(scores: readonly number[], isMember: readonly boolean[]): Verdict {
  const members = scores.filter((_, i) => isMember[i]);
  const others = scores.filter((_, i) => !isMember[i]);
  let wins = 0;
  for (const mine of members)
    for (const theirs of others) wins += mine > theirs ? 1 : mine === theirs ? 0.5 : 0;
  const threshold = [...others].sort((a, b) => b - a)[Math.floor(0.05 * others.length)] as number;
  return {
    area: wins / (members.length * others.length),
    foundAtFivePercent: members.filter((score) => score > threshold).length / members.length,
  };
}
