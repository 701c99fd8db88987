/** What the participant page knows: a pure function of what its device worker has said. */

import type { AbandonCause, EnergyEstimate, FromWorker, TextSource } from "@fedlodrop/device/page";
import type { BackendChoice, TrainingStep } from "@fedlodrop/lm";
import {
  type Fault,
  type LessonSlide,
  payloadBytes,
  type RefusalReason,
  type Refused,
  type RoundClosed,
  type RoundStart,
  type RunDescription,
  type RunEnded,
} from "@fedlodrop/protocol";
import { adapterSize, type DropoutMask } from "@fedlodrop/run";
import { type LossPoint, ROUNDS_SHOWN, thinned, withFewer } from "./curves.ts";
import { goOnTrying, type Trial } from "./trial.ts";

/** From `loading` to `waiting` named as in the coordinator's `ParticipantView`. */
export type Phase =
  | "checking"
  | "welcome"
  | "joining"
  | "loading"
  | "ready"
  | "downloading"
  | "training"
  | "uploading"
  | "waiting"
  | "kicked"
  | "error";

export interface RoundProgress {
  readonly start: RoundStart;
  /** Null once the round is over: it is the largest thing a page would keep. */
  readonly mask: DropoutMask | null;
  readonly keptValues: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly secondsDownload: number | null;
  readonly secondsCompute: number | null;
  readonly secondsUpload: number | null;
  /** Given away of any one of this device's texts so far; null where nothing is promised, and before it has trained. */
  readonly textsEpsilon: number | null;
  readonly step: TrainingStep | null;
  readonly energy: EnergyEstimate | null;
  /** Why this device stopped before its update was in; `because` is null where something failed. */
  readonly abandoned: { readonly because: AbandonCause | null; readonly why: string } | null;
  readonly closed: RoundClosed | null;
}

/** Something to tell the participant beside the screen. */
export type Notice =
  | { readonly kind: "new-run" }
  | { readonly kind: "renamed"; readonly nickname: string }
  | { readonly kind: "refused"; readonly refused: Refused };

/** Why this tab takes part no more, or not at all. */
export interface Stop {
  /** `unfit`: the model asks more than this device has; `dismissed` by the host or by another tab, `refused` when it asked to join, `left` at the user's wish, `killed` by the presenter, for a while. */
  readonly kind: "left" | "killed" | "dismissed" | "refused" | "failed" | "unfit";
  /** The coordinator's; null where it has said nothing. */
  readonly reason: RefusalReason | null;
  /** In the words of whoever stopped it. */
  readonly message: string;
}

export interface ParticipantState {
  readonly phase: Phase;
  readonly online: boolean;
  readonly choice: BackendChoice | null;
  /** Of memory that the model needs, where the browser does not say whether there is as much. */
  readonly unsureBytes: number | null;
  /** Of the run's model, and of that what is not on this device; null until it is known. */
  readonly modelSize: { readonly totalBytes: number; readonly missingBytes: number } | null;
  /** How the run ended; null while it goes on. */
  readonly ended: RunEnded | null;
  readonly participantId: string | null;
  readonly nickname: string | null;
  readonly run: RunDescription | null;
  readonly files: ReadonlyMap<string, { readonly receivedBytes: number; readonly totalBytes: number | null }>;
  readonly warmingUp: boolean;
  /** What trains here, in its own words. */
  readonly engine: string | null;
  readonly source: TextSource | null;
  readonly sampleCount: number | null;
  readonly stepSeconds: number | null;
  /** Of local steps over all rounds so far; of many steps only some. */
  readonly losses: readonly LossPoint[];
  /** The rounds this device took part in, the current one last. */
  readonly rounds: readonly RoundProgress[];
  /** Of the whole model, by round; 0 is the base model. Of many rounds only some are left, and all that are listed. They come while later rounds are under way. */
  readonly heldOutLosses: ReadonlyMap<number, number>;
  readonly trial: Trial | null;
  /** Why the room code is asked for; null while it is not. */
  readonly codeWanted: "needed" | "wrong" | null;
  /** The last try to join had one. */
  readonly codeTried: boolean;
  /** The host decides by hand who may join, and has been asked. */
  readonly awaitsApproval: boolean;
  /** Why this device has no texts yet; null where it has some or is still getting them. */
  readonly textsWanted: string | null;
  /** What the presenter does to this device. */
  readonly chaos: Fault | null;
  /** The host has closed the run, which may come back. */
  readonly hostClosed: boolean;
  readonly notice: Notice | null;
  /** What the host's lesson shows; null while there is none. */
  readonly lesson: LessonSlide | null;
  /** What was chosen of its options. */
  readonly guess: number | null;
  readonly stop: Stop | null;
}

