import type { RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { ratesByRound } from "./rates-by-round.ts";

const round = (number: number, ...rates: readonly [id: string, rate: number][]): RoundRecord =>
  ({
    round: number,
    participants: rates.map(([id, dropoutRate]) => ({ id, nickname: id.toUpperCase(), dropoutRate })),
  }) as never;

it("has a row for each device, with a gap where it was not in a round", () => {
  expect(ratesByRound([round(1, ["a", 0.5], ["b", 0]), round(2, ["a", 0.25])])).toEqual({
    every: 1,
    rounds: [1, 2],
    devices: [
      { id: "a", nickname: "A", rates: [0.5, 0.25] },
      { id: "b", nickname: "B", rates: [0, null] },
    ],
  });
  expect(ratesByRound([]).devices).toEqual([]);
});

it("thins many rounds, and keeps the last one", () => {
  const many = Array.from({ length: 130 }, (_, i) => round(i + 1, ["a", i / 1000]));
  const { every, rounds, devices } = ratesByRound(many);
  expect(every).toBe(3);
  expect(rounds.at(-1)).toBe(130);
  expect(rounds.length).toBeLessThanOrEqual(60);
  expect(devices[0]?.rates.at(-1)).toBe(0.129);
});
