import type { RunEvent } from "@fedlodrop/federation";
import { expect, test, vi } from "vitest";
import { createReunion } from "./reunion.ts";

const event = (kind: "joined" | "ready" | "left" | "disconnected", participantId: string) =>
  ({ kind, participantId, atMs: 0 }) as unknown as RunEvent;

function of(...ids: string[]) {
  const reunion = createReunion();
  for (const id of ids) reunion.expect(id);
  const complete = vi.fn();
  reunion.whenComplete(complete);
  return {
    reunion,
    complete,
    saw: (kind: Parameters<typeof event>[0], id: string) => reunion.saw(event(kind, id)),
  };
}

test("everybody has to be ready at the same time, however often connections are lost before", () => {
  const { reunion, complete, saw } = of("p1", "p2");
  saw("joined", "p1");
  expect(reunion.mustStartAgain("p1")).toBe(true);
  saw("ready", "p1");
  expect(reunion.awaits("p1")).toBe(false);
  expect(reunion.forgives(event("disconnected", "p1"))).toBe(true);
  saw("disconnected", "p1");
  expect([reunion.awaits("p1"), reunion.hasJoined("p1")]).toEqual([true, false]);
  saw("joined", "p2");
  saw("ready", "p2");
  expect(complete).not.toHaveBeenCalled();
  saw("joined", "p1");
  reunion.keepsWorking("p1");
  expect(reunion.mustStartAgain("p1")).toBe(false);
  saw("ready", "p1");
  expect(complete).toHaveBeenCalledOnce();
  expect(reunion.isComplete).toBe(true);
  // From now on it is a connection like any other.
  expect(reunion.forgives(event("disconnected", "p1"))).toBe(false);
});

test("nobody waits for who has gone, or for strangers", () => {
  const { reunion, complete, saw } = of("p1", "p2");
  expect(reunion.forgives(event("disconnected", "p9"))).toBe(false);
  saw("left", "p1");
  saw("ready", "p9");
  expect(complete).not.toHaveBeenCalled();
  reunion.giveUp("p2");
  expect(complete).toHaveBeenCalledOnce();
  const late = vi.fn();
  reunion.whenComplete(late);
  expect(late).toHaveBeenCalledOnce();
});
