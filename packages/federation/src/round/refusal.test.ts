import { describe, expect, it } from "vitest";
import {
  after,
  arrived,
  begun,
  closed,
  closing,
  command,
  joined,
  planned,
  ready,
  training,
  two,
} from "./round.fixture.ts";
import { transition } from "./round.ts";
import type { RunEvent } from "./run-event.ts";

describe("refusals change nothing but the sender's own status", () => {
  const cases: readonly [string, readonly RunEvent[], RunEvent][] = [
    ["unknown-participant", training, begun("p9")],
    ["unknown-participant", [], ready("p9")],
    ["not-running", two, begun("p1")],
    ["not-running", training.slice(0, -1), begun("p1", 1)],
    ["stale-round", [...closing, closed(), planned(["p1", "p2"], 2)], begun("p1", 1)],
    ["stale-round", closing, begun("p1", 1)],
    ["not-in-cohort", [...training, joined("p3"), ready("p3")], begun("p3")],
    ["duplicate", [...training, begun("p1"), arrived("p1")], begun("p1")],
    ["duplicate", [...training, begun("p1"), arrived("p1")], arrived("p1")],
    ["too-large", training, begun("p1", 1, 1e6)],
    ["wrong-length", training, begun("p1", 1, 17)],
    ["wrong-order", training, arrived("p1")],
    [
      "non-finite",
      training,
      {
        kind: "update-unusable",
        participantId: "p1",
        round: 1,
        reason: "non-finite",
        message: "NaN",
        atMs: 0,
      },
    ],
    ["run-locked", [command({ kind: "lock", locked: true })], joined("p1")],
    [
      "run-full",
      Array.from({ length: 64 }, (_, i) => [joined(`p${i}`), ready(`p${i}`)]).flat(),
      joined("late"),
    ],
    ["run-full", Array.from({ length: 96 }, (_, i) => joined(`p${i}`)), joined("late")],
    [
      "run-full",
      [joined("late"), ...Array.from({ length: 64 }, (_, i) => [joined(`p${i}`), ready(`p${i}`)]).flat()],
      ready("late"),
    ],
    ["unknown-participant", two, command({ kind: "readmit", participantId: "p1" })],
    ["kicked", [joined("p1"), command({ kind: "kick", participantId: "p1" })], joined("p1")],
    ["kicked", [...training, command({ kind: "kick", participantId: "p1" })], begun("p1")],
    ["wrong-state", training, command({ kind: "start" })],
    ["wrong-state", two, command({ kind: "pause" })],
    ["wrong-state", training, command({ kind: "resume" })],
    ["wrong-state", [command({ kind: "stop" })], command({ kind: "stop" })],
  ];
  it.each(cases)("%s", (reason, events, event) => {
    const before = after(events).state;
    const result = transition(before, event);
    expect(result.effects).toEqual([expect.objectContaining({ kind: "refuse", reason })]);
    expect(result.state.kind).toBe(before.kind);
    expect(result.state.records).toBe(before.records);
    if (before.kind === "training" && result.state.kind === "training")
      for (const [id, member] of before.members)
        if (!("participantId" in event) || id !== event.participantId)
          expect(result.state.members.get(id)).toBe(member);
  });

  it("lets a refused member try again while the round is open", () => {
    const { effects } = after([...training, begun("p1", 1, 17), begun("p1"), arrived("p1")]);
    expect(effects.map(({ kind }) => kind)).toEqual(["fold-update"]);
  });
});
