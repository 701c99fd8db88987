/** Rounds are planned, started, closed and recorded; evaluations come in beside them. */
import { LEAST_SUMMED } from "@fedlodrop/privacy";
import type { RunEnded } from "@fedlodrop/protocol";
import {
  type Arm,
  armOf,
  nextTurn,
  ofArm,
  type RoundRecord,
  type RunConfig,
  roundsInAll,
  termsOf,
  wasTried,
} from "@fedlodrop/run";
import type { PlanRequest } from "../plan/plan-request.ts";
import { boundedCounts } from "../plan/sample-counts.ts";
import { amendRecord, closingMessages, givenSoFar, giveRound, isDiscarded, recordRound } from "./history.ts";
import { isOutstanding } from "./members.ts";
import { isReady } from "./participant.ts";
import { persistentMap } from "./persistent-map.ts";
import { nextNoise } from "./privacy-budget.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import {
  type Assignment,
  type Awaited,
  type ClosingState,
  DESERTED_ROUNDS_MOST,
  EVALUATION_LAG,
  type EvaluatingState,
  type Member,
  type PlanningState,
  type Run,
  type RunState,
  roundsLeft,
  type TrainingState,
} from "./run-state.ts";
import { bare, type Transition, unchanged, withEffects } from "./step.ts";

/** Where a run goes when no round is open. */
export function proceed(run: Run): Transition {
  const { intent, config, records, evaluatedRounds } = run;
  const evaluating = { ...bare(run), kind: "evaluating", isAnnounced: false } as const;
  if (isOver(run)) {
    if (evaluatedRounds >= records.length) return end(run);
    // Devices that measure a round are needed still.
    return measuresOnDevices(run)
      ? unchanged(evaluating)
      : { state: { ...evaluating, isAnnounced: true }, effects: [announceEnd(run)] };
  }
  if (intent === "pause") return unchanged({ ...bare(run), kind: "paused" });
  if (intent === "idle" || run.readyCount < leastReady(config))
    return unchanged({ ...bare(run), kind: "lobby" });
  const round = records.length + 1;
  if (evaluatedRounds < round - EVALUATION_LAG) return unchanged(evaluating);
  return beginPlanning(run, {
    terms: termsOf(config, armToCome(run)),
    candidates: [...run.participants.values()].filter(isReady),
  });
}

export function beginPlanning(
  run: Run,
  what: Pick<PlanningState, "terms" | "candidates">,
): Transition & { readonly state: PlanningState } {
  const state: PlanningState = { ...bare(run), kind: "planning", round: run.records.length + 1, ...what };
  return { state, effects: [{ kind: "plan", request: planRequest(state) }] };
}

/** One of the rounds that are not evaluated yet is for devices to measure. */
function measuresOnDevices({ config: { evaluateOn }, records, evaluatedRounds }: Run): boolean {
  if (evaluateOn.kind !== "devices") return false;
  const asked = (rounds: number): number => Math.floor(rounds / evaluateOn.every);
  return asked(records.length) > asked(Math.max(0, evaluatedRounds));
}

/** No further round is begun. */
export const isOver = (run: Run): boolean =>
  run.intent === "stop" || run.triedCount >= roundsInAll(run.config) || nextNoise(run) === "spent";

/** A round that could only be discarded is not begun. */
export const leastReady = (config: RunConfig): number =>
  Math.max(config.minParticipants, config.minContributors, leastAsked(config));

/** A sum of one is that one's. */
const leastAsked = ({ secureAggregation }: RunConfig): number => (secureAggregation ? LEAST_SUMMED : 1);

/** Rounds that a plan looks back on. */
const ROUNDS_REMEMBERED = 24;

function planRequest(state: PlanningState): PlanRequest {
  const { terms, candidates, largestSplit, adapter, round, records } = state;
  return {
    config: terms,
    adapter,
    round,
    roundsLeft: roundsLeft(state),
    participants: boundedCounts(candidates, largestSplit),
    // An arm knows nothing of the other one.
    records: recordsInSight(ofArm(inAdapter(state), armToCome({ config: terms, records })), round),
  };
}

/** Without the rounds that the host went back behind: what the next round's adapter descends from, in every arm. */
function inAdapter({ config, records, basedOnRound }: Run): readonly RoundRecord[] {
  // Two arms have two lines of descent, and no way back.
  if (config.compareWith !== null) return records;
  const descent = new Set<number>();
  for (let at = basedOnRound; at > 0; at = records[at - 1]?.basedOnRound ?? 0) descent.add(at);
  return records.filter(({ round }) => descent.has(round));
}

