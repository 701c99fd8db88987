import { atOnce, subAdapter } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { shape } from "../app.fixture.ts";
import { createSubAdapters } from "./sub-adapters.ts";

const drawn = (round: number, participantId: string, dropoutRate: number) =>
  subAdapter(shape, { seed: "s", round, participantId, dropoutRate });

it("draws a participant's mask once a round, and another one in the next", () => {
  const subAdapters = createSubAdapters(shape, "s");
  const of = (...key: Parameters<typeof subAdapters.of>) => atOnce(subAdapters.of(...key));
  const first = of(1, "p1", 0.5);
  expect(first).toEqual(drawn(1, "p1", 0.5));
  expect(of(1, "p2", 0.3)).toEqual(drawn(1, "p2", 0.3));
  expect(of(1, "p1", 0.5)).toBe(first);
  expect(of(2, "p1", 0.5)).toEqual(drawn(2, "p1", 0.5));
});

it("keeps no more than it may, and draws the same again", () => {
  const { valueCount } = drawn(1, "p1", 0.5);
  const subAdapters = createSubAdapters(shape, "s", 2 * valueCount);
  const of = (...key: Parameters<typeof subAdapters.of>) => atOnce(subAdapters.of(...key));
  const [p1, p2] = [of(1, "p1", 0.5), of(1, "p2", 0.5)];
  of(1, "p3", 0.5);
  expect(of(1, "p2", 0.5)).toBe(p2);
  const again = of(1, "p1", 0.5);
  expect(again).not.toBe(p1);
  expect(again).toEqual(p1);
});

it("keeps one of two that were drawn at the same time, and none of a round that is over", () => {
  const subAdapters = createSubAdapters(shape, "s");
  const [one, two] = [subAdapters.of(1, "p1", 0.5), subAdapters.of(1, "p1", 0.5)];
  one.next();
  two.next();
  expect(atOnce(one)).toEqual(drawn(1, "p1", 0.5));
  const last = atOnce(two);
  expect(atOnce(subAdapters.of(1, "p1", 0.5))).toBe(last);
  const slow = subAdapters.of(1, "p2", 0.5);
  slow.next();
  const next = atOnce(subAdapters.of(2, "p2", 0.5));
  expect(atOnce(slow)).toEqual(drawn(1, "p2", 0.5));
  expect(atOnce(subAdapters.of(2, "p2", 0.5))).toBe(next);
});
