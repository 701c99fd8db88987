/**
 * A run as data: who takes part, which round is open and what each member of its cohort has done. A field exists
 * only in the state that has it. Sockets, timers, bytes and storage are elsewhere (`effects` of `transition`). What an
 * event has to know of many is counted here, so that an event costs the same however many devices take part.
 *
 *   lobby ──start──▶ planning ──planned──▶ training ──quorum │ deadline──▶ closing ──closed──▶ planning …
 *     ▲                 ▲                                                     │
 *     └─ too few ready ─┼─────────────────────────────────────────────────────┼──▶ paused
 *                       └───────────────── evaluating ◀───────────────────────┴──▶ ended
 *
 * Rounds are evaluated beside the rounds that follow. A run waits for evaluations (`evaluating`) only where a plan may
 * look at one that is not there yet (`EVALUATION_LAG`), and before it ends: then without its devices, which are told
 * that it is over as soon as no round is to come.
 */
import type { UpdateStatistics } from "@fedlodrop/protocol";
import {
  type AdapterShape,
  type AllocationRecord,
  type Method,
  type RoundRecord,
  type RunConfig,
  roundsInAll,
  wasTried,
} from "@fedlodrop/run";
import { hasPlace, isPresent, isReady, type Participant, type ReadyParticipant } from "./participant.ts";
import { dealtInTurn, type Holders, holdersOf } from "./parts.ts";
import { type PersistentMap, persistentMap } from "./persistent-map.ts";

/**
 * The plan of round t looks at evaluations up to round t − 2, those that have had a whole round's time. A rule instead of
 * "what is there": a run repeats from its seed on a machine of any speed.
 */
export const EVALUATION_LAG = 2;

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
  /** Tried again after a rest: the round waits for it only as long again as for the others. */
  readonly probe: boolean;
  /** From its start on the round waits for it as long, whoever else has answered; longer while too few have. */
  readonly patienceSeconds: number;
  /** Fewer than everybody's, where a device may not spend more; null is everybody's. */
  readonly localSteps: number | null;
}

export interface RoundPlan {
  readonly assignments: readonly Assignment[];
  /** Null when the round could not be planned. */
  readonly allocation: AllocationRecord | null;
}

export type MemberStatus =
  | { readonly kind: "working" }
  | { readonly kind: "uploading" }
  | { readonly kind: "aggregated"; readonly statistics: UpdateStatistics }
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
}

/** A member that a round still waits for, and those that are due before it. */
export interface Awaited {
  readonly participantId: string;
  readonly dueMs: number;
  readonly before: Awaited | "nobody";
}

interface OpenRound {
  readonly round: number;
  readonly method: Method;
  readonly startedAtMs: number;
  readonly deadlineSeconds: number;
  /** When the round closes at the latest: its deadline, or sooner once it waits for the last ones alone. */
  readonly endsAtMs: number;
  /** Enough aggregated updates to wait for the others no longer than they are due; probes are not counted in the cohort
   *  that it is a share of. */
  readonly quorumCount: number;
  readonly members: PersistentMap<string, Member>;
  /** Members whose updates are in. */
  readonly aggregatedCount: number;
  /** Members whose answer is still to come, and those of them that are probes. */
  readonly outstandingCount: number;
  readonly probingCount: number;
  /** Who had not answered when enough had, the last one due first; null until then. */
  readonly awaited: Awaited | "nobody" | null;
  readonly allocation: AllocationRecord | null;
  /** Of the noise that this round's sum gets, in units of the clipping norm; null adds none. */
  readonly noiseMultiplier: number | null;
}

/** What every state has. The round being planned, run or closed is always `records.length + 1`. */
export interface Run {
  readonly config: RunConfig;
  readonly adapter: AdapterShape;
  /** Samples of the largest split, which no device's count exceeds; null when participants bring their own texts. */
  readonly largestSplit: number | null;
  readonly participants: PersistentMap<string, Participant>;
  /** Participants that are loading or ready. */
  readonly presentCount: number;
  /** Those who are ready, or load other texts that they were dealt when they were. */
  readonly placedCount: number;
  readonly readyCount: number;
  /** It began under a program that did not deal: parts follow from participants' numbers, now as then. */
  readonly dealsByNumber: boolean;
  /** Of the parts that the training texts are dealt into. */
  readonly holders: Holders;
  readonly locked: boolean;
  /** What the host wants; rounds are never broken off for it, except that `stop` closes the open one now. */
  readonly intent: "idle" | "run" | "pause" | "stop";
  /** Rounds that have closed, the first first. */
  readonly records: readonly RoundRecord[];
  /** The last closed round that is in the adapter: the host may have gone back behind later ones. */
  readonly basedOnRound: number;
  /** Those that count: a round that its whole cohort walked out of is not one of those that were asked for. */
  readonly triedCount: number;
  /** Rounds in a row that everybody walked out of, since the host last had the run go on. */
  readonly desertedCount: number;
  /** Up to this round it is known how the adapter did, or that nobody will know; −1 while the base model waits. */
  readonly evaluatedRounds: number;
  /** Held-out loss before the first round, once it is known. */
  readonly baseTestLoss: number | null;
}

