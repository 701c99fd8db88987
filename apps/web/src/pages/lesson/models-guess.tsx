/** What the model says of the texts that the class has guessed, before and after training, and who was right how often. */
import { formatPercent } from "../../ui/format.ts";
import { labelName } from "../../ui/task-words.ts";
import { rich, say } from "../../words/words.ts";
import { bestOf, type Score } from "./score.ts";
import type { Game } from "./slides.ts";

interface ModelsGuessProps {
  readonly game: Game;
  readonly text: number;
  /** Of the texts so far. */
  readonly scores: readonly Score[];
}

export function ModelsGuess({ game: { guesses, labels }, text, scores }: ModelsGuessProps) {
  const guess = guesses[text];
  if (guess === undefined) return null;
  const said = (probabilities: readonly number[]) => {
    const best = bestOf(probabilities);
    const share = formatPercent(probabilities[best] ?? 0);
    return <strong>{say("guess.sure", { label: labelName(labels[best] ?? "?"), share })}</strong>;
  };
  return (
    <>
      <p data-testid="models-guess">
        {rich("guess.model", { before: said(guess.base), after: said(guess.tuned) })}
      </p>
      <p data-testid="guess-tally">
        {say("guess.tally", {
          count: scores.length,
          class: scores.filter(({ isClassRight }) => isClassRight).length,
          before: scores.filter(({ wasModelRight }) => wasModelRight).length,
          after: scores.filter(({ isModelRight }) => isModelRight).length,
        })}
      </p>
    </>
  );
}
