import {
  DEFAULT_RUN_CONFIG,
  keptIndices,
  type RoundRecord,
  type RunConfig,
  subAdapter,
  type Turn,
} from "@fedlodrop/run";
import { expect, it } from "vitest";
import { newestRound, slowRound } from "./slow-round.ts";

const shape = { rank: 1, alpha: 2, modules: [{ name: "m", inFeatures: 12, outFeatures: 4 }], dense: [] };
const participant = (id: string, dropoutRate: number, outcome = "aggregated") => ({
  ...{ id, nickname: id, dropoutRate, outcome, bytesDown: 10, bytesUp: 20 },
});
const record = (round: number, turn: Turn | undefined, ...participants: object[]) =>
  ({ round, turn, participants }) as unknown as RoundRecord;

it("is of the run's own arm, whose masks the lesson is about", () => {
  const compared: RunConfig = { ...DEFAULT_RUN_CONFIG, compareWith: { method: "fedlora", dropoutRate: 0 } };
  const found = slowRound(compared, shape, [
    record(1, { arm: 0, number: 1 }, participant("p1", 0.5)),
    record(2, { arm: 1, number: 1 }, participant("p1", 0)),
  ]);
  expect(found).toMatchObject({ round: 1, devices: [{ dropoutRate: 0.5 }] });
  expect(slowRound(compared, shape, [record(2, { arm: 1, number: 1 }, participant("p1", 0))])).toBeNull();
});

it("has nothing to show before the first round", () => {
  expect([slowRound(DEFAULT_RUN_CONFIG, shape, []), newestRound([])]).toEqual([null, null]);
});

it("shows the columns that the devices really held, also where two arms take turns", () => {
  const compared: RunConfig = { ...DEFAULT_RUN_CONFIG, compareWith: { method: "fixed", dropoutRate: 0.5 } };
  for (const [config, round, turn] of [
    [DEFAULT_RUN_CONFIG, 4, undefined],
    [compared, 3, { arm: 0, number: 2 }],
  ] as const) {
    const found = slowRound(config, shape, [
      record(round, turn, participant("p1", 0.5), participant("p2", 0.25, "late")),
    ]);
    for (const { id, dropoutRate, kept } of found?.devices ?? []) {
      const key = { seed: config.seed, round: turn?.number ?? round, participantId: id, dropoutRate };
      // With rank 1 the first values of the flat vector are A's columns.
      const { indices, mask } = subAdapter(shape, key);
      expect(indices).toEqual(keptIndices(shape, mask));
      const columns = [...indices].filter((index) => index < 12);
      expect(kept.flatMap((is, column) => (is ? [column] : []))).toEqual(columns);
    }
    // The late one is in no average.
    expect(found?.averaged).toEqual(found?.devices[0]?.kept.map(Number));
  }
});

it("averages over all devices of the round, however few are drawn", () => {
  const ids = Array.from({ length: 64 }, (_, k) => `p${k + 1}`);
  const all = record(1, undefined, ...ids.map((id) => participant(id, 0.5)));
  const found = slowRound(DEFAULT_RUN_CONFIG, shape, [all]);
  const { seed } = DEFAULT_RUN_CONFIG;
  const kept = ids.map((id) => subAdapter(shape, { seed, round: 1, participantId: id, dropoutRate: 0.5 }));
  const counts = Array.from({ length: 12 }, (_, column) =>
    kept.reduce((sum, { indices }) => sum + Number(indices.includes(column)), 0),
  );
  expect(found).toMatchObject({ deviceCount: 64, averaged: counts });
  expect(found?.devices.map(({ id }) => id)).toEqual(ids.slice(0, 6));
});
