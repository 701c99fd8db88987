import type { DeviceFacts } from "@fedlodrop/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { heldPart, isPresent, isReady, shownPresence } from "./participant.ts";
import { adapter, after, command, config, device, gone, joined, ready } from "./round.fixture.ts";
import { transition } from "./round.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";
import { restoreRun, snapshotOf } from "./snapshot.ts";

/** Devices that load what they are dealt, in a run whose texts are dealt into so many parts. */
function lobby(devices: number, { maxParticipants = 200, minParticipants = config.minParticipants } = {}) {
  let state: RunState = createRun({ ...config, devices, minParticipants, maxParticipants }, adapter);
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
      for (const one of state.participants.values()) if (isPresent(one) && !isReady(one)) readyWith(one.id);
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
  const run = lobby(3, { minParticipants: 9 });
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

it("has nobody load again where those who load still make it even", () => {
  const { happen, readyWith, settle, held, dealt } = lobby(3);
  for (const id of names(7)) happen(joined(id));
  // Two of one part, while all others load.
  for (const id of ["p1", "p4", "p7"]) readyWith(id);
  expect(held()).toEqual([0, 0, 0]);
  settle();
  expect(held()).toEqual([0, 1, 2, 0, 1, 2, 0]);
  expect(dealt).toEqual([]);
});

it("deals again when those who load cannot make it even, and then no more than it takes", () => {
  const { happen, readyWith, settle, held, dealt } = lobby(3);
  for (const id of names(8)) happen(joined(id));
  for (const id of ["p1", "p4", "p7"]) readyWith(id);
  happen(gone("p2"));
  expect(dealt).toEqual([]);
  happen(gone("p5"));
  expect(dealt).toEqual(["p7"]);
  settle();
  expect(held()).toEqual([0, 2, 0, 2, 1, 1]);
  expect(dealt).toHaveLength(1);
});

it("waits for who has only lost its connection, and for nobody longer than that", () => {
  const { come, happen, readyWith, held, dealt, partOf } = lobby(2);
  const lost = { kind: "disconnected", participantId: "p2", atMs: 0 } as const;
  come("p1", "p2", "p3");
  happen(lost);
  happen(joined("p2"));
  readyWith("p2");
  expect(held().sort()).toEqual([0, 0, 1]);
  expect(dealt).toEqual([]);
  happen(lost);
  happen({ kind: "grace-passed", participantId: "p2", atMs: 0 });
  expect(dealt).toEqual(["p3"]);
  expect(partOf("p3")).toBe(1);
});

it("leaves who is dealt other texts its place in a full room", () => {
  const room = lobby(2, { maxParticipants: 3 });
  const { happen, readyWith, held, dealt } = room;
  for (const id of names(5)) happen(joined(id));
  for (const id of names(3)) readyWith(id);
  readyWith("p2", null);
  expect(dealt).toEqual(["p3"]);
  expect(shownPresence(room.state.participants.get("p3")!)).toBe("loading");
  expect(room.state).toMatchObject({ placedCount: 3, readyCount: 2 });
  for (const refused of [readyWith("p4"), happen(joined("p6"))])
    expect(refused).toMatchObject([{ kind: "refuse", reason: "run-full" }]);
  expect(readyWith("p3")).toEqual([]);
  expect(held()).toEqual([0, null, 1]);
  // Not so who goes.
  happen(gone("p3"));
  expect(readyWith("p4")).toEqual([]);
});

it("goes by numbers in a run that began so, and deals nothing again", () => {
  const begun = createRun({ ...config, devices: 3 }, adapter);
  const run: RunState = { ...begun, dealsByNumber: true };
  const restored = restoreRun(snapshotOf(run), { adapter, largestSplit: null, finalRecords: [] }).state;
  const ids = ["p2", "p5", "p8", "p9"];
  const events = ids.flatMap((id): RunEvent[] => {
    const facts = { ...device, part: id === "p9" ? 2 : 1 };
    return [joined(id), { kind: "ready", participantId: id, device: facts, atMs: 0 }];
  });
  const { state, effects } = after(events, restored);
  expect([...state.participants.values()].map(({ part }) => part)).toEqual([1, 1, 1, 2]);
  expect(effects).toEqual([]);
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

/** Of these counts, how many have to change at least until none is more than one above another. */
function stepsToEven(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const sum = (of: (count: number) => number) =>
    counts.reduce((all, count) => all + Math.max(0, of(count)), 0);
  return Math.max(
    sum((count) => count - Math.ceil(mean)),
    sum((count) => Math.floor(mean) - count),
  );
}

it("ends even whoever comes, stays away, comes back and goes, and has nobody load again without need", () => {
  const happening = fc.tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("joined", "ready", "ready", "left") },
      { weight: 1, arbitrary: fc.constantFrom("own texts", "disconnected", "kicked") },
    ),
    fc.integer({ min: 1, max: 12 }).map((n) => `p${n}`),
  );
  const happenings = fc.array(happening, { minLength: 20, maxLength: 120, size: "max" });
  let dealtInAll = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), happenings, (parts, steps) => {
      const room = lobby(parts);
      /** Each device that is dealt again brings it a step nearer, among all who are expected and those who have a place. */
      const play = (what: () => readonly Effect[]): void => {
        const before = new Map([...room.state.participants].map(([id, { part }]) => [id, part]));
        const deals = what().filter((effect) => effect.kind === "deal");
        const { expected, placed } = room.state.holders;
        const undealt = [expected, placed].map((counts) => {
          const of = [...counts];
          for (const { participantId, part } of deals) {
            of[part]! -= 1;
            of[before.get(participantId)!]! += 1;
          }
          return of;
        });
        expect(stepsToEven(undealt[0]!) - stepsToEven(expected)).toBe(deals.length);
        if (stepsToEven(undealt[1]!) === 0) expect(deals).toEqual([]);
      };
      for (const [what, id] of steps)
        play(() => {
          if (what === "joined") return room.happen(joined(id));
          if (what === "ready") return room.readyWith(id);
          if (what === "own texts") return room.readyWith(id, null);
          if (what === "kicked") return room.happen(command({ kind: "kick", participantId: id }));
          return room.happen({ kind: what, participantId: id, atMs: 0 } as RunEvent);
        });
      for (const { id, presence } of [...room.state.participants.values()])
        if (presence === "away")
          play(() => room.happen({ kind: "grace-passed", participantId: id, atMs: 0 }));
      // All that is dealt can be loaded: it comes to an end.
      for (let tries = 0; tries < 20; tries++)
        for (const one of room.state.participants.values())
          if (isPresent(one) && !isReady(one)) play(() => room.readyWith(one.id));
      const { holders, readyCount, presentCount } = room.state;
      expect(readyCount).toBe(presentCount);
      expect(stepsToEven(holders.placed)).toBe(0);
      dealtInAll += room.dealt.length;
    }),
    { numRuns: 300 },
  );
  expect(dealtInAll, "the happenings drawn do make parts uneven").toBeGreaterThan(50);
});

it("has nobody load again where nobody goes, in whatever order they are ready", () => {
  const orders = fc.shuffledSubarray(names(12), { minLength: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), orders, (parts, order) => {
      const room = lobby(parts);
      for (const id of names(12)) room.happen(joined(id));
      for (const id of order) room.readyWith(id);
      expect(room.dealt).toEqual([]);
    }),
  );
});
