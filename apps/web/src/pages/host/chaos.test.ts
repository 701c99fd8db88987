import type { RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import "../../words/english.fixture.ts";
import { whatCameOfIt } from "./chaos.ts";

const record = (round: number, outcomes: Readonly<Record<string, string>>) =>
  ({
    round,
    participants: Object.entries(outcomes).map(([id, outcome]) => ({ id, outcome })),
  }) as unknown as RoundRecord;
const frozen = { id: "p2", nickname: "Ben", fault: "freeze", roundsBefore: 1, isUndone: false } as const;

it("tells what the run made of a fault, from the first round that closed after it", () => {
  const before = record(1, { p1: "aggregated", p2: "aggregated" });
  expect(whatCameOfIt(frozen, [before])).toBe("Its round has not closed yet.");
  const missed = record(2, { p1: "aggregated", p2: "missed-deadline" });
  expect(whatCameOfIt(frozen, [before, missed, before])).toBe(
    "Round 2 closed all the same, with 1 of 2; this device: missed the deadline.",
  );
  expect(whatCameOfIt(frozen, [before, record(2, { p1: "aggregated" })])).toBe(
    "Round 2 closed all the same, with 1 of 1; this device was not in it.",
  );
});
