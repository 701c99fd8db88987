import { expect, it } from "vitest";
import {
  adapter,
  after,
  arrived,
  begun,
  closed,
  command,
  config,
  deadline,
  evaluated,
  gone,
  joined,
  planned,
  ready,
  two,
} from "./round.fixture.ts";
import { transition } from "./round.ts";
import type { RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";

it("lets a removed participant in again at the host's word", () => {
  const kicked = [...two, command({ kind: "kick", participantId: "p1" })];
  const { state } = after([...kicked, command({ kind: "readmit", participantId: "p1" }), joined("p1")]);
  expect(state.participants.get("p1")?.presence).toBe("loading");
});

it("forgets who left first once many have come and gone, and nobody who is here", () => {
  const places = 20; // 80 are remembered
  let state: RunState = createRun({ ...config, rounds: 1e6, maxParticipants: places }, adapter, {
    baseTestLoss: 5,
  });
  const forgotten: string[] = [];
  const play = (...events: readonly RunEvent[]): void => {
    for (const event of events) {
      const step = transition(state, event);
      ({ state } = step);
      for (const effect of step.effects) if (effect.kind === "forget") forgotten.push(effect.participantId);
    }
  };
  play(joined("stays"), ready("stays"), joined("naps"), ready("naps"), command({ kind: "start" }));
  let most = 0;
  for (let round = 1; round <= 300; round++) {
    const visitor = `v${round}`;
    play(joined(visitor), ready(visitor));
    const cohort = ["stays", "naps", visitor];
    play(planned(cohort, round), gone(visitor), { kind: "disconnected", participantId: "naps", atMs: 0 });
    play(begun("stays", round), arrived("stays", round), joined("naps", round), ready("naps"));
    play(deadline(round), closed(round), evaluated(round));
    expect(state.records).toHaveLength(round);
    most = Math.max(most, state.participants.size);
  }
  expect(most).toBeLessThanOrEqual(2 + 80 + 1);
  // In the order of leaving, and each once.
  expect(forgotten).toEqual(Array.from({ length: forgotten.length }, (_, k) => `v${k + 1}`));
  expect(state.participants.size).toBe(302 - forgotten.length);
  expect(state).toMatchObject({ presentCount: 2, readyCount: 2 });
  // It was in a round, but it is a newcomer now.
  play(joined("v1"));
  expect(state.participants.get("v1")).toMatchObject({ known: false });
});