const armToCome = ({ config, records }: Pick<Run, "config" | "records">): Arm =>
  armOf({ turn: nextTurn(config, records) });

/** The last closed round in the adapter that the next one begins with. */
const basis = ({ config, records, basedOnRound }: Run): number =>
  config.compareWith === null
    ? basedOnRound
    : (ofArm(records, armToCome({ config, records })).at(-1)?.round ?? 0);

/** The rounds that the plan of this one sees. */
export const recordsInSight = (records: readonly RoundRecord[], round: number): readonly RoundRecord[] =>
  records
    .slice(-ROUNDS_REMEMBERED)
    // Also those that are there already: what a plan sees must not depend on who was faster.
    .map((record) => (record.round <= round - EVALUATION_LAG ? record : amendRecord(record, null)));

/** @param isAnnounced devices have been told */
export function end(run: Run, isAnnounced = false): Transition {
  return {
    state: { ...bare(run), kind: "ended", reason: endOf(run).reason },
    effects: [...(isAnnounced ? [] : [announceEnd(run)]), { kind: "end-run" }],
  };
}

const announceEnd = (run: Run): Effect => ({ kind: "announce-end", ...endOf(run) });

/** Of a run that is over: what its devices are told. */
export const endOf = ({ intent, records }: Run): RunEnded => ({
  reason: intent === "stop" ? "stopped" : "finished",
  roundsDone: records.length,
  roundsMade: records.filter(({ trainLoss }) => trainLoss !== null).length,
});

export function startRound(state: PlanningState, event: Extract<RunEvent, { kind: "planned" }>): Transition {
  const { round, plan, atMs } = event;
  const cohort = plan.assignments.flatMap((assignment) => {
    const participant = state.participants.get(assignment.participantId);
    return participant && isReady(participant) ? [{ participant, assignment }] : [];
  });
  // A plan that admits too few would be made again and again: the host has to change a limit first.
  const least = leastAsked(state.terms);
  if (plan.assignments.length < least) return proceed({ ...state, intent: "pause" });
  const noise = nextNoise(state);
  // The host may have asked for more rounds than what is left allows.
  if (state.intent !== "run" || cohort.length < least || noise === "spent") return proceed(state);
  // Some have gone since the plan was asked for.
  if (state.readyCount < leastReady(state.config)) return proceed(state);
  const counted = boundedCounts(
    cohort.map(({ participant }) => participant),
    state.largestSplit,
  );
  const members = persistentMap(
    counted.map((participant, k): [string, Member] => {
      const { assignment } = cohort[k] as { readonly assignment: Assignment };
      return [participant.id, { kind: "member", participant, assignment, status: { kind: "working" } }];
    }),
  );
  const { method, quorum, deadlineSeconds } = state.terms;
  const probes = cohort.filter(({ assignment }) => assignment.probe).length;
  return {
    state: {
      ...bare(state),
      // Presence stays as it is, so the counts do.
      participants: cohort.reduce(
        (all, { participant }) =>
          participant.known ? all : all.with(participant.id, { ...participant, known: true }),
        state.participants,
      ),
      kind: "training",
      round,
      basedOnRound: basis(state),
      method,
      startedAtMs: atMs,
      deadlineSeconds,
      endsAtMs: atMs + 1000 * deadlineSeconds,
      quorumCount: Math.max(1, Math.ceil(quorum * (members.size - probes) - 1e-9)),
      members,
      aggregatedCount: 0,
      outstandingCount: members.size,
      probingCount: probes,
      awaited: null,
      allocation: plan.allocation,
      noiseMultiplier: noise,
    },
    effects: [
      { kind: "arm-deadline", round, atMs: atMs + 1000 * deadlineSeconds },
      ...cohort.map(
        ({ assignment }) => ({ kind: "start-round", round, assignment, deadlineSeconds }) as const,
      ),
    ],
  };
}

/**
 * Closes the round when nobody is left to wait for. Once enough have answered, or all but probes, each of the others has
 * the time that its plan gives it, and half as long again as the round has taken (a probe: as long again).
 */
