/**
 * A run that is going on: the machine's state, the full adapter, and the carrying out of the machine's effects.
 * Whatever leads to another event (a plan, an evaluation, a timer) does so later, never within `dispatch`.
 */
import { createHash } from "node:crypto";
import {
  type Aggregation,
  buildReport,
  createAggregation,
  type Effect,
  type ReadyParticipant,
  type Refusal,
  type RunEvent,
  type RunState,
  transition,
} from "@fedlodrop/federation";
import type { RoundClosed, RoundStart, RunEnded } from "@fedlodrop/protocol";
import { adapterSize, drawDropoutMask, keptIndices, type RoundRecord, type RunReport } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import { partOf } from "../sockets/sessions.ts";
import type { Planner } from "./planner.ts";
import type { Workload } from "./workload.ts";

/** Where the run's messages go. */
interface Outbox {
  roundStart(participantId: string, message: RoundStart): void;
  roundClosed(participantId: string, message: RoundClosed): void;
  runEnded(message: RunEnded): void;
  kicked(participantId: string): void;
  /** A newcomer is gone before it was in any round. */
  forgotten(participantId: string): void;
  /** A round is over and the adapter is the new one. */
  recorded(record: RoundRecord): void;
  /** Something that a host can see has changed. */
  changed(): void;
  log(line: string): void;
}

export interface LiveRunOptions {
  readonly runId: string;
  readonly workload: Workload;
  readonly state: RunState;
  readonly adapter: Float32Array;
  readonly clock: Clock;
  readonly graceSeconds: number;
  readonly plan: Planner;
  readonly outbox: Outbox;
}

export interface LiveRun {
  readonly runId: string;
  readonly workload: Workload;
  readonly state: RunState;
  /** The full adapter after the last closed round. */
  readonly adapter: Float32Array;
  /** Why the last plan has paused the run, or null. */
  readonly planProblem: string | null;
  dispatch(event: RunEvent): Refusal | null;
  report(): RunReport;
  /** Nothing happens in this run any more; its workload is closed. */
  retire(): Promise<void>;
}

