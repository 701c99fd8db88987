/** Who was right about a text of the guessing game. */
import type { Game } from "./slides.ts";

export interface Score {
  /** Most of the class chose the right label; where two were chosen equally often, neither. */
  readonly isClassRight: boolean;
  /** How likely the model's answer was to be right: 1 or 0, and in between where it can only guess among answers. */
  readonly modelBefore: number;
  readonly modelNow: number;
}

/** What computing alone makes of equal probabilities. */
const ROUNDING = 1e-6;

/** Places of the likeliest labels: one of a model that has an answer, several where it finds them equally likely. */
export function likeliest(probabilities: readonly number[]): readonly number[] {
  const most = Math.max(...probabilities);
  return probabilities.flatMap((value, place) => (most - value <= ROUNDING ? [place] : []));
}

/** The model finds every label of every text equally likely before training, as one with an untrained head does. */
export const couldOnlyGuess = ({ guesses }: Game): boolean =>
  guesses.every(({ base }) => likeliest(base).length === base.length);

export function scoreOf({ guesses }: Game, text: number, votes: readonly number[]): Score {
  const guess = guesses[text];
  if (guess === undefined)
    throw new Error(`guess: expected one of ${guesses.length} texts, got number ${text}`);
  const { label, base, tuned } = guess;
  const most = Math.max(...votes);
  const chance = (probabilities: readonly number[]): number => {
    const answers = likeliest(probabilities);
    return answers.includes(label) ? 1 / answers.length : 0;
  };
  return {
    isClassRight: most > 0 && votes[label] === most && votes.filter((count) => count === most).length === 1,
    modelBefore: chance(base),
    modelNow: chance(tuned),
  };
}
