export {
  isDirect,
  type PlanOptions,
  planBySolving,
  planDirectly,
  planRound,
} from "./plan/plan.ts";
export type { PlanRequest } from "./plan/plan-request.ts";
export { buildReport, outcomeOf, secondsSpent } from "./round/history.ts";
export { expectedBytes, memberAtWork, type Refusal } from "./round/refusal.ts";
export { transition } from "./round/round.ts";
export type { Effect, MemberTraffic, RunCommand, RunEvent } from "./round/run-event.ts";
export {
  type Assignment,
  createRun,
  type KnownRun,
  type Member,
  type MemberStatus,
  type Participant,
  type ReadyParticipant,
  type RoundPlan,
  type Run,
  type RunState,
} from "./round/run-state.ts";
export {
  type Aggregation,
  createAggregation,
  MAX_ABSOLUTE_CHANGE,
  MAX_UPDATES,
  outOfRange,
} from "./update/aggregate.ts";