export function createLiveRun(options: LiveRunOptions): LiveRun {
  const { runId, workload, clock, outbox, graceSeconds } = options;
  let { state, adapter } = options;
  let aggregation: Aggregation | null = null;
  /** Of the training texts: those that updates in the adapter, or in the open round, come from. */
  const partsTrainedOn = new Set(
    state.records
      .flatMap(({ participants }) => participants.filter(({ outcome }) => outcome === "aggregated"))
      .map(({ id }) => partOf(id, workload.deviceCount)),
  );
  let planProblem: string | null = null;
  let lastEvaluationMs = 0;
  let cancelDeadline = (): void => {};
  let retired = false;
  const timers = new Set<() => void>();
  /** By participant: cancels the time of grace that is running. */
  const graces = new Map<string, () => void>();

  function dispatch(event: RunEvent): Refusal | null {
    if (retired) return null;
    const step = transition(state, event);
    state = step.state;
    step.effects.forEach(carryOut);
    outbox.changed();
    return step.effects.find((effect) => effect.kind === "refuse") ?? null;
  }

  function after(ms: number, callBack: () => void): () => void {
    const stop = clock.after(Math.max(0, ms), () => {
      timers.delete(stop);
      callBack();
    });
    timers.add(stop);
    return () => {
      timers.delete(stop);
      stop();
    };
  }

  function carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "plan":
        void plan(effect.round, effect.participants);
        return;
      case "start-round": {
        const { round, assignment, deadlineSeconds } = effect;
        const { participantId, ...terms } = assignment;
        aggregation ??= createAggregation(adapterSize(workload.adapter));
        outbox.roundStart(participantId, {
          round,
          ...terms,
          deadlineSeconds,
          training: state.config.training,
        });
        return;
      }
      case "arm-deadline":
        cancelDeadline = after(effect.atMs - clock.nowMs(), () =>
          dispatch({ kind: "deadline-passed", round: effect.round, atMs: clock.nowMs() }),
        );
        return;
      case "cancel-deadline":
        cancelDeadline();
        return;
      case "arm-grace": {
        const { participantId } = effect;
        // Grace counts from the last loss of a connection that comes and goes.
        graces.get(participantId)?.();
        const pass = () => {
          graces.delete(participantId);
          dispatch({ kind: "grace-passed", participantId, atMs: clock.nowMs() });
        };
        graces.set(participantId, after(graceSeconds * 1000, pass));
        return;
      }
      case "fold-update": {
        const { round, assignment, changes, weight } = effect;
        partsTrainedOn.add(partOf(assignment.participantId, workload.deviceCount));
        const mask = drawDropoutMask(workload.adapter, { seed: state.config.seed, round, ...assignment });
        aggregation?.fold(changes, keptIndices(workload.adapter, mask), weight);
        return;
      }
      case "close-round":
        adapter = aggregation?.apply(adapter) ?? adapter;
        aggregation = null;
        return;
      case "evaluate":
        void evaluate(effect.round);
        return;
      case "record-round":
        outbox.recorded(effect.record);
        return;
      case "announce-round":
        outbox.roundClosed(effect.participantId, effect.message);
        return;
      case "end-run":
        outbox.runEnded({ reason: effect.reason, roundsDone: effect.roundsDone });
        return;
      case "dismiss":
        outbox.kicked(effect.participantId);
        return;
      case "forget":
        outbox.forgotten(effect.participantId);
        return;
      case "refuse":
        return; // dispatch returns it
      default:
        effect satisfies never;
    }
  }

  /** A round without a plan would hang, so that a planner that fails pauses the run and says why. */
  async function plan(round: number, participants: readonly ReadyParticipant[]): Promise<void> {
    const request = {
      config: state.config,
      adapter: state.adapter,
      round,
      participants,
      records: state.records.slice(-ROUNDS_REMEMBERED),
    };
    planProblem = null;
    const made = await options.plan(request).catch((error: unknown) => {
      planProblem = `round ${round} cannot be planned: ${messageOf(error)}`;
      return { assignments: [], allocation: null };
    });
    if (made.assignments.length === 0 && made.allocation !== null) {
      const reasons = made.allocation.devices.map(({ id, excludedBecause }) => `${id}: ${excludedBecause}`);
      planProblem = `round ${round} pauses the run, nobody can take part (${reasons.join("; ")})`;
    }
    if (planProblem !== null) outbox.log(planProblem);
    dispatch({ kind: "planned", round, plan: made, atMs: clock.nowMs() });
  }

  /** An evaluation that fails leaves the round without a held-out loss; the run goes on. */
  async function measure(of: string) {
    const parts = [...partsTrainedOn].sort((a, b) => a - b);
    const startedMs = clock.nowMs();
    const evaluation = await workload.evaluate?.(adapter, parts).catch((error: unknown) => {
      if (!retired) outbox.log(`${of} cannot be evaluated: ${messageOf(error)}`);
    });
    lastEvaluationMs = clock.nowMs() - startedMs;
    return evaluation ?? null;
  }

  /** The round waits for its evaluation, but not for ever. */
  async function evaluate(round: number): Promise<void> {
    const limitMs = Math.max(LEAST_EVALUATION_LIMIT_MS, EVALUATION_SLACK * lastEvaluationMs);
    let cancel = (): void => {};
    const tooLong = new Promise<null>((resolve) => {
      cancel = after(limitMs, () => {
        outbox.log(`round ${round} cannot be evaluated: it has taken longer than ${limitMs / 1000} s`);
        resolve(null);
      });
    });
    const evaluation = await Promise.race([measure(`round ${round}`), tooLong]);
    cancel();
    dispatch({ kind: "evaluated", round, evaluation, atMs: clock.nowMs() });
  }

  async function evaluateBase(): Promise<void> {
    const evaluation = await measure("the base model");
    if (evaluation) dispatch({ kind: "base-evaluated", testLoss: evaluation.testLoss, atMs: clock.nowMs() });
  }
  if (state.baseTestLoss === null && state.records.length === 0) void evaluateBase();

  return {
    runId,
    workload,
    get state() {
      return state;
    },
    get adapter() {
      return adapter;
    },
    get planProblem() {
      return planProblem;
    },
    dispatch,
    report: () => buildReport(state, runId, sha256(adapter)),
    async retire() {
      retired = true;
      for (const cancel of timers) cancel();
      await workload.close();
    },
  };
}

/** An evaluation may take this many times what the last one took, and a minute at least. */
const EVALUATION_SLACK = 10;
const LEAST_EVALUATION_LIMIT_MS = 60_000;

/** Rounds that a plan looks back on. */
const ROUNDS_REMEMBERED = 24;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function sha256(values: Float32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}
