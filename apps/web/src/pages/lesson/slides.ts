/** What all screens show at a step of a lesson, in the teacher's language. */
import type { HostView, LessonSlide, LessonView } from "@fedlodrop/protocol";
import { ofArm, type RoundRecord, type RoundSample } from "@fedlodrop/run";
import { labelName } from "../../ui/task-words.ts";
import { languageNow, say, sayKnown } from "../../words/words.ts";
import { type Comparison, compareArms } from "../host/comparison.ts";
import { LESSONS, type LessonScript } from "./script.ts";

export interface LessonPlace {
  readonly script: LessonScript;
  /** Counted from 0. */
  readonly step: number;
  /** The right answer is told. */
  readonly told: boolean;
  /** Of the guessing game's texts, counted from 0. */
  readonly text: number;
}

export type Game = Extract<RoundSample, { kind: "labels" }>;

/** Options that a slide has room for. */
const MOST_OPTIONS = 6;

/** Of a slide as `slideAt` makes it: a host's page that is opened anew goes on where the lesson is. */
export function placeOf({ id, question }: LessonSlide): LessonPlace | null {
  const [, name, step, text] = /^(.+?)-(\d+)(?:-(\d+))?$/.exec(id) ?? [];
  const script = LESSONS.find((each) => each.id === name);
  if (script === undefined || script.steps[Number(step)] === undefined) return null;
  const told = question !== null && question.answer !== null;
  return { script, step: Number(step), told, text: Number(text ?? 0) };
}

/** Of the guessing game, by the run's own arm; null where the task has no labels, or nothing has been measured yet. */
export const guessesOf = (rounds: readonly RoundRecord[]): Game | null => {
  const sample = ofArm(rounds, 0).findLast(({ evaluation }) => evaluation?.sample)?.evaluation?.sample;
  return sample?.kind === "labels" && sample.guesses.length > 0 ? sample : null;
};

/** Pupils play against the model on the run's unseen texts, whose labels must stand nowhere else then. */
export function isGame(lesson: LessonView | null): boolean {
  const at = lesson && placeOf(lesson.slide);
  return at !== null && at.script.steps[at.step]?.show === "guesses";
}

/** Place of the option that the run's own figures make right, with the same doubt as its headline; null before there are any. */
const winnerOf = ({ kind }: Comparison): 0 | 1 | 2 | null =>
  (({ better: 0, worse: 1, same: 2, waiting: null }) as const)[kind];

/** The run's texts are those of the guessing game, and its arms those that are betted on. */
export function slideAt(
  place: LessonPlace,
  view: Pick<HostView, "rounds" | "taskKind" | "config" | "phase">,
): LessonSlide | null {
  const { rounds, taskKind, config } = view;
  const { script, step, told, text } = place;
  const at = script.steps[step];
  if (at === undefined) return null;
  const { name, question } = at;
  // Of two arms the chart shows both on unseen texts.
  const wording = name === "by-heart" && config.compareWith !== null ? "by-heart-compared" : name;
  const slide = {
    id: `${script.id}-${step}`,
    language: languageNow(),
    title: say(`step.${name}`),
    caption: say(`step.${wording}.caption`),
    question: null,
  };
  if (at.show === "guesses") {
    const game = guessesOf(rounds);
    const guess = game?.guesses[text];
    if (game === null || guess === undefined) {
      // Texts to guess come with the first evaluation.
      return { ...slide, caption: say(taskKind === "classification" ? "slow.later" : "guess.no-labels") };
    }
    const options = game.labels.slice(0, MOST_OPTIONS).map(labelName);
    const answer = told ? guess.label : null;
    return { ...slide, id: `${slide.id}-${text}`, question: { text: guess.text, options, answer } };
  }
  if (question === null) return slide;
  if (question.answer === "run") {
    const compared = compareArms(config, rounds);
    if (compared === null) return { ...slide, caption: say("step.bet.alone") };
    const arms = [compared.own, compared.other].map(({ title }) =>
      say("step.bet.option.arm", { arm: title }),
    );
    return {
      ...slide,
      question: {
        text: say("step.bet.question"),
        options: [...arms, say("step.bet.option.alike")],
        answer: told && view.phase === "ended" ? winnerOf(compared) : null,
      },
    };
  }
  const words = (part: string): string => sayKnown(`step.${wording}.${part}`, "");
  const options = Array.from({ length: question.options }, (_, option) => words(`option.${option}`));
  return {
    ...slide,
    question: { text: words("question"), options, answer: told ? question.answer : null },
  };
}
