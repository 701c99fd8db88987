/** What the participant page knows of its device and the run. */

import type { AbandonCause, EnergyEstimate, TextSource, Unfit } from "@fedlodrop/device/page";
import type { BackendChoice, TrainingStep } from "@fedlodrop/lm";
import {
  type Fault,
  type GivenSoFar,
  type LessonSlide,
  NOTHING_GIVEN,
  payloadBytes,
  type RefusalReason,
  type Refused,
  type RoundClosed,
  type RoundStart,
  type RunDescription,
  type RunEnded,
} from "@fedlodrop/protocol";
import { adapterSize, type DropoutMask, type Promises } from "@fedlodrop/run";
import type { TextFault } from "@fedlodrop/tasks";
import type { LossPoint } from "./curves.ts";
import type { Trial } from "./trial.ts";

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

/** Of the model of the run's own arm. */
interface HeldOutLoss {
  /** Which of its arm's rounds it is after. */
  readonly turn: number;
  readonly loss: number;
}

/** Something to tell the participant beside the screen. */
export type Notice = {
  /** It has stood for as long as it takes to read. */
  readonly isRead?: true;
} & (
  | { readonly kind: "new-run" | "dealt" }
  | { readonly kind: "renamed"; readonly nickname: string }
  | { readonly kind: "refused"; readonly refused: Refused }
);

/** Why this tab takes part no more, or not at all. */
export type Stop = {
  /** The coordinator's; null where it has said nothing. */
  readonly reason: RefusalReason | null;
  /** In the words of whoever stopped it. */
  readonly message: string;
} & (
  | { readonly kind: "unfit"; readonly unfit: Unfit }
  /** `dismissed` by the host or by another tab, `refused` when it asked to join, `left` at the user's wish, `killed` by the presenter, for a while. */
  | { readonly kind: "left" | "killed" | "dismissed" | "refused" | "failed" }
);

export interface ParticipantState {
  readonly phase: Phase;
  readonly online: boolean;
  readonly choice: BackendChoice | null;
  /** Of memory that the model needs, where the browser does not say whether there is as much. */
  readonly unsureBytes: number | null;
  /** Of the run's model, and of that what is not on this device; null until it is known. */
  readonly modelSize: { readonly totalBytes: number; readonly missingBytes: number } | null;
  /** Of the run that one may join; null until they are known. */
  readonly promises: Promises | null;
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
  /** Other devices that have the same texts. */
  readonly sharedWith: number;
  readonly stepSeconds: number | null;
  /** Of local steps over all rounds so far; of many steps only some. */
  readonly losses: readonly LossPoint[];
  /** In the rounds that are over, as the coordinator counts. */
  readonly given: GivenSoFar;
  /** ε that this device had given away of any one of its texts when it joined. */
  readonly textsEpsilonBefore: number;
  /** The rounds this device took part in, the current one last. */
  readonly rounds: readonly RoundProgress[];
  /** Of the whole model, by round; 0 is the base model. Of many rounds only some are left, and all that are listed. They come while later rounds are under way. */
  readonly heldOutLosses: ReadonlyMap<number, HeldOutLoss>;
  readonly trial: Trial | null;
  /** Why the room code is asked for; null while it is not. */
  readonly codeWanted: "needed" | "wrong" | null;
  /** The last try to join had one. */
  readonly codeTried: boolean;
  /** The host decides by hand who may join, and has been asked. */
  readonly awaitsApproval: boolean;
  /** Why this device has no texts yet; null where it has some or is still getting them. */
  readonly textsWanted: { readonly fault: TextFault | null; readonly message: string } | null;
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
  promises: null,
  ended: null,
  participantId: null,
  nickname: null,
  run: null,
  files: new Map(),
  warmingUp: false,
  source: null,
  engine: null,
  sampleCount: null,
  sharedWith: 0,
  stepSeconds: null,
  losses: [],
  given: { ...NOTHING_GIVEN, upToRound: 0 },
  textsEpsilonBefore: 0,
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

/** What the run had given away of any one device when this one last heard of it. */
export const epsilonSoFar = ({ rounds, given }: ParticipantState): number =>
  Math.max(
    given.epsilon ?? 0,
    rounds.findLast(({ closed }) => closed?.epsilon !== undefined)?.closed?.epsilon ?? 0,
  );

/** What this device has given away of any one of its texts. */
export const textsEpsilonSoFar = ({ rounds, textsEpsilonBefore }: ParticipantState): number =>
  rounds.findLast(({ textsEpsilon }) => textsEpsilon !== null)?.textsEpsilon ?? textsEpsilonBefore;

/** It has work of a round, or waits for the others with it. */
export const inRound = (state: ParticipantState): boolean =>
  ["downloading", "training", "uploading", "waiting"].includes(state.phase);