export const INITIAL_STATE: ParticipantState = {
  phase: "checking",
  online: true,
  choice: null,
  unsureBytes: null,
  modelSize: null,
  ended: null,
  participantId: null,
  nickname: null,
  run: null,
  files: new Map(),
  warmingUp: false,
  source: null,
  engine: null,
  sampleCount: null,
  stepSeconds: null,
  losses: [],
  rounds: [],
  heldOutLosses: new Map(),
  trial: null,
  codeWanted: null,
  codeTried: false,
  awaitsApproval: false,
  textsWanted: null,
  chaos: null,
  hostClosed: false,
  notice: null,
  lesson: null,
  guess: null,
  stop: null,
};

export const currentRound = (state: ParticipantState): RoundProgress | undefined => state.rounds.at(-1);

/** What the same transfer would have taken without dropout, bytes. */
export function fullPayloadBytes({ adapter, config }: RunDescription): number {
  return payloadBytes(adapterSize(adapter), config.valueType);
}

export function reduce(state: ParticipantState, message: FromWorker): ParticipantState {
  switch (message.kind) {
    case "checked":
      return { ...state, phase: "welcome", choice: message.choice };
    case "model-size": {
      const { totalBytes, missingBytes } = message;
      return { ...state, modelSize: { totalBytes, missingBytes } };
    }
    case "connection":
      if (!message.online && state.participantId === null) return { ...state, online: false };
      // The coordinator tells a fresh connection anew if the run has ended.
      return { ...state, online: message.online, ended: message.online ? null : state.ended };
    case "joined": {
      const { participantId, nickname, run } = message;
      const sameRun = state.run?.runId === run.runId && state.participantId === participantId;
      // A return to the same run keeps what the page already shows.
      if (sameRun) {
        const chaos = state.chaos === "cut" ? null : state.chaos;
        return { ...state, run, chaos, notice: null, awaitsApproval: false, hostClosed: false };
      }
      return { ...forgetRun(state), participantId, nickname, run, phase: "loading", notice: null };
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
      return { ...state, textsWanted: message.message };
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
      return { ...state, phase, warmingUp: false, notice: null, engine, source, sampleCount, stepSeconds };
    }
    case "round-started": {
      const { start, mask, keptValues } = message;
      const round: RoundProgress = {
        start,
        mask,
        keptValues,
        bytesDown: 0,
        bytesUp: 0,
        secondsDownload: null,
        secondsCompute: null,
        secondsUpload: null,
        textsEpsilon: null,
        step: null,
        energy: null,
        abandoned: null,
        closed: null,
      };
      // A coordinator that was restarted plays its open round again: the first attempt is void.
      const earlier = state.rounds
        .filter((one) => one.start.round !== start.round)
        .slice(1 - ROUNDS_SHOWN)
        .map((one) => (one.mask === null ? one : { ...one, mask: null }));
      const rounds = [...earlier, round];
      const losses = state.losses.filter((point) => point.round !== start.round);
      return { ...state, phase: "downloading", notice: null, rounds, losses };
    }
    case "downloaded":
      return inCurrentRound(state, message.round, "training", {
        bytesDown: message.bytes,
        secondsDownload: message.seconds,
      });
    case "step": {
      const { round, step } = message;
      const at = (state.losses.at(-1)?.at ?? 0) + 1;
      const losses = thinned([...state.losses, { round, at, loss: step.loss }]);
      return { ...inCurrentRound(state, round, "training", { step }), losses };
    }
    case "trained":
      return inCurrentRound(state, message.round, "uploading", {
        secondsCompute: message.seconds,
        textsEpsilon: message.textsEpsilon,
      });
    case "uploading":
      return inCurrentRound(state, message.round, "uploading", { bytesUp: message.sentBytes });
    case "uploaded":
      return inCurrentRound(state, message.round, "waiting", {
        secondsUpload: message.seconds,
        energy: message.energy,
      });
    case "round-abandoned":
      return inCurrentRound(state, message.round, "waiting", {
        abandoned: { because: message.because, why: message.why },
      });
    case "round-closed":
      return inCurrentRound(state, message.closed.round, "ready", { closed: message.closed });
    case "round-evaluated": {
      const { round, testLoss, baseTestLoss, isOwn } = message.evaluated;
      const heldOutLosses = new Map(state.heldOutLosses);
      if (baseTestLoss !== null) heldOutLosses.set(0, baseTestLoss);
      // The page shows what becomes of one model: the run's own.
      if (testLoss !== null && isOwn) heldOutLosses.set(round, testLoss);
      return { ...state, heldOutLosses: withFewer(heldOutLosses, round) };
    }
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
      return { ...state, ended: message.ended };
    case "join-refused": {
      const { reason, message: why } = message.refused;
      // Removed while it was away: the same as being removed.
      if (reason === "kicked" && state.participantId !== null)
        return stopped(state, "kicked", { kind: "dismissed", reason, message: why });
      if (reason === "wrong-code")
        return {
          ...state,
          phase: "welcome",
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
      const kind = message.error.name === "DeviceUnfitError" ? "unfit" : "failed";
      return stopped(state, "error", { kind, reason: null, message: message.error.message });
    }
    default:
      return message satisfies never;
  }
}

const stopped = (state: ParticipantState, phase: "kicked" | "error", stop: Stop): ParticipantState => ({
  ...state,
  phase,
  online: phase === "error" && state.online,
  notice: null,
  awaitsApproval: false,
  stop,
});

/** What the run had given away of any one device when this one last heard of it. */
export const epsilonSoFar = ({ rounds }: ParticipantState): number =>
  rounds.findLast(({ closed }) => closed?.epsilon !== undefined)?.closed?.epsilon ?? 0;

/** What this device has given away of any one of its texts. */
export const textsEpsilonSoFar = ({ rounds }: ParticipantState): number =>
  rounds.findLast(({ textsEpsilon }) => textsEpsilon !== null)?.textsEpsilon ?? 0;

/** It has work of a round, or waits for the others with it. */
export const inRound = (state: ParticipantState): boolean =>
  ["downloading", "training", "uploading", "waiting"].includes(state.phase);

function forgetRun(state: ParticipantState): ParticipantState {
  const { choice, modelSize, nickname, participantId, online, ended, lesson, guess } = state;
  return { ...INITIAL_STATE, choice, modelSize, nickname, participantId, online, ended, lesson, guess };
}

/** A round that is not the current one has nothing to show any more. */
function inCurrentRound(
  state: ParticipantState,
  round: number,
  phase: Phase,
  progress: Partial<RoundProgress>,
): ParticipantState {
  const current = currentRound(state);
  if (current?.start.round !== round) return state;
  // This device's own last word on a round may come after the round has closed or the device was removed.
  const kept = inRound(state) ? phase : state.phase;
  return { ...state, phase: kept, rounds: [...state.rounds.slice(0, -1), { ...current, ...progress }] };
}
