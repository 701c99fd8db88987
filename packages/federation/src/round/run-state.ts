/**
 * A run as data: who takes part, which round is open and what each member of its cohort has done. A field exists
 * only in the state that has it. Sockets, timers, bytes and storage are elsewhere (`effects` of `transition`).
 *
 *   lobby ──start──▶ planning ──planned──▶ training ──quorum │ deadline──▶ evaluating ──▶ planning …
 *     ▲                                                                       │
 *     └────────────── too few ready participants ──────────────────────────────┼──▶ paused │ ended
 */
import type { DeviceFacts, UpdateStatistics } from "@fedlodrop/protocol";
import type { AdapterShape, AllocationRecord, Method, RoundRecord, RunConfig } from "@fedlodrop/run";

export interface Participant {
  readonly id: string;
  readonly nickname: string;
  /** `loading` until the tab has said that it is ready; `away` without a connection. */
  readonly presence: "loading" | "ready" | "away" | "kicked";
  /** What the tab told when it last became ready. */
  readonly device: DeviceFacts | null;
}

/** A participant that can be in a cohort. */
export type ReadyParticipant = Participant & { readonly device: DeviceFacts };

/** What a participant is told to do in a round. Rates of null are the link's own. */
export interface Assignment {
  readonly participantId: string;
  /** γ */
  readonly dropoutRate: number;
  readonly uploadBytesPerSecond: number | null;
  readonly downloadBytesPerSecond: number | null;
  /** Of an emulated cell's radio while it uploads; null is the device's own. */
  readonly uploadWatts: number | null;
  readonly rateSource: "measured" | "emulated";
}

export interface RoundPlan {
  readonly assignments: readonly Assignment[];
  /** Null when the round could not be planned. */
  readonly allocation: AllocationRecord | null;
}

export type MemberStatus =
  | { readonly kind: "working" }
  | { readonly kind: "uploading"; readonly sinceMs: number }
  | { readonly kind: "aggregated"; readonly statistics: UpdateStatistics; readonly secondsUpload: number }
  /** Its last upload was refused; it may try again while the round is open. */
  | { readonly kind: "refused" }
  | { readonly kind: "left" }
  /** It was uploading when the round closed, or tried to soon after. */
  | { readonly kind: "late" };

/** A participant of the round's cohort, as it was when the round began. */
export interface Member {
  readonly kind: "member";
  readonly participant: ReadyParticipant;
  readonly assignment: Assignment;
  readonly status: MemberStatus;
  /** Payload bytes that really travelled, repeats and broken uploads included. */
  readonly bytesDown: number;
  readonly bytesUp: number;
}

interface OpenRound {
  readonly round: number;
  readonly method: Method;
  readonly startedAtMs: number;
  readonly deadlineSeconds: number;
  /** The round closes with this many aggregated updates. */
  readonly quorumCount: number;
  readonly members: ReadonlyMap<string, Member>;
  readonly allocation: AllocationRecord | null;
}

/** What every state has. The round being planned, run or evaluated is always `records.length + 1`. */
export interface Run {
  readonly config: RunConfig;
  readonly adapter: AdapterShape;
  /** Samples of the largest split, which no device's count exceeds; null when participants bring their own texts. */
  readonly largestSplit: number | null;
  readonly participants: ReadonlyMap<string, Participant>;
  readonly locked: boolean;
  /** What the host wants; rounds are never broken off for it, except that `stop` closes the open one now. */
  readonly intent: "idle" | "run" | "pause" | "stop";
  /** Rounds that have closed, the first first. */
  readonly records: readonly RoundRecord[];
  /** Held-out loss before the first round, once it is known. */
  readonly baseTestLoss: number | null;
}

export type LobbyState = Run & { readonly kind: "lobby" };
export type PlanningState = Run & {
  readonly kind: "planning";
  readonly round: number;
  /** The configuration that the round is planned for; later changes count from the next one. */
  readonly terms: RunConfig;
};
export type TrainingState = Run & OpenRound & { readonly kind: "training" };
export type EvaluatingState = Run & OpenRound & { readonly kind: "evaluating"; readonly closedAtMs: number };
type PausedState = Run & { readonly kind: "paused" };
type EndedState = Run & { readonly kind: "ended"; readonly reason: "finished" | "stopped" };

export type RunState =
  | LobbyState
  | PlanningState
  | TrainingState
  | EvaluatingState
  | PausedState
  | EndedState;

/** A run before anyone has joined; with `records`, one that continues where it was stored. */
export function createRun(
  config: RunConfig,
  adapter: AdapterShape,
  known: Partial<Pick<Run, "largestSplit" | "records" | "baseTestLoss">> = {},
): LobbyState {
  return {
    kind: "lobby",
    config,
    adapter,
    largestSplit: null,
    participants: new Map(),
    locked: false,
    intent: "idle",
    records: [],
    baseTestLoss: null,
    ...known,
  };
}

export const isReady = (participant: Participant): participant is ReadyParticipant =>
  participant.presence === "ready" && participant.device !== null;
