import type { RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { contributionsOf } from "./contributions.ts";

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
