/**
 * Tells from an adapter whether a text was trained on. Runs on random halves of one set of texts are each other's shadows:
 * for every run the others say how its texts' losses are distributed with and without them (LiRA, Carlini et al. 2022,
 * with one normal distribution for each).
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
    trials.map(({ losses }, target) =>
      losses.map((loss, text) => {
        const others = trials.filter((_, run) => run !== target);
        const lossesWhere = (isMember: boolean): number[] =>
          others.flatMap((other) =>
            other.isMember[text] === isMember ? [other.losses[text] as number] : [],
          );
        return logDensity(loss, lossesWhere(true)) - logDensity(loss, lossesWhere(false));
      }),
    ),
};

/** Of a normal distribution fitted to these; with fewer than two nothing is said. */
function logDensity(loss: number, sample: readonly number[]): number {
  if (sample.length < 2) return 0;
  const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
  const squares = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(squares / (sample.length - 1)));
  return -0.5 * ((loss - mean) / deviation) ** 2 - Math.log(deviation);
}
/** Nats; keeps a chance agreement of few shadows from looking like certainty. */
const LEAST_DEVIATION = 0.01;

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
