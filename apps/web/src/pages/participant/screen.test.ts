import type { FromWorker } from "@fedlodrop/device/page";
import type { Refused } from "@fedlodrop/protocol";
import { REFUSALS } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { description as run } from "../../../../../packages/protocol/src/run-description.fixture.ts";
import { reduce } from "./reduce.ts";
import { announcementOf, type Screen, screenOf, titleOf } from "./screen.ts";
import { INITIAL_STATE, type ParticipantState } from "./state.ts";
import { wordsFor } from "./stops.ts";
import "../../words/english.fixture.ts";

const joined: FromWorker = { kind: "joined", participantId: "p1", token: "t", nickname: "n", run };
const ready = { kind: "ready", engine: "", source: { kind: "own", fileName: "f" }, sampleCount: 1 } as never;
const begun = { kind: "round-started", start: { round: 7 }, mask: [], keptValues: 1 } as never;
const refused = (reason: Refused["reason"]): Refused => ({ kind: "refused", reason, message: "m" });
const after = (...messages: readonly FromWorker[]): ParticipantState =>
  messages.reduce(reduce, INITIAL_STATE);

describe("the screen", () => {
  it.each<[Screen, readonly FromWorker[]]>([
    ["welcome", []],
    ["welcome", [{ kind: "join-refused", refused: refused("wrong-code") }]],
    ["approval", [{ kind: "join-refused", refused: refused("awaiting-approval") }]],
    ["loading", [{ kind: "join-refused", refused: refused("awaiting-approval") }, joined]],
    ["stopped", [{ kind: "join-refused", refused: refused("run-full") }]],
    ["stopped", [joined, { kind: "dismissed", refused: refused("taken-over") }]],
    ["stopped", [joined, ready, { kind: "left" }]],
    ["stopped", [{ kind: "failed", error: { name: "Error", message: "m" } }]],
    ["texts-wanted", [joined, { kind: "texts-wanted", fault: null, message: "m" }]],
    [
      "loading",
      [
        joined,
        { kind: "texts-wanted", fault: null, message: "m" },
        { kind: "loading", file: "f", receivedBytes: 0, totalBytes: null },
      ],
    ],
    ["lobby", [joined, ready]],
    ["away", [joined, ready, { kind: "connection", online: false }]],
    ["round", [joined, ready, begun]],
    ["closed", [joined, ready, begun, { kind: "host-closed" }, { kind: "connection", online: false }]],
    [
      "ended",
      [joined, ready, { kind: "run-ended", ended: { reason: "finished", roundsDone: 1, roundsMade: 1 } }],
    ],
  ])("%s", (screen, messages) => expect(screenOf(after(...messages))).toBe(screen));

  it("is named in the title, with the round where there is one", () => {
    expect(titleOf(after(joined, ready, begun))).toBe("● Round 7/20 · FedLoDrop");
    const start = { round: 8, turn: { arm: 1, number: 4 } };
    const ofArm = { kind: "round-started", start, mask: [], keptValues: 1 } as never;
    expect(titleOf(after(joined, ready, ofArm))).toBe("● Round 4/20 · FedLoDrop");
    expect(titleOf(INITIAL_STATE)).toBe("FedLoDrop: join");
  });

  it("is announced once, however much happens on it", () => {
    const first = after(joined, ready, begun);
    const later = reduce(first, { kind: "downloaded", round: 7, bytes: 1, seconds: 1 });
    expect(announcementOf(later)).toBe(announcementOf(first));
  });
});

it("has words for each refusal, and a way on where there is one", () => {
  for (const reason of REFUSALS) {
    const { heading, advice, again } = wordsFor({ kind: "refused", reason, message: "m" });
    expect(heading).not.toBe("");
    expect(advice).not.toBe("");
    expect(again === null).toBe(reason === "taken-over");
  }
});
