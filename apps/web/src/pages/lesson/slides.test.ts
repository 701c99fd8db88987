import { type HostView, lessonSlideSchema } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type TaskKind } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { LESSONS } from "./script.ts";
import { guessesOf, isGame, placeOf, slideAt } from "./slides.ts";
import "../../words/english.fixture.ts";

const sample = {
  kind: "labels",
  labels: ["ham", "spam"],
  guesses: [{ text: "You have won!", label: 1, base: [0.5, 0.5], tuned: [0.1, 0.9] }],
} as const;
const view = (...rounds: object[]) =>
  ({
    ...{ rounds, taskKind: "classification", config: DEFAULT_RUN_CONFIG, phase: "training" },
  }) as unknown as Parameters<typeof slideAt>[1];
/** Both arms ended alike. */
const arms = [1, 2].map((round) => ({
  ...{ round, turn: { arm: round - 1, number: 1 }, testLoss: 3.5, participants: [], evaluation: { sample } },
}));
const labelled: Parameters<typeof slideAt>[1] = {
  ...view(...arms),
  phase: "ended",
  config: {
    ...DEFAULT_RUN_CONFIG,
    ...{ method: "fixed", dropoutRate: 0.5 },
    compareWith: { method: "fedlora", dropoutRate: 0 },
  },
};

describe.each(LESSONS)("the lesson of $minutes minutes", (script) => {
  it("is made of slides that can be sent, each with a name of its own and a right answer that it offers", () => {
    const ids = new Set<string>();
    for (const [step, { question }] of script.steps.entries())
      for (const told of [false, true]) {
        const place = { script, step, told: told && question !== null, text: 0 };
        const slide = slideAt(place, labelled);
        expect(lessonSlideSchema.parse(slide)).toEqual(slide);
        expect(slide && placeOf(slide)).toEqual(place);
        ids.add(slide?.id ?? "");
        if (question) {
          const right = question.answer === "run" ? 2 : question.answer;
          expect(slide?.question?.answer).toBe(told ? right : null);
          expect(right).toBeLessThan(question.options);
          expect(new Set(slide?.question?.options).size).toBe(question.options);
        }
      }
    expect(ids.size).toBe(script.steps.length);
    expect(script.steps.reduce((sum, { minutes }) => sum + minutes, 0)).toBe(script.minutes);
    // The game asks about the run's texts.
    for (const { question, show } of script.steps) expect(question === null).toBe(show === "guesses");
    expect(slideAt({ script, step: script.steps.length, told: false, text: 0 }, view())).toBeNull();
  });
});

it("tells of learning by heart what the chart shows: a gap, or two arms", () => {
  const [script] = LESSONS;
  if (script === undefined) throw new Error("there is no lesson");
  const step = script.steps.findIndex(({ name }) => name === "by-heart");
  const place = { script, step, told: true, text: 0 };
  const config = { ...DEFAULT_RUN_CONFIG, compareWith: { method: "fedlora", dropoutRate: 0 } } as const;
  expect(slideAt(place, view())?.caption).toMatch(/filled gap/);
  const slide = slideAt(place, { ...view(), config });
  expect(slide?.caption).toMatch(/Both curves/);
  expect(lessonSlideSchema.parse(slide)).toEqual(slide);
  expect(slide?.question?.options[slide.question.answer ?? 0]).toMatch(/worse on new texts/);
});

describe("the bet", () => {
  const script = LESSONS.find(({ steps }) => steps.some(({ name }) => name === "bet"));
  if (script === undefined) throw new Error("no lesson has the bet");
  const place = { script, step: script.steps.findIndex(({ name }) => name === "bet"), told: true, text: 0 };
  const ending = (own: number | null, other: number | null) => ({
    ...labelled,
    rounds: [own, other].map((testLoss, i) => ({ ...arms[i], testLoss })) as unknown as HostView["rounds"],
  });
  const answerOf = (...losses: Parameters<typeof ending>) =>
    slideAt(place, ending(...losses))?.question?.answer;

  it("is won by the arm that ended lower, whichever it is, and by neither where they cannot be told apart", () => {
    expect(slideAt(place, ending(3.4, 3.5))?.question?.options).toEqual([
      ...["the one with 50% dropped", "the one without dropout", "both alike"],
    ]);
    expect([answerOf(3.4, 3.5), answerOf(3.5, 3.4), answerOf(3.5, 3.49)]).toEqual([0, 1, 2]);
  });

  it("is not told before the run is over and both were measured, and not asked of one arm", () => {
    expect(slideAt(place, { ...ending(3.4, 3.5), phase: "training" })?.question?.answer).toBeNull();
    expect(answerOf(3.4, null)).toBeNull();
    const alone = slideAt(place, view());
    expect(alone?.question).toBeNull();
    expect(alone?.caption).toMatch(/one model alone/);
  });
});

describe("the guessing game", () => {
  const script = LESSONS.find(({ steps }) => steps.some(({ show }) => show === "guesses"));
  if (script === undefined) throw new Error("no lesson has the game");
  const step = script.steps.findIndex(({ show }) => show === "guesses");

  it("asks about a real unseen text, and tells its label when the teacher does", () => {
    expect(slideAt({ script, step, told: false, text: 0 }, labelled)?.question).toEqual({
      text: "You have won!",
      options: ["ham", "spam"],
      answer: null,
    });
    expect(slideAt({ script, step, told: true, text: 0 }, labelled)?.question?.answer).toBe(1);
  });

  it("is on from its step's beginning to its end, answers told or not, so that nothing else gives them away", () => {
    const lessonAt = (at: number, told: boolean) => {
      const slide = slideAt({ script, step: at, told, text: 0 }, labelled);
      return slide && { slide, votes: [] };
    };
    expect([false, true].map((told) => isGame(lessonAt(step, told)))).toEqual([true, true]);
    expect([lessonAt(step - 1, false), lessonAt(step + 1, false), null].map(isGame)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("says so where there is nothing to guess, and where there is nothing yet", () => {
    const place = { script, step, told: false, text: 0 };
    const captionOf = (taskKind: TaskKind) => slideAt(place, { ...view(), taskKind })?.caption;
    expect(guessesOf([])).toBeNull();
    expect(slideAt(place, view())).toMatchObject({ question: null });
    expect(captionOf("language-model")).toMatch(/no labels to guess/);
    expect(captionOf("classification")).toMatch(/as soon as the first round is over/);
  });

  it("finds its place again: the text that is asked about, and whether its label is told", () => {
    const two = view({
      evaluation: { sample: { ...sample, guesses: [...sample.guesses, ...sample.guesses] } },
    });
    for (const told of [false, true]) {
      const place = { script, step, told, text: 1 };
      const slide = slideAt(place, two);
      expect(slide && placeOf(slide)).toEqual(place);
    }
    const slide = slideAt({ script, step: 0, told: false, text: 0 }, two);
    for (const id of ["whole", "other-1", "whole-99"]) expect(slide && placeOf({ ...slide, id })).toBeNull();
  });
});
