/**
 * Carries out what the machine decides. Whatever leads to another event (a plan, an evaluation, a timer, a closed
 * round) does so later, never within the call.
 */
import type { Assignment, Effect, RunEvent, RunState } from "@fedlodrop/federation";
import type { RoundStart } from "@fedlodrop/protocol";
import type { Clock } from "../clock.ts";
import type { WorkInOrder } from "../turns.ts";
import type { Evaluations } from "./evaluation.ts";
import type { Outbox } from "./outbox.ts";
import type { Planning } from "./planning.ts";
import type { Reunion } from "./reunion.ts";
import type { RoundNumbers } from "./round-numbers.ts";
import type { Timers } from "./timers.ts";
import type { Traffic } from "./traffic.ts";

export interface EffectRooms {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly numbers: RoundNumbers;
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

export function carryOut(effect: Effect, rooms: EffectRooms): void {
  const { clock, timers, numbers, traffic, evaluations, planning, outbox, dispatch } = rooms;
  switch (effect.kind) {
    case "plan": {
      const { round, participants } = effect.request;
      evaluations.plannedFor(participants.map(({ id }) => id));
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
      numbers.begin(rooms.state().config, noiseOf(rooms.state()));
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
    case "arm-grace": {
      const { participantId } = effect;
      // Grace counts from the last loss of a connection that comes and goes.
      timers.start(`grace of ${participantId}`, rooms.graceSeconds * 1000, () =>
        dispatch({ kind: "grace-passed", participantId, atMs: clock.nowMs() }),
      );
      return;
    }
    case "fold-update":
      void rooms.work(numbers.fold(effect));
      return;
    case "close-round": {
      const { round } = effect;
      void rooms.work(effect.discard ? numbers.discard() : numbers.finish()).then(({ adapter, updates }) => {
        numbers.adopt(adapter, round);
        const closed = { kind: "closed", round, traffic: traffic.all, updates, atMs: clock.nowMs() } as const;
        dispatch(closed, noisyAdapter(rooms.state(), adapter));
      });
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
      evaluations.ask(effect.round, { adapter: numbers.adapter, contrast: numbers.contrast });
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
    case "end-run":
      outbox.runEnded({ reason: effect.reason, roundsDone: effect.roundsDone });
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

/** Noise is not drawn twice: what has been told of stays, so it is kept with the word that the round has closed. */
export const noisyAdapter = ({ config }: RunState, adapter: Float32Array): Uint8Array | undefined =>
  config.differentialPrivacy === null ? undefined : bytesOf(adapter);

export const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** @param deadlineSeconds from now */
export function startMessage(
  state: RunState,
  round: number,
  { participantId: _, probe: __, patienceSeconds: ___, side: ____, localSteps, ...terms }: Assignment,
  deadlineSeconds: number,
): RoundStart {
  const training = { ...state.config.training, ...(localSteps !== null && { localSteps }) };
  const cohortSize = state.kind === "training" ? state.members.size : 0;
  return { round, ...terms, deadlineSeconds, training, cohortSize };
}
