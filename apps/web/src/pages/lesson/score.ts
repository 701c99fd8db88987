/** Who was right about a text of the guessing game. */
import type { Game } from "./slides.ts";

export interface Score {
  /** Most of the class chose the right label; where two were chosen equally often, neither. */
  readonly isClassRight: boolean;
  readonly wasModelRight: boolean;
  readonly isModelRight: boolean;
}

/** Place of the likeliest label. */
export const bestOf = (values: readonly number[]): number => values.indexOf(Math.max(...values));

export function scoreOf({ guesses }: Game, text: number, votes: readonly number[]): Score {
  const guess = guesses[text];
  if (guess === undefined)
    throw new Error(`guess: expected one of ${guesses.length} texts, got number ${text}`);
  const { label, base, tuned } = guess;
  const most = Math.max(...votes);
  return {
    isClassRight: most > 0 && votes[label] === most && votes.filter((count) => count === most).length === 1,
    wasModelRight: bestOf(base) === label,
    isModelRight: bestOf(tuned) === label,
  };
}
