import type { RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { contributionsOf, stepOf } from "./contributions.ts";
import "../../words/english.fixture.ts";

const part = (id: string, sampleCount: number, outcome = "aggregated") => ({
  ...{ id, nickname: id.toUpperCase(), sampleCount, bytesUp: 10, outcome },
});
const record = (...participants: ReturnType<typeof part>[]): RoundRecord => ({ participants }) as never;

it("shares each round by sample counts among those who were averaged in, and means over rounds", () => {
  const shares = contributionsOf([
    record(part("a", 30), part("b", 10), part("c", 5, "late")),
    record(part("b", 10)),
    record(part("c", 5, "left")),
  ]);
  expect(shares).toEqual([
    { id: "b", nickname: "B", share: (0.25 + 1) / 2, rounds: 2, bytes: 20 },
    { id: "a", nickname: "A", share: 0.375, rounds: 1, bytes: 10 },
  ]);
});

it.each([
  [
    [0.5, 0.3, 0.2],
    ["high", "middle", "low"],
  ],
  [
    [0.34, 0.33, 0.33],
    ["high", "middle", "middle"],
  ],
  [
    [0.33301, 0.333, 0.2],
    ["high", "high", "low"],
  ],
  [
    [0.25, 0.25, 0.25, 0.25],
    ["high", "high", "high"],
  ],
])("shares of %s stand %s: as high where they read alike", (shares, steps) => {
  const contributions = shares.map((share) => ({ share }));
  expect(shares.slice(0, 3).map((share) => stepOf(contributions, share))).toEqual(steps);
});
