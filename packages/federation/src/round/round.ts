/**
 * The run's state machine: `transition(state, event)` gives the next state and what is to be done. Pure and total:
 * every event is answered in every state, and what does not fit is refused with a reason. Invariants (held by the
 * seeded event sequences of its test): one open round at a time, every started round closes exactly once, an
 * update is folded at most once, only members of the open round are folded.
 */
import { type RoundRecord, resolveRunConfig } from "@fedlodrop/run";
import { boundedCounts } from "../plan/sample-counts.ts";
import { closingMessage, recordRound } from "./history.ts";
import { memberAtWork, type Refusal, refuse, sizeRefusal } from "./refusal.ts";
import type { Effect, RunCommand, RunEvent } from "./run-event.ts";
import {
  type Assignment,
  type EvaluatingState,
  isReady,
  type Member,
  type MemberStatus,
  type Participant,
  type PlanningState,
  type Run,
  type RunState,
  type TrainingState,
} from "./run-state.ts";

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly Effect[];
}

export function transition(state: RunState, event: RunEvent): Transition {
  switch (event.kind) {
    case "joined":
      return join(state, event);
    case "ready":
      return present(state, event.participantId, { presence: "ready", device: event.device });
    case "disconnected":
      return withEffects(present(state, event.participantId, { presence: "away" }), [
        { kind: "arm-grace", participantId: event.participantId },
      ]);
    case "grace-passed":
      return state.participants.get(event.participantId)?.presence === "away"
        ? depart(state, event.participantId, event.atMs)
        : unchanged(state);
    case "left":
      return andThen(present(state, event.participantId, { presence: "away" }), (next) =>
        depart(next, event.participantId, event.atMs),
      );
    case "payload-sent":
      return unchanged(
        changeMember(state, event, ({ bytesDown }) => ({ bytesDown: bytesDown + event.bytes })),
      );
    case "payload-received":
      return unchanged(changeMember(state, event, ({ bytesUp }) => ({ bytesUp: bytesUp + event.bytes })));
    case "upload-begun": {
      const member = memberAtWork(state, event.participantId, event.round);
      if (member.kind === "refuse") return refuseUpload(state, event, member);
      const refusal = sizeRefusal(state, member, event.bytes);
      if (refusal !== null) return refuseUpload(state, event, refusal);
      return unchanged(setStatus(state, event.participantId, { kind: "uploading", sinceMs: event.atMs }));
    }
    case "update-unusable": {
      const member = memberAtWork(state, event.participantId, event.round);
      const refusal = member.kind === "refuse" ? member : refuse(event.reason, event.message);
      return refuseUpload(state, event, refusal);
    }
    case "update-arrived":
      return foldUpdate(state, event);
    case "upload-timed":
      return unchanged(timeUpload(state, event));
    case "deadline-passed":
      return state.kind === "training" && state.round === event.round
        ? closeRound(state, event.atMs)
        : unchanged(state);
    case "planned":
      return state.kind === "planning" && state.round === event.round
        ? startRound(state, event)
        : unchanged(state);
    case "evaluated":
      return state.kind === "evaluating" && state.round === event.round
        ? finishRound(state, event.evaluation)
        : unchanged(state);
    case "base-evaluated":
      return unchanged({ ...state, baseTestLoss: event.testLoss });
    case "command":
      return obey(state, event.command, event.atMs);
    default:
      return event satisfies never;
  }
}

// ---- participants come and go

function join(state: RunState, event: Extract<RunEvent, { kind: "joined" }>): Transition {
  const { participantId: id, nickname, resumesRound, atMs } = event;
  const known = state.participants.get(id);
  if (known === undefined) {
    const refusal = entryRefusal(state);
    if (refusal !== null) return refused(state, refusal);
    return unchanged(setParticipant(state, { id, nickname, presence: "loading", device: null }));
  }
  if (known.presence === "kicked")
    return refused(state, refuse("kicked", "the host has removed you from this run"));
  const next = setParticipant(state, { ...known, nickname, presence: "loading" });
  if (next.kind !== "training" || resumesRound === next.round) return unchanged(next);
  return forfeit(next, id, atMs);
}

