/** What the model says of the texts that the class has guessed, before and after training, and who was right how often. */
import { formatPercent, significant } from "../../ui/format.ts";
import { labelName } from "../../ui/task-words.ts";
import { rich, say } from "../../words/words.ts";
import { couldOnlyGuess, likeliest, type Score } from "./score.ts";
import type { Game } from "./slides.ts";

interface ModelsGuessProps {
  readonly game: Game;
  readonly text: number;
  /** Of the texts so far. */
  readonly scores: readonly Score[];
}

export function ModelsGuess({ game, text, scores }: ModelsGuessProps) {
  const { guesses, labels } = game;
  const guess = guesses[text];
  if (guess === undefined) return null;
  const said = (probabilities: readonly number[]) => <strong>{answerIn(probabilities, labels)}</strong>;
  return (
    <>
      <p data-testid="models-guess">
        {rich("guess.model", { before: said(guess.base), after: said(guess.tuned) })}
      </p>
      <p data-testid="guess-tally">{tallyOf(game, scores)}</p>
    </>
  );
}

/** Equally likely answers are none. */
export function answerIn(probabilities: readonly number[], labels: readonly string[]): string {
  const answers = likeliest(probabilities);
  const place = answers[0] ?? 0;
  const share = formatPercent(probabilities[place] ?? 0);
  return answers.length === 1
    ? say("guess.sure", { label: labelName(labels[place] ?? "?"), share })
    : say("guess.tied", { count: answers.length, share });
}

export function tallyOf(game: Game, scores: readonly Score[]): string {
  const right = (of: (score: Score) => number): string =>
    significant(scores.reduce((sum, score) => sum + of(score), 0));
  const counted = {
    count: scores.length,
    class: scores.filter(({ isClassRight }) => isClassRight).length,
    after: right(({ modelNow }) => modelNow),
  };
  return couldOnlyGuess(game)
    ? say("guess.tally-guessed", { ...counted, labels: game.labels.length })
    : say("guess.tally", { ...counted, before: right(({ modelBefore }) => modelBefore) });
}
