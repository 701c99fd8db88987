import { expect, it } from "vitest";
import { armOf, ofArm, roundBefore, roundsInAll, termsOf, turnOf } from "./arms.ts";
import { DEFAULT_RUN_CONFIG } from "./run-config.ts";

const alone = DEFAULT_RUN_CONFIG;
const compared = { ...alone, rounds: 3, compareWith: { method: "fedlora", dropoutRate: 0.1 } } as const;
const rounds = [1, 2, 3, 4, 5, 6].map((round) => ({ round }));

it("a run that compares nothing has one arm, in whose rounds its settings hold", () => {
  expect(rounds.map(({ round }) => armOf(alone, round))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(rounds.map(({ round }) => turnOf(alone, round))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(rounds.map(({ round }) => roundBefore(alone, round))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(termsOf(alone, 2)).toBe(alone);
  expect(roundsInAll(alone)).toBe(alone.rounds);
});

it("two arms take turns: each goes on from its own last round, under its own terms", () => {
  expect([0, 1, 2, 3, 4, 5, 6].map((round) => armOf(compared, round))).toEqual([0, 0, 1, 0, 1, 0, 1]);
  expect(rounds.map(({ round }) => turnOf(compared, round))).toEqual([1, 1, 2, 2, 3, 3]);
  expect(rounds.map(({ round }) => roundBefore(compared, round))).toEqual([0, 0, 1, 2, 3, 4]);
  expect(roundsInAll(compared)).toBe(6);
  expect(termsOf(compared, 3)).toMatchObject({ method: "fixed", dropoutRate: alone.dropoutRate, rounds: 6 });
  expect(termsOf(compared, 4)).toMatchObject({ method: "fedlora", dropoutRate: 0.1, rounds: 6 });
  expect(ofArm(compared, rounds, 1).map(({ round }) => round)).toEqual([2, 4, 6]);
});