function entryRefusal(state: Run): Refusal | null {
  if (state.locked) return refuse("run-locked", "the host has closed this run to newcomers");
  const present = [...state.participants.values()].filter(
    ({ presence }) => presence === "loading" || presence === "ready",
  ).length;
  return present < state.config.maxParticipants
    ? null
    : refuse("run-full", `run: expected at most ${state.config.maxParticipants} participants`);
}

/** Changes a participant's presence; someone becoming ready may be the one a waiting run waits for. */
function present(
  state: RunState,
  participantId: string,
  change: Partial<Pick<Participant, "presence" | "device">>,
): Transition {
  const participant = state.participants.get(participantId);
  if (participant === undefined)
    return refused(
      state,
      refuse("unknown-participant", `participant: expected one that has joined, got ${participantId}`),
    );
  if (participant.presence === "kicked")
    return refused(state, refuse("kicked", "the host has removed you from this run"));
  const next = setParticipant(state, { ...participant, ...change });
  return next.kind === "lobby" ? proceed(next) : unchanged(next);
}

/** Gone for now. Who was in a cohort may return as the same; a newcomer is forgotten, or coming and going would fill the run. */
function depart(state: RunState, participantId: string, atMs: number): Transition {
  const wasInCohort =
    ("members" in state && state.members.has(participantId)) ||
    state.records.some(({ participants }) => participants.some(({ id }) => id === participantId));
  if (wasInCohort) return forfeit(state, participantId, atMs);
  const participants = new Map(state.participants);
  participants.delete(participantId);
  return { state: { ...state, participants }, effects: [{ kind: "forget", participantId }] };
}

/** Whatever the participant owed to the open round, it will not come. */
function forfeit(state: RunState, participantId: string, atMs: number): Transition {
  const member = state.kind === "training" ? state.members.get(participantId) : undefined;
  return member === undefined || member.status.kind === "aggregated"
    ? unchanged(state)
    : settle(setStatus(state, participantId, { kind: "left" }), atMs);
}

// ---- updates

/** An unusable upload counts as an answer, so that it cannot stall the round; a tardy one is marked late. */
function refuseUpload(
  state: RunState,
  { participantId, round, atMs }: { participantId: string; round: number; atMs: number },
  refusal: Refusal,
): Transition {
  if (memberAtWork(state, participantId, round).kind !== "refuse")
    return withEffects(settle(setStatus(state, participantId, { kind: "refused" }), atMs), [refusal]);
  const status =
    state.kind === "evaluating" && state.round === round && state.members.get(participantId)?.status;
  const tardy = status && (status.kind === "working" || status.kind === "uploading");
  return refused(tardy ? setStatus(state, participantId, { kind: "late" }) : state, refusal);
}

function foldUpdate(state: RunState, event: Extract<RunEvent, { kind: "update-arrived" }>): Transition {
  const { participantId, round, changes, statistics, atMs } = event;
  const member = memberAtWork(state, participantId, round);
  if (member.kind === "refuse") return refuseUpload(state, event, member);
  if (member.status.kind !== "uploading")
    return refuseUpload(state, event, refuse("wrong-order", "upload: expected upload-begin first"));
  const secondsUpload = (atMs - member.status.sinceMs) / 1000;
  const next = setStatus(state, participantId, { kind: "aggregated", statistics, secondsUpload });
  const { assignment, participant } = member;
  const weight = participant.device.sampleCount;
  return withEffects(settle(next, atMs), [{ kind: "fold-update", round, assignment, changes, weight }]);
}