export type LobbyState = Run & { readonly kind: "lobby" };
export type PlanningState = Run & {
  readonly kind: "planning";
  readonly round: number;
  /** The configuration that the round is planned for; later changes count from the next one. */
  readonly terms: RunConfig;
  /** Who it is planned for, as they were when the plan was asked for. */
  readonly candidates: readonly ReadyParticipant[];
};
export type TrainingState = Run & OpenRound & { readonly kind: "training" };
/** The round takes no more updates; the new adapter is made of those that are in. */
export type ClosingState = Run & OpenRound & { readonly kind: "closing"; readonly closedAtMs: number };
/** No round is open, and what comes next needs evaluations that are not there yet. */
export type EvaluatingState = Run & {
  readonly kind: "evaluating";
  /** Devices know that the run is over: nothing brings another round any more. */
  readonly isAnnounced: boolean;
};
type PausedState = Run & { readonly kind: "paused" };
type EndedState = Run & { readonly kind: "ended"; readonly reason: "finished" | "stopped" };

export type RunState =
  | LobbyState
  | PlanningState
  | TrainingState
  | ClosingState
  | EvaluatingState
  | PausedState
  | EndedState;

/** What is known of a run that goes on where it was stored. */
export interface KnownRun extends Pick<Run, "largestSplit" | "locked" | "records" | "baseTestLoss"> {
  /** In order of joining; they are dealt parts anew. */
  readonly participants: readonly Omit<Participant, "known" | "part" | "given">[];
}

/**
 * A run before anyone has joined; or one that goes on. Of the rounds known only the last may still be evaluated: the
 * adapters of those before are gone.
 */
export function createRun(
  config: RunConfig,
  adapter: AdapterShape,
  {
    largestSplit = null,
    locked = false,
    records = [],
    baseTestLoss = null,
    participants = [],
  }: Partial<KnownRun> = {},
): LobbyState {
  const members = new Set(records.flatMap((record) => record.participants.map(({ id }) => id)));
  const known = dealtInTurn(
    participants.map((participant) => ({ ...participant, known: members.has(participant.id) })),
    config.devices,
  );
  const last = records.at(-1);
  const isEvaluated = last ? last.evaluation !== null : baseTestLoss !== null;
  return {
    kind: "lobby",
    config,
    adapter,
    largestSplit,
    participants: persistentMap(known.map((participant) => [participant.id, participant])),
    presentCount: known.filter(isPresent).length,
    placedCount: known.filter(hasPlace).length,
    readyCount: known.filter(isReady).length,
    dealsByNumber: false,
    holders: holdersOf(known, config.devices),
    locked,
    intent: "idle",
    records,
    basedOnRound: records.length,
    triedCount: records.filter(wasTried).length,
    desertedCount: 0,
    evaluatedRounds: records.length - (isEvaluated ? 0 : 1),
    baseTestLoss,
  };
}

/** The one to come, or under way, with it; where two arms take turns, those of both. At least 1. */
export const roundsLeft = ({ config, triedCount }: Pick<Run, "config" | "triedCount">): number =>
  Math.max(1, roundsInAll(config) - triedCount);

/** Devices know that the run is over. */
export const isAnnouncedOver = (state: RunState): boolean =>
  state.kind === "ended" || (state.kind === "evaluating" && state.isAnnounced);

/** Why the machine has paused the run by itself. */
export interface PauseReason {
  /** Everybody left the last rounds, or no sum of them could be made. */
  readonly kind: "deserted" | "no-sum";
  readonly first: number;
  readonly last: number;
  /** Both in a sentence. */
  readonly sentence: string;
}

/** Null when the machine has not. */
export function pauseReason({ desertedCount, records }: Run): PauseReason | null {
  if (desertedCount < DESERTED_ROUNDS_MOST) return null;
  const [first, last] = [records.length - desertedCount + 1, records.length];
  const which = `rounds ${first} to ${last}`;
  const problem = records.at(-1)?.secureAggregation?.problem;
  return typeof problem === "string"
    ? { kind: "no-sum", first, last, sentence: `${which} came to nothing: ${problem}` }
    : {
        ...{ kind: "deserted", first, last },
        sentence: `everybody left ${which}: devices cannot do what they are asked, and their pages say why`,
      };
}

/** Rounds in a row that come to nothing; then another one would only be the next of them. */
export const DESERTED_ROUNDS_MOST = 3;
