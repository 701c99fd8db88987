export { estimateConstants } from "./plan/bound-constants.ts";
export { measureDevice } from "./plan/device-measurements.ts";
export {
  isDirect,
  type PlanOptions,
  planBySolving,
  planDirectly,
  planRound,
} from "./plan/plan.ts";
export type { PlanRequest } from "./plan/plan-request.ts";
export { asksPSca, orQuick } from "./plan/stand-in.ts";
export { amendRecord, buildReport, givenSoFar, outcomeOf, secondsSpent } from "./round/history.ts";
export {
  heldPart,
  isPresent,
  isReady,
  type Participant,
  type ReadyParticipant,
  shownPresence,
} from "./round/participant.ts";
export { partByNumber } from "./round/parts.ts";
export { LOADING_ROOM } from "./round/presence.ts";
export { expectedBytes, memberAtWork, type Refusal } from "./round/refusal.ts";
export { transition } from "./round/round.ts";
export { endOf, isOver, leastReady, recordsInSight } from "./round/rounds.ts";
export type { Effect, MemberTraffic, MemberUpdate, RunCommand, RunEvent } from "./round/run-event.ts";
export {
  type Assignment,
  createRun,
  isAnnouncedOver,
  type KnownRun,
  type Member,
  type MemberStatus,
  pauseReason,
  type RoundPlan,
  type Run,
  type RunState,
  roundsLeft,
} from "./round/run-state.ts";
export {
  finalRounds,
  ROUNDS_IN_MEMORY,
  type RunSnapshot,
  restoreRun,
  snapshotOf,
  thinRecord,
  thinRecords,
} from "./round/snapshot.ts";
export type { Transition } from "./round/step.ts";
export { weightOf } from "./round/updates.ts";
export {
  type Admission,
  beginFold,
  type Fold,
  type FoldedRound,
  type FoldPart,
  foldsInParts,
  outOfRange,
  type RoundTerms,
} from "./update/fold.ts";
export { ruleProblem, UPDATE_RULES } from "./update/rules.ts";
export { createStandings, type Standing, type Standings } from "./update/standing.ts";
export { boundsOf, type SeenUpdate, type UpdateBounds } from "./update/update-bounds.ts";
export type { Combined, Update } from "./update/update-rule.ts";
