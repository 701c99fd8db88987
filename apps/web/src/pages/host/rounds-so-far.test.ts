import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { compareArms } from "./comparison.ts";
import { contributionsOf } from "./contributions.ts";
import { bytesSoFar, energySoFar, keepRounds, type RoundsKept, WHOLE_ROUNDS } from "./rounds-so-far.ts";
import "../../words/english.fixture.ts";

const record = (round: number): RoundRecord =>
  ({
    round,
    testLoss: 4 - round / 1000,
    seconds: 2,
    allocation: { devices: [{ id: "p1" }], measuredGap: 0.1 },
    participants: ["p1", "p2"].map((id, k) => ({
      id,
      nickname: id,
      outcome: k === 1 && round % 5 === 0 ? "left" : "aggregated",
      sampleCount: 10 + k,
      bytesDown: 100 + round,
      bytesUp: 50 + k,
      keptValues: 30,
      fullValues: 60,
      energyJoules: 1 + (round % 3),
      energySource: k === 0 ? "modelled" : "battery",
      update: null,
    })) as unknown as ParticipantRound[],
  }) as unknown as RoundRecord;
/** Sums of fractions depend on the order in their last bit. */
const roundedBytes = (...given: Parameters<typeof bytesSoFar>) => {
  const { withoutDropout, ...exact } = bytesSoFar(...given);
  return { ...exact, withoutDropout: Math.round(withoutDropout) };
};
const alone = Array.from({ length: 700 }, (_, k) => record(k + 1));
const byTurns = alone.map(
  (record): RoundRecord => ({
    ...record,
    turn: { arm: record.round % 2 === 0 ? 1 : 0, number: Math.ceil(record.round / 2) },
  }),
);

for (const compareWith of [null, { method: "fedlora", dropoutRate: 0 } as const]) {
  const config = { ...DEFAULT_RUN_CONFIG, compareWith };
  const all = compareWith ? byTurns : alone;

  it(`adds up what devices did long ago, in ${compareWith ? "each arm" : "a run"}, and keeps none of it`, () => {
    let kept: RoundsKept | null = null;
    // A round, then its evaluation, as they come.
    for (let from = 0; from < all.length; from++) {
      kept = keepRounds(kept, { runId: "a", from, records: [{ ...all[from]!, testLoss: null }] }, config);
      kept = keepRounds(kept, { runId: "a", from, records: [all[from]!] }, config);
    }
    const { records, past } = kept!;
    expect(records.filter(({ participants }) => participants.length > 0)).toEqual(all.slice(-WHOLE_ROUNDS));
    expect(records.map(({ testLoss }) => testLoss)).toEqual(all.map(({ testLoss }) => testLoss));
    expect(roundedBytes(records, "f32", past)).toEqual(roundedBytes(all, "f32", []));
    expect(energySoFar(records, past)).toEqual(energySoFar(all, []));
    const shares = past.map((each) => each.shares);
    for (const [k, { share, ...own }] of contributionsOf(records, shares).entries()) {
      const { share: expected, ...whole } = contributionsOf(all)[k]!;
      expect(own).toEqual(whole);
      expect(share).toBeCloseTo(expected, 12);
    }
    const [now, then] = [compareArms(config, records, past), compareArms(config, all)];
    expect([now?.own.bytes, now?.other.energy]).toEqual([then?.own.bytes, then?.other.energy]);
  });
}

it("begins anew when it is told from the beginning, and with another run", () => {
  const config = DEFAULT_RUN_CONFIG;
  const once = keepRounds(null, { runId: "a", from: 0, records: alone }, config);
  const again = keepRounds(
    keepRounds(once, { runId: "a", from: 0, records: alone.slice(0, 300) }, config),
    {
      runId: "a",
      from: 300,
      records: alone.slice(300),
    },
    config,
  );
  expect(roundedBytes(again.records, "f32", again.past)).toEqual(roundedBytes(alone, "f32", []));
  expect(keepRounds(again, { runId: "b", from: 0, records: [] }, config)).toMatchObject({
    records: [],
    past: [],
    folded: 0,
  });
});
