/** What of a run has to be kept while no round is open, its final records aside, and how it goes on from there. */
import type { RoundRecord } from "@fedlodrop/run";
import { hasPlace, isPresent, isReady, type Participant } from "./participant.ts";
import { holdersOf } from "./parts.ts";
import { persistentMap } from "./persistent-map.ts";
import { beginPlanning, proceed } from "./rounds.ts";
import type { PlanningState, Run, RunState } from "./run-state.ts";
import type { Transition } from "./step.ts";

export interface RunSnapshot
  extends Pick<
    Run,
    | "config"
    | "dealsByNumber"
    | "locked"
    | "intent"
    | "triedCount"
    | "desertedCount"
    | "evaluatedRounds"
    | "basedOnRound"
    | "baseTestLoss"
  > {
  /** While a round is being planned: what for, and for whom. That goes on, whoever has gone or comes back since. */
  readonly planning: Pick<PlanningState, "terms" | "candidates"> | null;
  /** In order of joining; who has been away since comes behind, in the order of leaving. */
  readonly participants: readonly Participant[];
  readonly roundsDone: number;
  /** Rounds that may still get their evaluation, the first first. */
  readonly openRecords: readonly RoundRecord[];
}

/** Rounds whose record nothing will change any more. */
export const finalRounds = (state: RunState): number =>
  state.kind === "ended" ? state.records.length : Math.max(0, state.evaluatedRounds);

export const snapshotOf = (state: RunState): RunSnapshot => ({
  config: state.config,
  dealsByNumber: state.dealsByNumber,
  locked: state.locked,
  intent: state.intent,
  triedCount: state.triedCount,
  desertedCount: state.desertedCount,
  evaluatedRounds: state.evaluatedRounds,
  basedOnRound: state.basedOnRound,
  baseTestLoss: state.baseTestLoss,
  planning: state.kind === "planning" ? { terms: state.terms, candidates: state.candidates } : null,
  participants: [...state.participants.values()],
  roundsDone: state.records.length,
  openRecords: state.records.slice(finalRounds(state)),
});

/** The state of the snapshot, and what is to be done in it. */
export function restoreRun(
  { participants, roundsDone: _, openRecords, planning, ...kept }: RunSnapshot,
  known: Pick<Run, "adapter" | "largestSplit"> & { readonly finalRecords: readonly RoundRecord[] },
): Transition {
  const { adapter, largestSplit, finalRecords } = known;
  const run: Run = {
    ...kept,
    adapter,
    largestSplit,
    participants: persistentMap(participants.map((participant) => [participant.id, participant])),
    presentCount: participants.filter(isPresent).length,
    placedCount: participants.filter(hasPlace).length,
    readyCount: participants.filter(isReady).length,
    holders: holdersOf(participants, kept.config.devices),
    records: [...finalRecords, ...openRecords],
  };
  return planning === null ? proceed(run) : beginPlanning(run, planning);
}

/** Rounds that a run has whole in memory; of earlier ones that are kept elsewhere only the figures of the whole round. */
export const ROUNDS_IN_MEMORY = 200;

/** What stays of a record in memory: nothing that the machine looks at so far back. */
export const thinRecord = (record: RoundRecord): RoundRecord => ({
  ...record,
  participants: [],
  allocation: null,
});

/** The state without the participants of the first `count` rounds. */
export const thinRecords = (state: RunState, count: number): RunState => ({
  ...state,
  records: state.records.map((record, i) =>
    i < count && record.participants.length > 0 ? thinRecord(record) : record,
  ),
});