/** The participant's own figures count the whole way there and back, so they replace what was timed and foreseen. */
function timeUpload(state: RunState, event: Extract<RunEvent, { kind: "upload-timed" }>): RunState {
  const { secondsUpload, energyJoules } = event;
  if (state.kind !== "training" && state.kind !== "evaluating") return state;
  const status = state.round === event.round && state.members.get(event.participantId)?.status;
  return status && status.kind === "aggregated"
    ? setStatus(state, event.participantId, {
        ...status,
        secondsUpload,
        statistics: { ...status.statistics, energyJoules },
      })
    : state;
}

// ---- rounds

/** Where a run goes when no round is open. */
function proceed(run: Run): Transition {
  if (run.intent === "stop") return end(run, "stopped");
  if (run.records.filter(wasTried).length >= run.config.rounds) return end(run, "finished");
  if (run.intent === "pause") return unchanged({ ...bare(run), kind: "paused" });
  const ready = [...run.participants.values()].filter(isReady);
  if (run.intent === "idle" || ready.length < run.config.minParticipants)
    return unchanged({ ...bare(run), kind: "lobby" });
  const round = run.records.length + 1;
  return {
    state: { ...bare(run), kind: "planning", round, terms: run.config },
    effects: [{ kind: "plan", round, participants: boundedCounts(ready, run.largestSplit) }],
  };
}

/** A round that its whole cohort walked out of is not one of the rounds that the run was asked for. */
const wasTried = ({ participants }: RoundRecord): boolean =>
  participants.some(({ outcome }) => outcome !== "left");

function end(run: Run, reason: "finished" | "stopped"): Transition {
  return {
    state: { ...bare(run), kind: "ended", reason },
    effects: [{ kind: "end-run", reason, roundsDone: run.records.length }],
  };
}

function startRound(state: PlanningState, event: Extract<RunEvent, { kind: "planned" }>): Transition {
  const { round, plan, atMs } = event;
  const assigned = new Map(plan.assignments.map((assignment) => [assignment.participantId, assignment]));
  const cohort = [...state.participants.values()].filter(isReady).filter(({ id }) => assigned.has(id));
  const members = new Map(
    boundedCounts(cohort, state.largestSplit).map((participant): [string, Member] => [
      participant.id,
      {
        kind: "member",
        participant,
        assignment: assigned.get(participant.id) as Assignment,
        status: { kind: "working" },
        bytesDown: 0,
        bytesUp: 0,
      },
    ]),
  );
  // A plan that admits nobody would be made again and again: the host has to change a limit first.
  if (plan.assignments.length === 0) return proceed({ ...state, intent: "pause" });
  if (state.intent !== "run" || members.size === 0) return proceed(state);
  const { method, quorum, deadlineSeconds } = state.terms;
  return {
    state: {
      ...bare(state),
      kind: "training",
      round,
      method,
      startedAtMs: atMs,
      deadlineSeconds,
      quorumCount: Math.max(1, Math.ceil(quorum * members.size - 1e-9)),
      members,
      allocation: plan.allocation,
    },
    effects: [
      { kind: "arm-deadline", round, atMs: atMs + 1000 * deadlineSeconds },
      ...[...members.values()].map(
        ({ assignment }) => ({ kind: "start-round", round, assignment, deadlineSeconds }) as const,
      ),
    ],
  };
}

/** Closes the round if the quorum has been reached or nobody is left to wait for. */
function settle(state: RunState, atMs: number): Transition {
  if (state.kind !== "training") return unchanged(state);
  const statuses = [...state.members.values()].map(({ status }) => status.kind);
  const aggregated = statuses.filter((kind) => kind === "aggregated").length;
  const outstanding = statuses.some((kind) => kind === "working" || kind === "uploading");
  return aggregated >= state.quorumCount || !outstanding ? closeRound(state, atMs) : unchanged(state);
}

function closeRound(state: TrainingState, closedAtMs: number): Transition {
  const { round } = state;
  return {
    state: { ...state, kind: "evaluating", closedAtMs },
    effects: [
      { kind: "cancel-deadline", round },
      { kind: "close-round", round },
      { kind: "evaluate", round },
    ],
  };
}

