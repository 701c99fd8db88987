import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { compareArms } from "./comparison.ts";
import { trafficOf } from "./traffic.ts";
import "../../words/english.fixture.ts";

const half = { method: "fixed", dropoutRate: 0.5 } as const;
const whole = { method: "fedlora", dropoutRate: 0 } as const;
const config: RunConfig = { ...DEFAULT_RUN_CONFIG, ...half, compareWith: whole };

/** By turns; each device sends half of what the whole takes in the first arm. */
const record = (round: number, kept: number): RoundRecord =>
  ({
    ...{ round, testLoss: 4, evaluation: null, seconds: 2 },
    turn: { arm: round % 2 === 0 ? 1 : 0, number: Math.ceil(round / 2) },
    participants: [
      { bytesDown: kept, bytesUp: kept, keptValues: kept, fullValues: 1000 } as ParticipantRound,
    ],
  }) as never;
const rounds = [record(1, 500), record(2, 1000), record(3, 500)];

it("says what the arm with dropout has sent beside the other, as its headline does", () => {
  const traffic = trafficOf(config, rounds, []);
  expect(traffic).toEqual({ arm: "With 50% dropped", sent: 1000, all: 2000 });
  expect(compareArms(config, rounds)?.headline).toMatch(/50% of the data sent/);
  const turned: RunConfig = { ...config, ...whole, compareWith: half };
  const inTurns = [record(1, 1000), record(2, 500), record(3, 1000)];
  expect(trafficOf(turned, inTurns, [])).toEqual(traffic);
});

it("says what an arm would have sent where none sends all, and what a run would have that compares nothing", () => {
  const both: RunConfig = { ...config, compareWith: { method: "fixed", dropoutRate: 0.7 } };
  const { arm, sent, all } = trafficOf(both, rounds, []);
  expect([arm, sent]).toEqual(["With 50% dropped", 1000]);
  // Each transfer has a header, whatever else is left out of it.
  expect(all / sent).toBeCloseTo(2, 1);
  const alone = trafficOf({ ...config, compareWith: null }, rounds.slice(0, 1), []);
  expect(alone).toEqual({ arm: null, sent, all });
});

it("says nothing of two arms before both have been measured", () =>
  expect(trafficOf(config, rounds.slice(0, 1), []).sent).toBe(0));
