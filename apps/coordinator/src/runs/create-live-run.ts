/** Makes a run go on: who owns its state, and how what happens to it is carried out. */
import { createHash } from "node:crypto";
import {
  buildReport,
  isOver,
  type Refusal,
  ROUNDS_IN_MEMORY,
  type RunEvent,
  type Transition,
  thinRecords,
  transition,
} from "@fedlodrop/federation";
import type { StoredUpload } from "../store/run-store.ts";
import { workInOrder } from "../turns.ts";
import { createArmNumbers } from "./arm-numbers.ts";
import { createDeviceEvaluations } from "./device-evaluations.ts";
import { adapterToKeep, bytesOf, carryOut, type EffectRooms, isSecure, startMessage } from "./effects.ts";
import { createElsewhere, type Elsewhere } from "./elsewhere.ts";
import { createEvaluations } from "./evaluation.ts";
import type { LiveRun, LiveRunOptions } from "./live-run.ts";
import { createPlanning } from "./planning.ts";
import { type Retold, retell } from "./retell.ts";
import { createReunion } from "./reunion.ts";
import { createSecureRounds } from "./secure-rounds.ts";
import { createSharing } from "./sharing.ts";
import { createTimers } from "./timers.ts";
import { createTraffic } from "./traffic.ts";

/** Pages that have lost their connection try again every few seconds. */
const LEAST_GRACE_AFTER_RESTART_SECONDS = 20;

const LET_GO_AT_ONCE = 20;