export function settle(state: RunState, atMs: number): Transition {
  if (state.kind !== "training") return unchanged(state);
  const { round, aggregatedCount, quorumCount, outstandingCount, probingCount } = state;
  if (outstandingCount === 0) return closeRound(state, atMs);
  const enough = aggregatedCount >= quorumCount || outstandingCount === probingCount;
  if (state.awaited === null && !enough) return unchanged(state);
  const awaited = withoutAnswered(state, state.awaited ?? allAwaited(state, atMs));
  const dueMs = awaited === "nobody" ? atMs : awaited.dueMs;
  if (dueMs <= atMs) return closeRound(state, atMs);
  const endsAtMs = Math.min(state.endsAtMs, dueMs);
  return {
    state: { ...state, awaited, endsAtMs },
    effects: endsAtMs < state.endsAtMs ? [{ kind: "hasten-deadline", round, atMs: endsAtMs }] : [],
  };
}

const LONGER_FOR_PROBES = 2;
const LONGER_FOR_ALL = 1.5;

function allAwaited({ members, startedAtMs }: TrainingState, atMs: number): Awaited | "nobody" {
  const dueSeconds = ({ assignment: { probe, patienceSeconds } }: Member): number => {
    const taken = (atMs - startedAtMs) / 1000;
    return probe ? LONGER_FOR_PROBES * taken : Math.max(LONGER_FOR_ALL * taken, patienceSeconds);
  };
  return [...members.values()]
    .filter(isOutstanding)
    .map((member) => ({
      participantId: member.participant.id,
      dueMs: startedAtMs + 1000 * dueSeconds(member),
    }))
    .sort((a, b) => a.dueMs - b.dueMs)
    .reduce<Awaited | "nobody">((before, next) => ({ ...next, before }), "nobody");
}

/** Each is passed by once, so that an answer costs the same however many are awaited. */
function withoutAnswered({ members }: TrainingState, all: Awaited | "nobody"): Awaited | "nobody" {
  let awaited = all;
  while (awaited !== "nobody") {
    const member = members.get(awaited.participantId);
    if (member !== undefined && isOutstanding(member)) break;
    awaited = awaited.before;
  }
  return awaited;
}

export function closeRound(state: TrainingState, closedAtMs: number): Transition {
  const { round } = state;
  return {
    state: { ...state, kind: "closing", closedAtMs },
    effects: [
      { kind: "cancel-deadline", round },
      { kind: "close-round", round, discard: isDiscarded(state) },
    ],
  };
}

/** The round becomes a record, and its members hear of it, before anybody knows how good the new adapter is. */
export function finishRound(state: ClosingState, event: Extract<RunEvent, { kind: "closed" }>): Transition {
  const { round } = state;
  const record = recordRound(state, event);
  const told = closingMessages(record);
  const tried = wasTried(record);
  const desertedCount = tried ? 0 : state.desertedCount + 1;
  const run: Run = {
    ...bare(state),
    participants: giveRound(state.participants, record, told, state.config.valueType),
    records: [...state.records, record],
    basedOnRound: round,
    triedCount: state.triedCount + (tried ? 1 : 0),
    desertedCount,
    intent: state.intent === "run" && desertedCount >= DESERTED_ROUNDS_MOST ? "pause" : state.intent,
  };
  return withEffects(proceed(run), [
    { kind: "record-round", record },
    ...told.map(([participantId, message]) => {
      const given = givenSoFar(run, participantId);
      return { kind: "announce-round", participantId, message: { ...message, given } } as const;
    }),
    { kind: "evaluate", round },
  ]);
}

/** An evaluation that comes out of turn, or after the run has ended without it, changes nothing. */
export function takeEvaluation(state: RunState, event: Extract<RunEvent, { kind: "evaluated" }>): Transition {
  const { round, evaluation } = event;
  const { records } = state;
  if (state.kind === "ended" || round !== state.evaluatedRounds + 1 || round > records.length)
    return unchanged(state);
  const testLoss = evaluation?.testLoss ?? null;
  const evaluated = { ...state, evaluatedRounds: round };
  const recorded = records[round - 1];
  const record = recorded && amendRecord(recorded, evaluation);
  const amended: RunState = record
    ? { ...evaluated, records: records.with(round - 1, record) }
    : { ...evaluated, baseTestLoss: testLoss };
  const { baseTestLoss } = amended;
  return withEffects(amended.kind === "evaluating" ? afterEvaluation(amended) : unchanged(amended), [
    ...(record ? [{ kind: "amend-record", record } as const] : []),
    {
      ...{ kind: "announce-evaluation", round, testLoss, baseTestLoss },
      ...{ isOwn: armOf(record ?? {}) === 0, turn: record?.turn },
    } as const,
  ]);
}

/** What is over stays over. */
function afterEvaluation(state: EvaluatingState): Transition {
  if (!state.isAnnounced) return proceed(state);
  return state.evaluatedRounds < state.records.length ? unchanged(state) : end(state, true);
}
