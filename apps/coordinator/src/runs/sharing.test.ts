import { createRun, type RunEvent, type RunState, transition } from "@fedlodrop/federation";
import { expect, it } from "vitest";
import { config, device, shape } from "../app.fixture.ts";
import { createSharing } from "./sharing.ts";

/** A lobby of two parts, whose devices are told when somebody listens. */
function lobby() {
  let state: RunState = createRun({ ...config, devices: 2, maxParticipants: 2000 }, shape);
  let told: [id: string, others: number][] = [];
  const pauses: number[] = [];
  let tellAll = (): void => {};
  const sharing = createSharing({
    timers: {
      start(_, ms, callBack) {
        pauses.push(ms);
        tellAll = callBack;
      },
      stop() {},
      stopAll() {},
    },
    state: () => state,
    tell: (id, others) => void told.push([id, others]),
  });
  function happen(event: RunEvent): void {
    ({ state } = transition(state, event));
    sharing.noticed(event);
  }
  const readyWith = (participantId: string, part: number | null | undefined): void =>
    happen({ kind: "ready", participantId, device: { ...device, part }, atMs: 0 });
  return {
    happen,
    readyWith,
    pauses,
    come(...ids: readonly string[]) {
      for (const participantId of ids) {
        happen({ kind: "joined", participantId, nickname: "n", resumesRound: null, atMs: 0 });
        readyWith(participantId, state.participants.get(participantId)?.part);
      }
    },
    /** What is said once the pause is over. */
    listen() {
      told = [];
      tellAll();
      tellAll = () => {};
      return Object.fromEntries(told);
    },
  };
}

it("tells each device in the lobby with how many others it shares, and again when that changes", () => {
  const { come, listen, readyWith } = lobby();
  come("p1", "p2", "p3");
  expect(listen()).toEqual({ p1: 1, p2: 0, p3: 1 });
  come("p4", "p5");
  expect(listen()).toEqual({ p1: 2, p2: 1, p3: 2, p4: 1, p5: 2 });
  // With texts of its own it shares none; the last one is dealt what it leaves, and hears when it has that.
  readyWith("p4", null);
  expect(listen()).toEqual({ p1: 1, p3: 1, p4: 0 });
  readyWith("p5", 1);
  expect(listen()).toEqual({ p5: 1 });
});

it("tells a page that comes back, which knows nothing", () => {
  const { come, listen } = lobby();
  come("p1", "p2", "p3");
  listen();
  come("p1");
  expect(listen()).toEqual({ p1: 1 });
});

it("waits longer in a large room, and leaves rounds to tell it themselves", () => {
  const { come, listen, happen, pauses } = lobby();
  come("p1");
  listen();
  come(...Array.from({ length: 399 }, (_, k) => `p${k + 2}`));
  expect(pauses).toEqual([1000, 1000]);
  listen();
  come("p401");
  expect(pauses.at(-1)).toBe(2005);
  happen({ kind: "command", command: { kind: "start" }, atMs: 0 });
  expect(listen()).toEqual({});
});
