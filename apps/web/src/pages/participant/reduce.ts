/** What the page knows after its device worker has said something: pure. */
import type { FromWorker } from "@fedlodrop/device/page";
import { stillTold } from "./notice.ts";
import { reduceRound } from "./reduce-round.ts";
import { INITIAL_STATE, inRound, type Notice, type ParticipantState, type Stop } from "./state.ts";
import { goOnTrying } from "./trial.ts";

export function reduce(state: ParticipantState, message: FromWorker): ParticipantState {
  switch (message.kind) {
    case "checked":
      return { ...state, phase: "welcome", choice: message.choice };
    case "model-size": {
      const { totalBytes, missingBytes } = message;
      return { ...state, modelSize: { totalBytes, missingBytes } };
    }
    case "promises":
      return { ...state, promises: message.promises };
    case "connection":
      // Before it has joined, a device is connected only while it tries to.
      if (!message.online && state.participantId === null)
        return state.phase === "joining" ? { ...state, online: false } : state;
      // The coordinator tells a fresh connection anew if the run has ended.
      return { ...state, online: message.online, ended: message.online ? null : state.ended };
    case "joined": {
      const { participantId, nickname, run, given = INITIAL_STATE.given, evaluated } = message;
      const textsEpsilonBefore = message.textsEpsilon ?? 0;
      const sameRun = state.run?.runId === run.runId && state.participantId === participantId;
      // A return to the same run keeps what the page already shows.
      const entered: ParticipantState = sameRun
        ? {
            ...{
              ...state,
              run,
              given,
              textsEpsilonBefore,
              chaos: state.chaos === "cut" ? null : state.chaos,
            },
            ...{ notice: stillTold(state.notice), awaitsApproval: false, hostClosed: false },
          }
        : {
            ...{ ...forgetRun(state), participantId, nickname, run, given, textsEpsilonBefore },
            ...{ phase: "loading", notice: null },
          };
      return evaluated === undefined ? entered : reduceRound(entered, { kind: "round-evaluated", evaluated });
    }
    case "run-changed": {
      const { run } = message;
      if (state.run?.runId === run.runId) return { ...state, run };
      return {
        ...forgetRun(state),
        run,
        ended: null,
        phase: "loading",
        notice: { kind: "new-run" },
      };
    }
    case "dealt":
      return {
        ...state,
        phase: "loading",
        files: new Map(),
        warmingUp: false,
        sharedWith: 0,
        notice: dealtNotice(state.notice),
      };
    case "sharing":
      return { ...state, sharedWith: message.sharedWith };
    case "loading": {
      const { file, receivedBytes, totalBytes } = message;
      return {
        ...state,
        phase: "loading",
        textsWanted: null,
        files: new Map(state.files).set(file, { receivedBytes, totalBytes }),
      };
    }
    case "texts-wanted":
      return { ...state, textsWanted: { fault: message.fault, message: message.message } };
    case "warming-up":
      return {
        ...state,
        phase: "loading",
        textsWanted: null,
        warmingUp: true,
        choice: message.choice,
        unsureBytes: message.unsureBytes,
      };
    case "ready": {
      const { engine, source, sampleCount, stepSeconds } = message;
      // After a lost connection `ready` is said again, also in the middle of a round.
      const phase = inRound(state) ? state.phase : "ready";
      const notice = stillTold(state.notice);
      return { ...state, phase, warmingUp: false, notice, engine, source, sampleCount, stepSeconds };
    }
    case "round-started":
    case "downloaded":
    case "step":
    case "trained":
    case "uploading":
    case "uploaded":
    case "round-abandoned":
    case "round-closed":
    case "round-evaluated":
      return reduceRound(state, message);
    case "lesson": {
      const { slide } = message;
      const isSame = slide !== null && slide.id === state.lesson?.id;
      return { ...state, lesson: slide, guess: isSame ? state.guess : null };
    }
    case "chaos":
      return message.fault === "kill"
        ? stopped(state, "kicked", { kind: "killed", reason: null, message: "" })
        : { ...state, chaos: message.fault };
    case "host-closed":
      return { ...state, hostClosed: true };
    case "run-ended":
      // A run that was too short to read of it is no news any more.
      return {
        ...state,
        ended: message.ended,
        notice: state.notice?.kind === "renamed" ? state.notice : null,
      };
    case "join-refused": {
      const { reason, message: why } = message.refused;
      // Removed while it was away: the same as being removed.
      if (reason === "kicked" && state.participantId !== null)
        return stopped(state, "kicked", { kind: "dismissed", reason, message: why });
      if (reason === "wrong-code")
        return {
          ...state,
          phase: "welcome",
          online: true,
          notice: null,
          awaitsApproval: false,
          codeWanted: state.codeTried ? "wrong" : "needed",
        };
      if (reason === "awaiting-approval") return { ...state, notice: null, awaitsApproval: true };
      return stopped(state, "error", { kind: "refused", reason, message: why });
    }
    case "refused":
      return { ...state, notice: { kind: "refused", refused: message.refused } };
    case "left":
      return stopped(state, "kicked", { kind: "left", reason: null, message: "" });
    case "dismissed": {
      const { reason, message: why } = message.refused;
      return stopped(state, "kicked", { kind: "dismissed", reason, message: why });
    }
    case "trying":
    case "untrained":
    case "tried-text":
    case "tried-labels":
    case "tried-value":
    case "tried-own-text":
    case "try-failed":
      return { ...state, trial: state.trial && goOnTrying(state.trial, message) };
    case "failed": {
      const { message: why, unfit } = message.error;
      return stopped(state, "error", {
        ...(unfit ? { kind: "unfit", unfit } : { kind: "failed" }),
        ...{ reason: null, message: why },
      });
    }
    default:
      return message satisfies never;
  }
}

/** In a new run all are dealt texts: that is no news beside the run. */
const dealtNotice = (notice: Notice | null): Notice =>
  notice?.kind === "new-run" && !notice.isRead ? notice : { kind: "dealt" };

const stopped = (state: ParticipantState, phase: "kicked" | "error", stop: Stop): ParticipantState => ({
  ...state,
  phase,
  online: phase === "error" && state.online,
  notice: null,
  awaitsApproval: false,
  stop,
});

function forgetRun(state: ParticipantState): ParticipantState {
  const { choice, modelSize, nickname, participantId, online, ended, lesson, guess } = state;
  return { ...INITIAL_STATE, choice, modelSize, nickname, participantId, online, ended, lesson, guess };
}
