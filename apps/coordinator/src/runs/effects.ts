/**
 * Carries out what the machine decides. Whatever leads to another event (a plan, an evaluation, a timer, a closed
 * round) does so later, never within the call.
 */
import {
  type Assignment,
  type Effect,
  type RunEvent,
  type RunState,
  roundsLeft,
  weightOf,
} from "@fedlodrop/federation";
import { secureTermsOf } from "@fedlodrop/privacy";
import type { RoundStart } from "@fedlodrop/protocol";
import { nextTurn } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import type { WorkInOrder } from "../turns.ts";
import type { ArmNumbers } from "./arm-numbers.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Evaluations } from "./evaluation.ts";
import type { Outbox } from "./outbox.ts";
import type { Planning } from "./planning.ts";
import type { Reunion } from "./reunion.ts";
import type { SecureRounds } from "./secure-rounds.ts";
import { sharedWith } from "./sharing.ts";
import type { Timers } from "./timers.ts";
import type { Traffic } from "./traffic.ts";

export interface EffectRooms {
  readonly runId: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly numbers: ArmNumbers;
  /** Updates that gateways fold; null where there are none. */
  readonly elsewhere: Elsewhere | null;
  readonly secure: SecureRounds;
  readonly traffic: Traffic;
  readonly evaluations: Evaluations;
  readonly planning: Planning;
  readonly reunion: Reunion;
  readonly outbox: Outbox;
  readonly work: WorkInOrder;
  readonly graceSeconds: number;
  state(): RunState;
  dispatch(event: RunEvent, bytes?: Uint8Array): unknown;
}

type Closed = Extract<RunEvent, { kind: "closed" }>;

export function carryOut(effect: Effect, rooms: EffectRooms): void {
  const { clock, timers, numbers, secure, traffic, evaluations, planning, outbox, dispatch } = rooms;
  switch (effect.kind) {
    case "plan": {
      const { round, participants } = effect.request;
      evaluations.plannedFor(participants);
      rooms.reunion.whenComplete(() => {
        void planning
          .plan(effect.request)
          .then((plan) => dispatch({ kind: "planned", round, plan, atMs: clock.nowMs() }));
      });
      return;
    }
    case "arm-deadline": {
      const { round } = effect;
      traffic.begin(round);
      if (isSecure(rooms.state())) beginSecurely(rooms);
      else beginInTheOpen(rooms);
      timers.start("deadline", effect.atMs - clock.nowMs(), () =>
        dispatch({ kind: "deadline-passed", round, atMs: clock.nowMs() }),
      );
      return;
    }
    case "hasten-deadline": {
      const { round } = effect;
      timers.start("deadline", effect.atMs - clock.nowMs(), () =>
        dispatch({ kind: "deadline-passed", round, atMs: clock.nowMs() }),
      );
      return;
    }
    case "cancel-deadline":
      timers.stop("deadline");
      return;
    case "start-round": {
      const { round, assignment, deadlineSeconds } = effect;
      const message = startMessage(rooms.state(), round, assignment, deadlineSeconds);
      outbox.roundStart(assignment.participantId, message);
      return;
    }
    case "deal":
      outbox.deal(effect.participantId, effect.part);
      return;
    case "arm-grace": {
      const { participantId } = effect;
      // Grace counts from the last loss of a connection that comes and goes.
      timers.start(`grace of ${participantId}`, rooms.graceSeconds * 1000, () =>
        dispatch({ kind: "grace-passed", participantId, atMs: clock.nowMs() }),
      );
      return;
    }
    case "fold-update":
      if (rooms.elsewhere?.takes(effect)) return;
      void rooms.work(isSecure(rooms.state()) ? secure.fold(effect.participantId) : numbers.fold(effect));
      return;
    case "close-round": {
      const { round, discard } = effect;
      const adopt = (adapter: Float32Array, made: Pick<Closed, "updates" | "secure">): void => {
        numbers.adopt(adapter, round);
        const closed = { kind: "closed", round, traffic: traffic.all, ...made, atMs: clock.nowMs() } as const;
        dispatch(closed, adapterToKeep(rooms.state(), adapter));
      };
      if (isSecure(rooms.state()))
        void secure
          .finish(numbers.adapter, discard)
          .then((finished) => adopt(finished.adapter, { updates: [], secure: finished.secure }));
      else
        void finishOpenly(rooms, round, discard).then(({ adapter, updates }) => adopt(adapter, { updates }));
      return;
    }
    case "restore":
      numbers.goBackTo(numbers.before(effect.beforeRound));
      return;
    case "record-round":
      numbers.recorded(effect.record);
      evaluations.recorded(effect.record);
      return;
    case "evaluate":
      evaluations.ask(effect.round, numbers.adapter);
      return;
    case "amend-record":
      return; // the state has it
    case "announce-round":
      outbox.roundClosed(effect.participantId, effect.message);
      return;
    case "announce-evaluation": {
      const { kind: _, ...message } = effect;
      outbox.roundEvaluated(message);
      return;
    }
    case "announce-end": {
      const { kind: _, ...ended } = effect;
      outbox.runEnded(ended);
      return;
    }
    case "end-run":
      outbox.ended();
      return;
    case "dismiss":
      outbox.kicked(effect.participantId);
      return;
    case "forget":
      numbers.forget(effect.participantId);
      outbox.forgotten(effect.participantId);
      return;
    case "refuse":
      return; // dispatch returns it
    default:
      effect satisfies never;
  }
}

