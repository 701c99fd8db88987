import { lessonSlideSchema } from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { LESSONS } from "./script.ts";
import { guessesOf, slideAt } from "./slides.ts";
import "../../words/english.fixture.ts";

const sample = {
  kind: "labels",
  labels: ["ham", "spam"],
  guesses: [{ text: "You have won!", label: 1, base: [0.5, 0.5], tuned: [0.1, 0.9] }],
} as const;
const labelled = [{ round: 1, evaluation: { sample } }] as unknown as readonly RoundRecord[];

describe.each(LESSONS)("the lesson of $minutes minutes", (script) => {
  it("is made of slides that can be sent, each with a name of its own and a right answer that it offers", () => {
    const ids = new Set<string>();
    for (const [step, { question }] of script.steps.entries())
      for (const told of [false, true]) {
        const slide = slideAt({ script, step, told, text: 0 }, labelled);
        expect(lessonSlideSchema.parse(slide)).toEqual(slide);
        ids.add(slide?.id ?? "");
        if (question) {
          expect(slide?.question?.answer).toBe(told ? question.answer : null);
          expect(question.answer).toBeLessThan(question.options);
          expect(new Set(slide?.question?.options).size).toBe(question.options);
        }
      }
    expect(ids.size).toBe(script.steps.length);
    expect(slideAt({ script, step: script.steps.length, told: false, text: 0 }, [])).toBeNull();
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

  it("says so where there is nothing to guess", () => {
    expect(guessesOf([])).toBeNull();
    expect(slideAt({ script, step, told: false, text: 0 }, [])).toMatchObject({ question: null });
  });
});
