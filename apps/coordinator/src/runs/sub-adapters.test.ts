import { subAdapter } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { shape } from "../app.fixture.ts";
import { createSubAdapters } from "./sub-adapters.ts";

const drawn = (round: number, participantId: string, dropoutRate: number) =>
  subAdapter(shape, { seed: "s", round, participantId, dropoutRate });

it("draws a participant's mask once a round, and another one in the next", () => {
  const subAdapters = createSubAdapters(shape, "s");
  const first = subAdapters.of(1, "p1", 0.5);
  expect(first).toEqual(drawn(1, "p1", 0.5));
  expect(subAdapters.of(1, "p2", 0.3)).toEqual(drawn(1, "p2", 0.3));
  expect(subAdapters.of(1, "p1", 0.5)).toBe(first);
  expect(subAdapters.of(2, "p1", 0.5)).toEqual(drawn(2, "p1", 0.5));
});

it("keeps no more than it may, and draws the same again", () => {
  const { valueCount } = drawn(1, "p1", 0.5);
  const subAdapters = createSubAdapters(shape, "s", 2 * valueCount);
  const [p1, p2] = [subAdapters.of(1, "p1", 0.5), subAdapters.of(1, "p2", 0.5)];
  subAdapters.of(1, "p3", 0.5);
  expect(subAdapters.of(1, "p2", 0.5)).toBe(p2);
  const again = subAdapters.of(1, "p1", 0.5);
  expect(again).not.toBe(p1);
  expect(again).toEqual(p1);
});
