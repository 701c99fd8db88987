import type { DeviceFacts } from "@fedlodrop/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { heldPart, isReady } from "./participant.ts";
import { adapter, after, command, config, device, gone, joined, ready } from "./round.fixture.ts";
import { transition } from "./round.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";
import { restoreRun, snapshotOf } from "./snapshot.ts";

/** Devices that load what they are dealt, in a run whose texts are dealt into so many parts. */
function lobby(devices: number, minParticipants = config.minParticipants) {
  let state: RunState = createRun({ ...config, devices, minParticipants, maxParticipants: 200 }, adapter);
  const dealt: string[] = [];
  function happen(event: RunEvent): readonly Effect[] {
    const step = transition(state, event);
    ({ state } = step);
    for (const effect of step.effects) if (effect.kind === "deal") dealt.push(effect.participantId);
    return step.effects;
  }
  const partOf = (id: string): number => state.participants.get(id)?.part ?? Number.NaN;
  const readyWith = (id: string, part: DeviceFacts["part"] = partOf(id)) =>
    happen({ kind: "ready", participantId: id, device: { ...device, part }, atMs: 0 });
  return {
    dealt,
    happen,
    partOf,
    readyWith,
    come(...ids: readonly string[]) {
      for (const id of ids) happen(joined(id));
      for (const id of ids) readyWith(id);
    },
    /** All that has been dealt is loaded. */
    settle() {
      for (const { id, presence } of state.participants.values()) if (presence === "loading") readyWith(id);
    },
    /** Of those ready, in the order of joining. */
    held: () => [...state.participants.values()].filter(isReady).map(heldPart),
    get state() {
      return state;
    },
  };
}
const names = (count: number, from = 1): string[] => Array.from({ length: count }, (_, k) => `p${from + k}`);

it("gives devices that come one after the other a part each, from the first on", () => {
  const { come, held, dealt } = lobby(4);
  come("p1", "p2", "p3", "p4");
  expect(held()).toEqual([0, 1, 2, 3]);
  expect(dealt).toEqual([]);
});

it("gives the part of who has left to the next who comes", () => {
  const { come, happen, held } = lobby(4);
  come("p1", "p2", "p3");
  happen(gone("p2"));
  come("p4", "p5");
  expect(held()).toEqual([0, 2, 1, 3]);
});

it("deals again what came free while a start waited for devices, once it is taken back", () => {
  const run = lobby(3, 9);
  run.come(...names(4));
  run.happen(command({ kind: "start" }));
  run.happen(gone("p2"));
  expect(run.state).toMatchObject({ kind: "lobby", intent: "run" });
  expect(run.held()).toEqual([0, 2, 0]);
  run.happen(command({ kind: "pause" }));
  expect(run.state).toMatchObject({ kind: "lobby", intent: "idle" });
  run.settle();
  expect(run.held()).toEqual([0, 2, 1]);
});

it("has thirty devices at different parts after a hundred have come and gone", () => {
  const { come, happen, held, dealt } = lobby(64);
  come(...names(30));
  for (let k = 1; k <= 100; k++) {
    happen(gone(`p${k}`));
    come(`p${30 + k}`);
  }
  expect(new Set(held()).size).toBe(30);
  expect(dealt).toEqual([]);
});

it("shares parts evenly where there are more devices than parts, and deals again when one becomes free", () => {
  const { come, happen, settle, held, partOf, dealt } = lobby(3);
  come(...names(4));
  expect(held()).toEqual([0, 1, 2, 0]);
  happen(gone("p2"));
  expect(partOf("p4"), "who came last gives way").toBe(1);
  // It is not ready until it has loaded the other texts.
  expect(held()).toEqual([0, 2]);
  settle();
  expect(held()).toEqual([0, 2, 1]);
  expect(dealt).toEqual(["p4"]);
});

it("counts nobody who loads for ever, and nobody who brings texts of its own", () => {
  const { happen, come, readyWith, held } = lobby(3);
  happen(joined("p1"));
  happen(joined("p2"));
  readyWith("p2", null);
  come("p3", "p4", "p5");
  expect(held()).toEqual([null, 1, 2, 0]);
});

it("takes no device for ready with texts that it was not dealt", () => {
  const { happen, readyWith, held } = lobby(3);
  happen(joined("p1"));
  expect(readyWith("p1", 2)).toMatchObject([{ kind: "refuse", reason: "wrong-state" }]);
  expect(held()).toEqual([]);
  // Who does not say is taken to have loaded them, and is not told to load others.
  const four = names(4).flatMap((id) => [joined(id), ready(id)]);
  const run = createRun({ ...config, devices: 3 }, adapter);
  expect(after([...four, gone("p2")], run).effects.map(({ kind }) => kind)).toEqual(["forget"]);
});

it("leaves everybody its part once the run has started", () => {
  const { come, happen, held, dealt } = lobby(3);
  come("p1", "p2", "p3", "p4");
  happen(command({ kind: "start" }));
  happen(gone("p2"));
  come("p5");
  expect(held()).toEqual([0, 2, 0, 1]);
  expect(dealt).toEqual([]);
});

it("does not give a newcomer what somebody will come back to, where others are free", () => {
  const { come, happen, held } = lobby(4);
  come("p1", "p2");
  happen({ kind: "disconnected", participantId: "p1", atMs: 0 });
  come("p3");
  happen(joined("p1"));
  expect(held()).toEqual([1, 2]);
});

it("keeps the parts over a restart, and deals them anew in a new run", () => {
  const room = lobby(3);
  room.come("p1", "p2");
  room.happen(gone("p1"));
  room.come("p3", "p4", "p5");
  const parts = ({ participants }: RunState) => [...participants.values()].map(({ id, part }) => [id, part]);
  const known = { adapter, largestSplit: null, finalRecords: [] };
  const { state } = restoreRun(snapshotOf(room.state), known);
  expect(parts(state)).toEqual([
    ["p2", 1],
    ["p3", 0],
    ["p4", 2],
    ["p5", 0],
  ]);
  expect(state.holders).toEqual(room.state.holders);
  const participants = [...state.participants.values()];
  const next = createRun({ ...config, devices: 4 }, adapter, { participants });
  expect(parts(next).map(([, part]) => part)).toEqual([0, 1, 2, 3]);
});

it("spreads whoever is ready evenly, whoever comes, stays away and goes", () => {
  const happening = fc.tuple(
    fc.constantFrom("joined", "ready", "own texts", "disconnected", "left", "kicked"),
    fc.integer({ min: 1, max: 12 }).map((n) => `p${n}`),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(happening, { maxLength: 60 }), (parts, steps) => {
      const room = lobby(parts);
      const even = () => {
        const counts = room.state.holders.ready;
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      };
      for (const [what, id] of steps) {
        const dealtBefore = room.dealt.length;
        if (what === "joined") room.happen(joined(id));
        else if (what === "ready") room.readyWith(id);
        else if (what === "own texts") room.readyWith(id, null);
        else if (what === "kicked") room.happen(command({ kind: "kick", participantId: id }));
        else room.happen({ kind: what, participantId: id, atMs: 0 } as RunEvent);
        even();
        expect(room.dealt.length - dealtBefore, "one at most has to load again").toBeLessThanOrEqual(1);
      }
      // All that is dealt can be loaded: it comes to an end.
      for (let tries = 0; tries < 20; tries++) room.settle();
      even();
      expect([...room.state.participants.values()].some(({ presence }) => presence === "loading")).toBe(
        false,
      );
    }),
    { numRuns: 300 },
  );
});
