import { expect, it } from "vitest";
import { armOf, nextTurn, ofArm, roundsInAll, termsOf, turnOf } from "./arms.ts";
import type { RoundRecord, Turn } from "./report.ts";
import { DEFAULT_RUN_CONFIG } from "./run-config.ts";

const alone = DEFAULT_RUN_CONFIG;
const compared = { ...alone, rounds: 3, compareWith: { method: "fedlora", dropoutRate: 0.1 } } as const;

/** Rounds in order, each with the turn that was due; `outcomes` are what became of their two devices. */
function played(config: typeof alone, outcomes: readonly string[]): readonly RoundRecord[] {
  const records: RoundRecord[] = [];
  for (const outcome of outcomes) {
    const participants = ["left", outcome].map((each) => ({ outcome: each }));
    const of = { round: records.length + 1, turn: nextTurn(config, records) };
    records.push({ ...of, participants } as unknown as RoundRecord);
  }
  return records;
}
const IN = "aggregated";

it("a run that compares nothing has one arm, in whose rounds its settings hold", () => {
  const rounds = played(alone, [IN, "left", IN]);
  expect(rounds.map((round) => [armOf(round), turnOf(round), round.turn])).toEqual([
    [0, 1, undefined],
    [0, 2, undefined],
    [0, 3, undefined],
  ]);
  expect(termsOf(alone, 0)).toBe(alone);
  expect(roundsInAll(alone)).toBe(alone.rounds);
});

it("two arms take turns, each under its own terms", () => {
  const rounds = played(compared, [IN, IN, "late", IN, IN, "missed-deadline"]);
  expect(rounds.map((round) => [armOf(round), turnOf(round)])).toEqual([
    [0, 1],
    [1, 1],
    [0, 2],
    [1, 2],
    [0, 3],
    [1, 3],
  ]);
  expect(roundsInAll(compared)).toBe(6);
  expect(termsOf(compared, 0)).toMatchObject({ method: "fixed", dropoutRate: alone.dropoutRate });
  expect(termsOf(compared, 1)).toMatchObject({ method: "fedlora", dropoutRate: 0.1 });
  expect(ofArm(rounds, 1).map(({ round }) => round)).toEqual([2, 4, 6]);
});

it("a turn that everybody walked out of is had again, and shifts no later one", () => {
  const turns = (outcomes: readonly string[]): (Turn | undefined)[] =>
    played(compared, outcomes).map(({ turn }) => turn);
  const [own1, other1, own2, other2] = turns([IN, IN, IN, IN]);
  expect(turns(["left", IN, "left", "left", IN, IN, IN])).toEqual([
    ...[own1, own1],
    ...[other1, other1, other1],
    ...[own2, other2],
  ]);
});
