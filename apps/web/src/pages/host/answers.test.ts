import type { RoundRecord, RoundSample } from "@fedlodrop/run";
import { h } from "preact";
import { expect, it } from "vitest";
import { shownOf } from "../../words/shown.fixture.ts";
import { Answers } from "./answers.tsx";
import "../../words/english.fixture.ts";

const writes = (round: number, tunedNats: number): RoundRecord => {
  const sample: RoundSample = {
    ...{ kind: "text", prompt: "Dear", base: " all", tuned: " friends" },
    unseen: { text: "We meet again.", tokens: 4, baseNats: Math.log(50), tunedNats },
  };
  return { round, evaluation: { sample } } as unknown as RoundRecord;
};

it("tells what chance an unseen sentence has now, beside that before training", () => {
  const shown = shownOf(h(Answers, { rounds: [writes(1, Math.log(50)), writes(2, Math.log(40))] }));
  expect(shown).toContain("A real sentence that it has never seen: We meet again.");
  expect(shown).toContain(
    "The model gives each of its 4 pieces a chance of 1 in 40 on average, and gave 1 in 50 before training: the whole is 2.4 times likelier than before.",
  );
});

it("shows as many labelled texts as one screen has room for", () => {
  const sample: RoundSample = {
    ...{ kind: "labels", labels: ["old", "new"] },
    guesses: Array.from({ length: 8 }, (_, k) => ({
      ...{ text: `text ${k}`, label: 1, base: [0.5, 0.5], tuned: [0.2, 0.8] },
    })),
  };
  const round = { round: 1, evaluation: { sample } } as unknown as RoundRecord;
  expect(shownOf(h(Answers, { rounds: [round] })).match(/text \d/g)).toEqual([
    ...["text 0", "text 1", "text 2", "text 3"],
  ]);
});
