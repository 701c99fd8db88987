import type { FromWorker } from "@fedlodrop/device/page";
import type { RoundEvaluated } from "@fedlodrop/protocol";
import { h } from "preact";
import { expect, it } from "vitest";
import { description as run } from "../../../../../packages/protocol/src/run-description.fixture.ts";
import { shownOf } from "../../words/shown.fixture.ts";
import { reduce } from "./reduce.ts";
import { ModelChange } from "./so-far.tsx";
import { INITIAL_STATE } from "./state.ts";
import "../../words/english.fixture.ts";

const shownAfter = (...evaluated: readonly RoundEvaluated[]): string => {
  const messages = evaluated.map((each): FromWorker => ({ kind: "round-evaluated", evaluated: each }));
  return shownOf(h(ModelChange, { state: messages.reduce(reduce, INITIAL_STATE), run }));
};
const base = { round: 0, testLoss: 5, baseTestLoss: 5, isOwn: true };

it("says after which round the model is as good as it says", () =>
  expect(shownAfter(base, { ...base, round: 3, testLoss: 4 })).toContain("after round 3, of 55."));

it("counts the rounds of the run's own arm, also where a turn was had again", () => {
  const ofTurn = (round: number, arm: 0 | 1, number: number, testLoss: number): RoundEvaluated => ({
    ...{ round, turn: { arm, number }, isOwn: arm === 0, testLoss, baseTestLoss: 5 },
  });
  const shown = shownAfter(
    ...[base, ofTurn(1, 0, 1, 4.5), ofTurn(2, 1, 1, 3), ofTurn(3, 1, 1, 3), ofTurn(4, 0, 2, 4)],
    ofTurn(5, 0, 2, 4),
    ofTurn(6, 1, 2, 3),
  );
  expect(shown).toContain("after round 2, of 55.");
});

it("gives no reason for getting worse: what training did for the devices' own texts is not told here", () => {
  const at = (round: number, testLoss: number): RoundEvaluated => ({ ...base, round, testLoss });
  const shown = shownAfter(base, at(1, 4), at(2, 4.5));
  expect(shown).toContain("Getting worse since round 1 on texts that nobody trained on.");
  expect(shown).not.toContain("by heart");
});
