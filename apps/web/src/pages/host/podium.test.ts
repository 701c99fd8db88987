import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { h } from "preact";
import { expect, it } from "vitest";
import { shownOf } from "../../words/shown.fixture.ts";
import { viewAt } from "../replay/view-at.ts";
import { compareArms } from "./comparison.ts";
import { ComparisonTable } from "./comparison-table.tsx";
import { Podium } from "./podium.tsx";
import "../../words/english.fixture.ts";

const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  ...{ method: "fixed", dropoutRate: 0.5 },
  compareWith: { method: "fedlora", dropoutRate: 0 },
};

/** By turns. */
const record = (round: number, testLoss: number, bytes: number): RoundRecord => ({
  ...{ round, basedOnRound: 0, method: "fixed", deadlineSeconds: 60, trainLoss: 1, testLoss, seconds: 60 },
  ...{ evaluation: null, allocation: null },
  turn: { arm: round % 2 === 0 ? 1 : 0, number: Math.ceil(round / 2) },
  participants: [
    {
      ...{ id: "p1", nickname: "Ada", outcome: "aggregated", sampleCount: 1, keptValues: 4, fullValues: 8 },
      ...{ bytesDown: bytes, bytesUp: bytes, energyJoules: 3, energySource: "modelled" },
    } as ParticipantRound,
  ],
});
/** The first arm has had a round more. */
const rounds = [record(1, 3.9, 1e6), record(2, 4.1, 2e6), record(3, 3.7, 1e6)];

it("says what each arm took of as many rounds, as the table does", () => {
  const report = { ...{ format: 1, runId: "r", seed: "0", task: "presidents", model: "m" } };
  const view = viewAt(
    {
      ...{ ...report, method: "fixed", adapterSha256: "", finalTestLoss: 3.7, baseTestLoss: 4.2 },
      ...{ config, rounds },
    } as never,
    1e9,
  );
  const shown = shownOf(h(Podium, { view, hostKey: null }));
  expect(shown).toContain("Mistakes on unseen texts: 4.200 before, 3.900 after.");
  expect(shown).toMatch(
    /1 round of each took .*; 2\S* MB were sent with 50% dropped, 4\S* MB without dropout\./,
  );
});

it("sets the arms side by side after as many rounds of each", () => {
  const comparison = compareArms(config, rounds);
  if (comparison === null) throw new Error("nothing is compared");
  const shown = shownOf(h(ComparisonTable, { comparison }));
  expect(shown).toContain("After 1 round of each");
  expect(shown).toContain("3.900");
  expect(shown).not.toContain("3.700");
});
