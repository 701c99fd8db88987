import { expect, it } from "vitest";
import { answerIn, tallyOf } from "./models-guess.tsx";
import { scoreOf } from "./score.ts";
import type { Game } from "./slides.ts";
import "../../words/english.fixture.ts";

const labels = ["old", "middling", "new", "newest"];
const game = (base: readonly number[]): Game => ({
  ...{ kind: "labels", labels },
  guesses: [0, 1, 2].map((label) => ({ text: `text ${label}`, label, base, tuned: [0.7, 0.1, 0.1, 0.1] })),
});
const UNTRAINED = [0.25, 0.25, 0.25, 0.25];
const NO_VOTES = [0, 0, 0, 0];

it("takes equal probabilities for the guess that they are, and not for the first label", () => {
  expect(answerIn(UNTRAINED, labels)).toBe("no more than a guess, 4 answers with 25% each");
  expect(answerIn([0.25, 0.25 + 1e-8, 0.25, 0.25 - 1e-8], labels)).toMatch(/4 answers/);
  expect(answerIn([0.4, 0.1, 0.4, 0.1], labels)).toBe("no more than a guess, 2 answers with 40% each");
  expect(answerIn([0.24, 0.25, 0.26, 0.25], labels)).toBe("new (26%)");
});

it("counts a guess as chance, whichever label is right", () => {
  const scores = [0, 1, 2].map((text) => scoreOf(game(UNTRAINED), text, NO_VOTES));
  expect(scores.map(({ modelBefore }) => modelBefore)).toEqual([0.25, 0.25, 0.25]);
  expect(scores.map(({ modelNow }) => modelNow)).toEqual([1, 0, 0]);
  const tied = scoreOf(game([0.4, 0.1, 0.4, 0.1]), 2, NO_VOTES);
  expect(tied.modelBefore).toBe(0.5);
  expect(scoreOf(game([0.4, 0.1, 0.4, 0.1]), 1, NO_VOTES).modelBefore).toBe(0);
});

it("tallies a model that could only guess as one that is right by chance, and another by its answers", () => {
  const told = (played: Game) => [0, 1, 2].map((text) => scoreOf(played, text, [3, 1, 0, 0]));
  const untrained = game(UNTRAINED);
  expect(tallyOf(untrained, told(untrained))).toBe(
    "After 3 texts: the class's majority was right in 1, the model in 1 now. Before training it could only guess: right in one of 4 texts, by chance.",
  );
  const begun = game([0.1, 0.1, 0.7, 0.1]);
  expect(tallyOf(begun, told(begun).slice(0, 2))).toBe(
    "After 2 texts: the class's majority was right in 1, the model in 0 before training and in 1 now.",
  );
});