export function createLiveRun(options: LiveRunOptions): LiveRun {
  const { runId, workload, clock, journal, outbox, graceSeconds } = options;
  let { state } = options.start;
  let { thinned } = options;
  let retired = false;
  const timers = createTimers(clock);
  const traffic = createTraffic(outbox.changed);
  const numbers = createArmNumbers(
    workload.adapter,
    state.config,
    options.adapters,
    options.memory,
    state.records.at(-1)?.turn,
  );
  const planning = createPlanning(options.plan, outbox.log);
  const reunion = createReunion();
  /** By participant: the round of which it is to be told a second time, or was. */
  const askedAgain = new Map<string, { readonly round: number; readonly isTold: boolean }>();
  const evaluations = createEvaluations({
    workload,
    onDevices: createDeviceEvaluations({ config: state.config, adapter: workload.adapter, clock }),
    clock,
    partsTrainedOn: options.partsTrainedOn,
    partsMeasured: options.partsMeasured,
    expects: options.expects,
    isAlone: () => state.kind === "evaluating" && isOver(state),
    evaluated: (round, evaluation) => {
      dispatch({ kind: "evaluated", round, evaluation, atMs: clock.nowMs() });
    },
    log: outbox.log,
  });
  const work = workInOrder(options.turns);
  const elsewhere: Elsewhere | null =
    options.keepers &&
    createElsewhere({
      shape: workload.adapter,
      numbers,
      keepers: options.keepers,
      config: () => state.config,
      work,
    });
  const secure = createSecureRounds({
    timers,
    work,
    tell(participantId, message) {
      if ("bytes" in message) traffic.sent(participantId, message.round, message.bytes.length);
      outbox.secureStep(participantId, message);
    },
    state: () => state,
    leftOut(participantId, round, message) {
      const reason = "not-in-cohort";
      dispatch({ kind: "update-unusable", participantId, round, reason, message, atMs: clock.nowMs() });
    },
    failed: (round) => void dispatch({ kind: "deadline-passed", round, atMs: clock.nowMs() }),
  });
  const sharing = createSharing({ timers, state: () => state, tell: outbox.sharing });
  const rooms: EffectRooms = {
    runId,
    clock,
    timers,
    numbers,
    elsewhere,
    secure,
    traffic,
    evaluations,
    planning,
    reunion,
    outbox,
    work,
    graceSeconds,
    state: () => state,
    dispatch,
  };

  function dispatch(event: RunEvent, kept?: Uint8Array | StoredUpload): Refusal | null {
    if (retired) return null;
    if (reunion.forgives(event)) {
      reunion.saw(event, undefined);
      return null;
    }
    if (mustWait(event)) {
      reunion.whenComplete(() => queueMicrotask(() => dispatch(event, kept)));
      return null;
    }
    const before = state.kind;
    const isUnaware = hasNotHeard(event);
    const taken = reunion.isOver && !isUnaware ? event : withItsRound(event, isUnaware);
    const step = transition(state, taken);
    // What changes nothing need not be told again.
    if (step.state !== state)
      if (kept === undefined || kept instanceof Uint8Array)
        journal.keep({ kind: "event", event: taken }, kept ?? adapterGoneBackTo(step));
      else journal.keep({ kind: "event", event: taken, upload: kept });
    state = step.state;
    for (const effect of step.effects) carryOut(effect, rooms);
    secure.noticed(taken);
    sharing.noticed(taken);
    if (taken.kind === "left" || taken.kind === "disconnected")
      evaluations.onDevices.gone(taken.participantId);
    if (!reunion.isOver) welcomeBack(event);
    if (isUnaware) reunion.startsAgain(event.participantId);
    const isOneOnly = "participantId" in event && step.state.kind === before;
    outbox.changed(isOneOnly ? event.participantId : null);
    return step.effects.find((effect) => effect.kind === "refuse") ?? null;
  }

  /** Who is asked in a round is settled when the one before has been closed and evaluated: only once everybody is back. */
  function mustWait({ kind }: RunEvent): boolean {
    return (kind === "closed" || kind === "evaluated") && !reunion.isComplete && !isOver(state);
  }

  /** A restart has no earlier adapters: one that the host has gone back to is kept with the host's word. */
  function adapterGoneBackTo({ effects }: Transition): Uint8Array | undefined {
    const restore = effects.find((effect) => effect.kind === "restore");
    return restore && bytesOf(numbers.before(restore.beforeRound));
  }

  /** Comes back to a round of which nothing has reached it: what it was told went over a connection that was dead. */
  function hasNotHeard(event: RunEvent): event is Extract<RunEvent, { kind: "joined" }> {
    if (event.kind !== "joined" || state.kind !== "training" || isSecure(state)) return false;
    const { participantId, resumesRound } = event;
    const isIdle = state.members.get(participantId)?.status.kind === "working";
    const isUnheard = isIdle && resumesRound !== state.round && !traffic.of(participantId)?.bytesDown;
    // Once: a device that cannot do what it is asked joins anew, too.
    const asked = askedAgain.get(participantId);
    if (!isUnheard || (asked?.round === state.round && asked.isTold)) return false;
    askedAgain.set(participantId, { round: state.round, isTold: false });
    return true;
  }

  /**
   * A member that has lost its work with the restart, or had not heard of the round, may do it now; not with other keys than
   * those that it has shown to others.
   */
  function withItsRound(event: RunEvent, isUnaware: boolean): RunEvent {
    return event.kind === "joined" &&
      state.kind === "training" &&
      (isUnaware || (reunion.awaits(event.participantId) && !isSecure(state)))
      ? { ...event, resumesRound: state.round }
      : event;
  }

  function welcomeBack(event: RunEvent): void {
    if (event.kind === "ready" && reunion.mustStartAgain(event.participantId) && state.kind === "training") {
      const member = state.members.get(event.participantId);
      const { round, endsAtMs } = state;
      const left = (endsAtMs - clock.nowMs()) / 1000;
      if (askedAgain.get(event.participantId)?.round === round)
        askedAgain.set(event.participantId, { round, isTold: true });
      if (member?.status.kind === "working" || member?.status.kind === "uploading")
        outbox.roundStart(
          event.participantId,
          startMessage(state, round, member.assignment, Math.max(0, left)),
        );
    }
    reunion.saw(event, "round" in state ? state.round : undefined);
  }

  /** Nobody is connected after a restart: those who were have time to come back. */
  function awaitReturns(): void {
    const graceAfterRestart = Math.max(graceSeconds, LEAST_GRACE_AFTER_RESTART_SECONDS);
    for (const { id, presence } of [...state.participants.values()]) {
      if (presence === "away") carryOut({ kind: "arm-grace", participantId: id }, rooms);
      if (presence === "loading" || presence === "ready") awaitReturn(id, graceAfterRestart);
    }
  }

  function awaitReturn(participantId: string, seconds: number): void {
    const isUnderWay = state.kind === "planning" || "members" in state || state.kind === "evaluating";
    if (!isUnderWay) {
      dispatch({ kind: "disconnected", participantId, atMs: clock.nowMs() });
      return;
    }
    reunion.expect(participantId);
    timers.start(`return of ${participantId}`, 1000 * seconds, () => missed(participantId));
  }

  function missed(participantId: string): void {
    if (!reunion.awaits(participantId)) return;
    // One that is here and loads may take its time, and the others need not wait for it.
    const [isAway, hasComeBack] = [reunion.isAway(participantId), reunion.hasComeBack(participantId)];
    reunion.giveUp(participantId);
    if (!isAway) return;
    dispatch({ kind: "disconnected", participantId, atMs: clock.nowMs() });
    // Who was here has the time that any lost connection has.
    if (!hasComeBack) dispatch({ kind: "grace-passed", participantId, atMs: clock.nowMs() });
  }

  function takeUp({ plan, updates, unevaluated }: Retold): void {
    if (state.kind === "training") {
      const { round, endsAtMs } = state;
      // Keys and masks went with the process: there will be no sum, and the sooner the next round begins.
      const leftMs = isSecure(state) ? 0 : endsAtMs - clock.nowMs();
      timers.start("deadline", leftMs, () =>
        dispatch({ kind: "deadline-passed", round, atMs: clock.nowMs() }),
      );
    }
    if (state.kind === "closing") {
      const { round } = state;
      queueMicrotask(async () => {
        const secured = isSecure(state) && (await secure.finish(numbers.adapter, false));
        const made = { updates, ...(secured && { secure: secured.secure }) };
        const closed = { kind: "closed", round, traffic: traffic.all, ...made, atMs: clock.nowMs() } as const;
        dispatch(closed, adapterToKeep(state, numbers.adapter));
      });
    }
    for (const [round, adapter] of unevaluated) evaluations.ask(round, adapter);
    if (plan !== null) carryOut(plan, rooms);
  }

  const { entries = [], identified = () => {} } = options.past ?? {};
  const { forgotten } = outbox;
  const told = retell(options.start, entries, { numbers, traffic, evaluations, identified, forgotten });
  ({ state } = told);

  return {
    runId,
    workload,
    traffic,
    get state() {
      return state;
    },
    get adapter() {
      return numbers.ownAdapter;
    },
    get roundAdapter() {
      return numbers.adapter;
    },
    get adapters() {
      return numbers.adapters;
    },
    get partsTrainedOn() {
      return evaluations.partsTrainedOn;
    },
    get partsMeasured() {
      return evaluations.partsMeasured;
    },
    get memory() {
      return numbers.memory;
    },
    get planProblem() {
      return planning.problem;
    },
    roundTerms: (round) =>
      (state.kind === "training" || state.kind === "closing") && state.round === round
        ? {
            runId,
            round,
            maskRound: numbers.maskRound(round),
            seed: state.config.seed,
            valueType: state.config.valueType,
            adapter: numbers.adapter,
            fold: numbers.partTerms,
          }
        : null,
    subAdapter: numbers.subAdapter,
    canRestore: numbers.canRestore,
    begin() {
      if (options.past !== null) awaitReturns();
      takeUp(told);
    },
    get thinned() {
      return thinned;
    },
    letGo(stored) {
      const count = Math.min(stored, state.records.length - ROUNDS_IN_MEMORY);
      // In steps: each one goes through the list.
      if (count < thinned + LET_GO_AT_ONCE) return;
      state = thinRecords(state, count);
      thinned = count;
    },
    awaitReturn: (participantId) => awaitReturn(participantId, graceSeconds),
    dispatch: (event) => dispatch(event),
    submit(update, changes, kept) {
      numbers.hold(update.participantId, changes);
      try {
        return dispatch(update, kept);
      } finally {
        numbers.drop(update.participantId);
      }
    },
    submitStored(update, at) {
      elsewhere?.hold(update.participantId, at);
      try {
        const refusal = dispatch(update, at.upload);
        const order = refusal ?? elsewhere?.order(update.participantId);
        if (order == null) throw new Error(`round ${update.round}: expected gateways, got an update of one`);
        return order;
      } finally {
        elsewhere?.drop(update.participantId);
      }
    },
    submitMasked(update, input) {
      secure.hold(update.participantId, input);
      try {
        return dispatch(update);
      } finally {
        secure.drop(update.participantId);
      }
    },
    secure,
    deviceEvaluated: evaluations.onDevices.answered,
    durable: journal.durable,
    evaluated: evaluations.settled,
    report: () => buildReport(state, runId, sha256(numbers.ownAdapter)),
    async retire() {
      retired = true;
      timers.stopAll();
      evaluations.close();
      await workload.close();
    },
  };
}

function sha256(values: Float32Array): string {
  return createHash("sha256").update(bytesOf(values)).digest("hex");
}
