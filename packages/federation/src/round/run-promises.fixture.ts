/** What must hold of a run whatever happens, checked step by step. */
import { expect } from "vitest";
import { hasPlace, isPresent, isReady } from "./participant.ts";
import { holdersOf } from "./parts.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import { EVALUATION_LAG, type RunState } from "./run-state.ts";

/** What a run has promised so far, as its effects tell. */
export interface Promised {
  open: number | null;
  cohort: Set<string>;
  folded: Set<string>;
  closing: number | null;
  asked: number[];
  /** Devices have been told that it is. */
  over: boolean;
}

export const nothingPromised = (): Promised => ({
  open: null,
  cohort: new Set(),
  folded: new Set(),
  closing: null,
  asked: [],
  over: false,
});

/** Checks a step's effects against what was promised before, and notes what they promise. */
export function follow(model: Promised, event: RunEvent, effects: readonly Effect[], before: RunState): void {
  const isRefused = effects.some(({ kind }) => kind === "refuse");
  if (event.kind === "update-arrived")
    expect(
      effects.filter(({ kind }) => kind === "fold-update"),
      "accepted is folded, refused is not",
    ).toHaveLength(isRefused ? 0 : 1);
  const announced: string[] = [];
  for (const effect of effects)
    switch (effect.kind) {
      case "arm-deadline":
        expect([model.open, model.closing], "one open round at a time").toEqual([null, null]);
        expect(model.over, "no round after the end").toBe(false);
        expect(before.evaluatedRounds).toBeGreaterThanOrEqual(effect.round - EVALUATION_LAG);
        Object.assign(model, { open: effect.round, cohort: new Set(), folded: new Set() });
        break;
      case "start-round":
        expect(effect.round).toBe(model.open);
        expect(model.cohort).not.toContain(effect.assignment.participantId);
        model.cohort.add(effect.assignment.participantId);
        break;
      case "fold-update":
        expect(effect.round, "folded into the open round").toBe(model.open);
        expect(model.cohort).toContain(effect.participantId);
        expect(model.folded, "an update counts once").not.toContain(effect.participantId);
        model.folded.add(effect.participantId);
        break;
      case "close-round":
        expect(effect.round, "closes the round that was open").toBe(model.open);
        Object.assign(model, { open: null, closing: effect.round });
        break;
      case "record-round": {
        const { round, participants } = effect.record;
        expect(round, "records the round that closed").toBe(model.closing);
        model.closing = null;
        expect(
          participants.map(({ id }) => id).sort(),
          "each member has one outcome, and nobody else",
        ).toEqual([...model.cohort].sort());
        const aggregated = participants.filter(({ outcome }) => outcome === "aggregated").map(({ id }) => id);
        expect(new Set(aggregated), "what was accepted is in the record").toEqual(model.folded);
        break;
      }
      case "deal":
        expect([before.kind, before.intent], "nobody changes its texts in a run").toEqual(["lobby", "idle"]);
        break;
      case "announce-round":
        announced.push(effect.participantId);
        break;
      case "evaluate":
        model.asked.push(effect.round);
        break;
      case "announce-end":
        expect(model.over, "the end is told once").toBe(false);
        model.over = true;
        break;
      case "end-run":
        expect(model.over, "devices know before the run ends").toBe(true);
        break;
      case "amend-record":
        expect(effect.record.round).toBe(event.kind === "evaluated" && event.round);
        break;
    }
  if (effects.some(({ kind }) => kind === "record-round"))
    expect(announced.sort(), "each member hears of it once").toEqual([...model.cohort].sort());
}

/** The counts are what a scan would give. */
export function checkCounts(state: RunState): void {
  const participants = [...state.participants.values()];
  expect(state.presentCount).toBe(participants.filter(isPresent).length);
  expect(state.placedCount).toBe(participants.filter(hasPlace).length);
  expect(state.readyCount).toBe(participants.filter(isReady).length);
  expect(state.holders).toEqual(holdersOf(participants, state.config.devices));
  if (state.kind !== "training" && state.kind !== "closing") return;
  const kinds = [...state.members.values()].map(({ status }) => status.kind);
  expect(state.aggregatedCount).toBe(kinds.filter((kind) => kind === "aggregated").length);
  expect(state.outstandingCount).toBe(
    kinds.filter((kind) => kind === "working" || kind === "uploading").length,
  );
  if (state.kind === "training")
    expect(state.outstandingCount, "a round that waits waits for someone").toBeGreaterThan(0);
}
