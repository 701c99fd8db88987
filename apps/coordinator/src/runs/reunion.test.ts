import type { RunEvent } from "@fedlodrop/federation";
import { expect, test, vi } from "vitest";
import { createReunion } from "./reunion.ts";

const OPEN_ROUND = 4;
const event = (
  kind: "joined" | "ready" | "left" | "disconnected",
  participantId: string,
  resumesRound?: number,
) => ({ kind, participantId, resumesRound: resumesRound ?? null, atMs: 0 }) as unknown as RunEvent;

function of(...ids: string[]) {
  const reunion = createReunion();
  for (const id of ids) reunion.expect(id);
  const complete = vi.fn();
  reunion.whenComplete(complete);
  const saw = (...terms: Parameters<typeof event>) => reunion.saw(event(...terms), OPEN_ROUND);
  return { reunion, complete, saw };
}

test("everybody has to be ready at the same time, however often connections are lost before", () => {
  const { reunion, complete, saw } = of("p1", "p2");
  saw("joined", "p1");
  saw("ready", "p1");
  expect(reunion.awaits("p1")).toBe(false);
  expect(reunion.forgives(event("disconnected", "p1"))).toBe(true);
  saw("disconnected", "p1");
  expect([reunion.awaits("p1"), reunion.isAway("p1"), reunion.hasComeBack("p1")]).toEqual([true, true, true]);
  saw("joined", "p2");
  saw("ready", "p2");
  expect(complete).not.toHaveBeenCalled();
  saw("joined", "p1");
  expect(reunion.isAway("p1")).toBe(false);
  saw("ready", "p1");
  expect(complete).toHaveBeenCalledOnce();
  expect([reunion.isComplete, reunion.isOver]).toEqual([true, true]);
  // From now on it is a connection like any other.
  expect(reunion.forgives(event("disconnected", "p1"))).toBe(false);
});

test("who has come back without its work starts again, also when it has loaded for longer than anybody waits", () => {
  const { reunion, complete, saw } = of("p1", "p2");
  saw("joined", "p1", OPEN_ROUND);
  expect(reunion.mustStartAgain("p1")).toBe(false);
  // Its page was loaded anew.
  saw("joined", "p1");
  expect(reunion.mustStartAgain("p1")).toBe(true);
  saw("joined", "p2", OPEN_ROUND - 1);
  saw("ready", "p2");
  reunion.giveUp("p1");
  expect(complete).toHaveBeenCalledOnce();
  expect([reunion.isComplete, reunion.isOver]).toEqual([true, false]);
  expect(reunion.mustStartAgain("p1")).toBe(true);
  saw("ready", "p1");
  expect(reunion.isOver).toBe(true);
});

test("nobody waits for who has gone, or for strangers", () => {
  const { reunion, complete, saw } = of("p1", "p2");
  expect(reunion.forgives(event("disconnected", "p9"))).toBe(false);
  saw("joined", "p9");
  saw("ready", "p9");
  saw("joined", "p1");
  saw("left", "p1");
  expect(complete).not.toHaveBeenCalled();
  expect(reunion.hasComeBack("p2")).toBe(false);
  reunion.giveUp("p2");
  expect(complete).toHaveBeenCalledOnce();
  expect(reunion.isOver).toBe(true);
  const late = vi.fn();
  reunion.whenComplete(late);
  expect(late).toHaveBeenCalledOnce();
});