export const noiseOf = (state: RunState): number | null =>
  state.kind === "training" ? state.noiseMultiplier : null;

export const isSecure = ({ config }: RunState): boolean => config.secureAggregation;

function beginInTheOpen({ numbers, state }: EffectRooms): void {
  const { config, records } = state();
  numbers.begin(nextTurn(config, records), config, noiseOf(state()));
}

async function finishOpenly({ numbers, elsewhere, work }: EffectRooms, round: number, discard: boolean) {
  if (discard) return work(numbers.discard());
  const agreements = await elsewhere?.gather(round);
  return work(numbers.finish(agreements));
}

function beginSecurely({ runId, secure, state }: EffectRooms): void {
  const training = state();
  if (training.kind !== "training") throw new Error(`secure round: begun while ${training.kind}`);
  const { config, adapter: shape, round, members, noiseMultiplier } = training;
  const invited = [...members.values()]
    .map((member) => ({
      id: member.participant.id,
      weight: weightOf(training, member),
      dropoutRate: member.assignment.dropoutRate,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  secure.begin(
    secureTermsOf({ runId, config, shape, round, cohortSize: invited.length, noiseMultiplier }),
    invited,
  );
}

/**
 * An adapter that the log cannot give again is kept with the word that the round has closed: noise is not drawn twice, as
 * what has been told of stays, and masks are known to nobody any more.
 */
export const adapterToKeep = ({ config }: RunState, adapter: Float32Array): Uint8Array | undefined =>
  config.differentialPrivacy === null && !config.secureAggregation ? undefined : bytesOf(adapter);

export const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** @param deadlineSeconds from now */
export function startMessage(
  state: RunState,
  round: number,
  { participantId, probe: _, patienceSeconds: __, localSteps, ...terms }: Assignment,
  deadlineSeconds: number,
): RoundStart {
  const training = { ...state.config.training, ...(localSteps !== null && { localSteps }) };
  const message = { round, ...terms, deadlineSeconds, training, roundsLeft: roundsLeft(state) };
  if (state.kind !== "training") return { ...message, cohortSize: 0 };
  const { members, noiseMultiplier } = state;
  const member = members.get(participantId);
  const secure = isSecure(state) && member && { weight: weightOf(state, member), noiseMultiplier };
  const turn = nextTurn(state.config, state.records);
  return {
    ...message,
    cohortSize: members.size,
    sharedWith: member ? sharedWith(state, member.participant) : 0,
    ...(turn && { turn }),
    ...(secure && { secure }),
  };
}
