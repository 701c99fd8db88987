/** What all screens show at a step of a lesson: pure, so that a script can be checked whole. */
import type { LessonSlide } from "@fedlodrop/protocol";
import type { RoundRecord, RoundSample } from "@fedlodrop/run";
import type { LessonScript } from "./script.ts";

export interface LessonPlace {
  readonly script: LessonScript;
  /** Counted from 0. */
  readonly step: number;
  /** The right answer is told. */
  readonly told: boolean;
}

/** Of the guessing game; null where the task has no labels, or nothing has been measured yet. */
export const guessesOf = (
  rounds: readonly RoundRecord[],
): Extract<RoundSample, { kind: "labels" }> | null => {
  const sample = rounds.findLast(({ evaluation }) => evaluation?.sample)?.evaluation?.sample;
  return sample?.kind === "labels" && sample.guesses.length > 0 ? sample : null;
};

/** @param rounds of the run, for the texts of the guessing game */
export function slideAt(
  { script, step, told }: LessonPlace,
  rounds: readonly RoundRecord[],
): LessonSlide | null {
  const at = script.steps[step];
  if (at === undefined) return null;
  const { title, caption } = at;
  const id = `${script.id}-${step}`;
  if (at.show === "guesses") {
    const game = guessesOf(rounds);
    const [first] = game?.guesses ?? [];
    if (game === null || first === undefined)
      return {
        ...{ id, title, question: null },
        caption: "This task's texts have no labels to guess: take one that has, such as spam, for this game.",
      };
    const question = {
      text: first.text,
      options: game.labels.slice(0, 6),
      answer: told ? first.label : null,
    };
    return { id, title, caption, question };
  }
  const question = at.question
    ? { text: at.question.text, options: at.question.options, answer: told ? at.question.answer : null }
    : null;
  return { id, title, caption, question };
}