function finishRound(
  state: EvaluatingState,
  evaluation: Extract<RunEvent, { kind: "evaluated" }>["evaluation"],
): Transition {
  const record = recordRound(state, evaluation);
  return withEffects(proceed({ ...bare(state), records: [...state.records, record] }), [
    { kind: "record-round", record },
    ...[...state.members.keys()].map(
      (participantId) =>
        ({
          kind: "announce-round",
          participantId,
          message: closingMessage(record, participantId, state.baseTestLoss),
        }) as const,
    ),
  ]);
}

// ---- the host

function obey(state: RunState, command: RunCommand, atMs: number): Transition {
  const wrongState = (): Transition =>
    refused(state, refuse("wrong-state", `${command.kind}: not possible while the run is ${state.kind}`));
  switch (command.kind) {
    case "start":
      return state.kind === "lobby" && state.intent === "idle"
        ? proceed({ ...state, intent: "run" })
        : wrongState();
    case "pause":
      if (state.kind === "ended" || state.intent !== "run") return wrongState();
      return state.kind === "lobby"
        ? proceed({ ...state, intent: "pause" })
        : unchanged({ ...state, intent: "pause" });
    case "resume":
      if (state.kind === "ended" || state.intent !== "pause") return wrongState();
      return state.kind === "paused"
        ? proceed({ ...state, intent: "run" })
        : unchanged({ ...state, intent: "run" });
    case "stop": {
      if (state.kind === "ended") return wrongState();
      const stopping: RunState = { ...state, intent: "stop" };
      if (stopping.kind === "training") return closeRound(stopping, atMs);
      if (stopping.kind !== "evaluating") return proceed(stopping);
      // The last round's loss is worth a wait, but not whatever wait.
      return state.intent === "stop" ? finishRound(stopping, null) : unchanged(stopping);
    }
    case "lock":
      return unchanged({ ...state, locked: command.locked });
    case "change":
      return unchanged({ ...state, config: resolveRunConfig(command.change, state.config) });
    case "kick":
      return andThen(present(state, command.participantId, { presence: "kicked" }), (next) =>
        withEffects(forfeit(next, command.participantId, atMs), [
          { kind: "dismiss", participantId: command.participantId },
        ]),
      );
    default:
      return command satisfies never;
  }
}

// ---- small parts

const unchanged = (state: RunState): Transition => ({ state, effects: [] });
const refused = (state: RunState, refusal: Refusal): Transition => ({ state, effects: [refusal] });
const withEffects = ({ state, effects }: Transition, first: readonly Effect[]): Transition => ({
  state,
  effects: [...first, ...effects],
});

/** `next` on the state reached, unless the first step was refused. */
function andThen(step: Transition, next: (state: RunState) => Transition): Transition {
  return step.effects.some(({ kind }) => kind === "refuse")
    ? step
    : withEffects(next(step.state), step.effects);
}

/** Only what every state has. */
const bare = ({
  config,
  adapter,
  largestSplit,
  participants,
  locked,
  intent,
  records,
  baseTestLoss,
}: Run): Run => ({
  config,
  adapter,
  largestSplit,
  participants,
  locked,
  intent,
  records,
  baseTestLoss,
});

const setParticipant = <S extends Run>(state: S, participant: Participant): S => ({
  ...state,
  participants: new Map(state.participants).set(participant.id, participant),
});

function changeMember(
  state: RunState,
  at: { readonly participantId: string; readonly round: number },
  change: (member: Member) => Partial<Member>,
): RunState {
  if ((state.kind !== "training" && state.kind !== "evaluating") || state.round !== at.round) return state;
  const member = state.members.get(at.participantId);
  if (member === undefined) return state;
  const changed = { ...member, ...change(member) };
  return { ...state, members: new Map(state.members).set(at.participantId, changed) };
}

function setStatus(state: RunState, participantId: string, status: MemberStatus): RunState {
  return "round" in state
    ? changeMember(state, { participantId, round: state.round }, () => ({ status }))
    : state;
}
