import { expect, it } from "vitest";
import { lossJump } from "./loss-jump.ts";
import type { RoundRecord } from "./report.ts";

const rounds = (
  losses: readonly (number | null)[],
  basedOn: Readonly<Record<number, number>> = {},
): RoundRecord[] =>
  losses.map((testLoss, k) => ({ round: k + 1, basedOnRound: basedOn[k + 1] ?? k, testLoss }) as RoundRecord);

const jumpIn = (records: readonly RoundRecord[], baseTestLoss: number | null, newestRound = records.length) =>
  lossJump(records, baseTestLoss, newestRound);

it("finds the round after which the loss jumped", () => {
  expect(jumpIn(rounds([3.8, 3.7, 3.65, 4.4]), 3.9)).toEqual({ round: 4, before: 3.65, after: 4.4 });
  expect(jumpIn(rounds([4.9]), 3.9)).toEqual({ round: 1, before: 3.9, after: 4.9 });
  expect(jumpIn(rounds([3.8, 3.7, 5, 4.9]), 3.9)).toEqual({ round: 3, before: 3.7, after: 5 });
});

it("takes neither noise nor overfitting for a jump", () => {
  expect(jumpIn(rounds([3.8, 3.85, 3.8, 3.88]), 3.9)).toBeNull();
  expect(jumpIn(rounds([3.8, 3.86, 3.93, 4.01, 4.1]), 3.9)).toBeNull();
  // Where rounds change much, 0.3 nats are nothing out of the way.
  expect(jumpIn(rounds([8, 7, 6.2, 6.5]), 9)).toBeNull();
});

it("says nothing while a loss is not known", () => {
  expect(jumpIn(rounds([null, 5]), 3.9)).toBeNull();
  expect(jumpIn(rounds([5, null]), null)).toBeNull();
  expect(jumpIn([], 3.9)).toBeNull();
});

it("is over once training has made up for it, or the host went back", () => {
  expect(jumpIn(rounds([3.8, 5, 3.7]), 3.9)).toBeNull();
  expect(jumpIn(rounds([3.8, 5, 3.9], { 3: 1 }), 3.9)).toBeNull();
  expect(jumpIn(rounds([3.8, 5]), 3.9, 1)).toBeNull();
});
