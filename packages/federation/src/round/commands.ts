/** What the host asks for. Rounds are never broken off for it, except that `stop` closes the open one now. */
import { adapterSize, resolveRunConfig } from "@fedlodrop/run";
import { ruleProblem } from "../update/rules.ts";
import { setParticipant } from "./members.ts";
import { forfeit, present } from "./presence.ts";
import { refuse } from "./refusal.ts";
import { closeRound, end, proceed } from "./rounds.ts";
import type { RunCommand } from "./run-event.ts";
import { isAnnouncedOver, type RunState } from "./run-state.ts";
import { andThen, refused, type Transition, unchanged, withEffects } from "./step.ts";

export function obey(state: RunState, command: RunCommand, atMs: number): Transition {
  const wrongState = (): Transition =>
    refused(state, refuse("wrong-state", `${command.kind}: not possible while the run is ${state.kind}`));
  switch (command.kind) {
    case "start":
      return state.kind === "lobby" && state.intent === "idle"
        ? proceed({ ...state, intent: "run" })
        : wrongState();
    case "pause":
      if (isAnnouncedOver(state) || state.intent !== "run") return wrongState();
      // A start that waits for devices is taken back, and parts go on being dealt.
      if (state.kind === "lobby" && state.triedCount === 0) return unchanged({ ...state, intent: "idle" });
      return state.kind === "lobby" || state.kind === "evaluating"
        ? proceed({ ...state, intent: "pause" })
        : unchanged({ ...state, intent: "pause" });
    case "resume":
      if (isAnnouncedOver(state) || state.intent !== "pause") return wrongState();
      return state.kind === "paused" || state.kind === "evaluating"
        ? proceed({ ...state, intent: "run", desertedCount: 0 })
        : unchanged({ ...state, intent: "run", desertedCount: 0 });
    case "stop":
      return stop(state, atMs) ?? wrongState();
    case "lock":
      return unchanged({ ...state, locked: command.locked });
    case "change": {
      // A restart would take it for a run that is not over.
      if (isAnnouncedOver(state)) return wrongState();
      const config = resolveRunConfig(command.change, state.config);
      const problem = ruleProblem(config, adapterSize(state.adapter));
      return problem === null
        ? unchanged({ ...state, config })
        : refused(state, refuse("bad-message", problem));
    }
    case "rollback": {
      if (state.kind !== "paused" && state.kind !== "lobby") return wrongState();
      if (state.config.compareWith !== null)
        return refused(
          state,
          refuse("wrong-state", "rollback: not possible in a run that compares two arms"),
        );
      const { round } = command;
      const record = state.records[round - 1];
      if (record === undefined || round > state.basedOnRound)
        return refused(state, refuse("wrong-state", `rollback: round ${round} is not in the model`));
      return {
        state: { ...state, basedOnRound: record.basedOnRound },
        effects: [{ kind: "restore", beforeRound: round }],
      };
    }
    case "kick":
      return andThen(present(state, command.participantId, { presence: "kicked" }), (next) =>
        withEffects(forfeit(next, command.participantId, atMs), [
          { kind: "dismiss", participantId: command.participantId },
        ]),
      );
    case "readmit": {
      const participant = state.participants.get(command.participantId);
      return participant?.presence === "kicked"
        ? unchanged(setParticipant(state, { ...participant, presence: "away" }))
        : refused(
            state,
            refuse(
              "unknown-participant",
              `readmit: expected one that was removed, got ${command.participantId}`,
            ),
          );
    }
    default:
      return command satisfies never;
  }
}

/** Null in a run that has ended. */
function stop(state: RunState, atMs: number): Transition | null {
  const stopping: RunState = { ...state, intent: "stop" };
  switch (stopping.kind) {
    case "ended":
      return null;
    case "training":
      return closeRound(stopping, atMs);
    case "closing":
      return unchanged(stopping);
    case "evaluating":
      // The last round's loss is worth a wait, but not whatever wait. What has been told stays the reason.
      if (stopping.isAnnounced) return end(state, true);
      return state.intent === "stop" ? end(stopping) : proceed(stopping);
    case "lobby":
    case "planning":
    case "paused":
      return proceed(stopping);
    default:
      return stopping satisfies never;
  }
}
