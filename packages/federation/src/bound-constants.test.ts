import type { ParticipantRound, RoundRecord } from "@fedlodrop/protocol";
import { expect, it } from "vitest";
import { regressVariance } from "./bound-constants.ts";

/** Losses 4 + easier or harder texts + progress + A·γ/(1−γ), with A = 0.3. */
const record = (round: number, rates: readonly (number | null)[]): RoundRecord =>
  ({
    round,
    participants: rates.flatMap((dropoutRate, k) =>
      dropoutRate === null
        ? []
        : [
            {
              id: `p${k}`,
              dropoutRate,
              sampleCount: 10 + k,
              trainLoss: 4 + 0.7 * k - 0.2 * round + (0.3 * dropoutRate) / (1 - dropoutRate),
            } as ParticipantRound,
          ],
    ),
  }) as unknown as RoundRecord;

it("finds what masks add to the loss under texts of unlike difficulty and progress", () => {
  const records = [record(1, [0.1, 0.5, 0.3]), record(2, [0.4, 0.2, 0.3]), record(3, [0.2, 0.6, 0.1])];
  expect(regressVariance(records)).toBeCloseTo(0.3, 6);
  expect(regressVariance([...records, record(4, [0.5, null, 0.2])])).toBeCloseTo(0.3, 4);
});

it("says nothing when rates did not differ", () => {
  expect(regressVariance([record(1, [0.3, 0.3]), record(2, [0.5, 0.5])])).toBeNull();
  expect(regressVariance([])).toBeNull();
});
