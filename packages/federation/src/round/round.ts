/**
 * The run's state machine: `transition(state, event)` gives the next state and what is to be done. Pure and total:
 * every event is answered in every state, and what does not fit is refused with a reason. It decides on headers:
 * values and byte counts stay where they arrive. An event costs the same however many devices take part
 * (bench/round-machine.ts); only a round's start and close go through its cohort, and a part that is dealt again through the
 * lobby. Invariants (round.model.test.ts): one open round at a time, every started round closes exactly once, an update is
 * folded at most once and shows in the record.
 */
import { obey } from "./commands.ts";
import { awaitNoLonger, becomeReady, dealEvenly, depart, join, present } from "./presence.ts";
import { closeRound, finishRound, startRound, takeEvaluation } from "./rounds.ts";
import type { RunEvent } from "./run-event.ts";
import type { RunState } from "./run-state.ts";
import { andThen, type Transition, unchanged, withEffects } from "./step.ts";
import { beginUpload, takeUnusable, takeUpdate } from "./updates.ts";

export const transition = (state: RunState, event: RunEvent): Transition =>
  dealEvenly(step(state, event), state);

function step(state: RunState, event: RunEvent): Transition {
  switch (event.kind) {
    case "joined":
      return join(state, event);
    case "ready":
      return becomeReady(state, event);
    case "disconnected":
      return withEffects(present(state, event.participantId, { presence: "away", awaited: true }), [
        { kind: "arm-grace", participantId: event.participantId },
      ]);
    case "grace-passed":
      return awaitNoLonger(state, event);
    case "left":
      return andThen(present(state, event.participantId, { presence: "away" }), (next) =>
        depart(next, event.participantId, event.atMs),
      );
    case "upload-begun":
      return beginUpload(state, event);
    case "update-unusable":
      return takeUnusable(state, event);
    case "update-arrived":
      return takeUpdate(state, event);
    case "deadline-passed":
      return state.kind === "training" && state.round === event.round
        ? closeRound(state, event.atMs)
        : unchanged(state);
    case "planned":
      return state.kind === "planning" && state.round === event.round
        ? startRound(state, event)
        : unchanged(state);
    case "closed":
      return state.kind === "closing" && state.round === event.round
        ? finishRound(state, event)
        : unchanged(state);
    case "evaluated":
      return takeEvaluation(state, event);
    case "command":
      return obey(state, event.command, event.atMs);
    default:
      return event satisfies never;
  }
}
