export {
  type Aggregation,
  createAggregation,
  MAX_ABSOLUTE_CHANGE,
  MAX_UPDATES,
  outOfRange,
} from "./aggregate.ts";
export { buildReport, outcomeOf, secondsSpent } from "./history.ts";
export {
  isDirect,
  type PlanOptions,
  planBySolving,
  planDirectly,
  planRound,
} from "./plan.ts";
export type { PlanRequest } from "./plan-request.ts";
export { expectedBytes, memberAtWork, type Refusal } from "./refusal.ts";
export { type Transition, transition } from "./round.ts";
export type { Effect, RunCommand, RunEvent } from "./run-event.ts";
export {
  type Assignment,
  createRun,
  isReady,
  type Member,
  type MemberStatus,
  type Participant,
  type ReadyParticipant,
  type RoundPlan,
  type Run,
  type RunState,
} from "./run-state.ts";
