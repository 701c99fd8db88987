/** A run that is going on: who owns its state, and the one door through which anything happens to it. */
import { createHash } from "node:crypto";
import { buildReport, type Refusal, type RunEvent, type RunState, transition } from "@fedlodrop/federation";
import type { RunReport, SubAdapter } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import { carryOut, type EffectRooms } from "./effects.ts";
import { createEvaluations } from "./evaluation.ts";
import type { Outbox } from "./outbox.ts";
import type { Planner } from "./planner.ts";
import { createPlanning } from "./planning.ts";
import { createRoundNumbers } from "./round-numbers.ts";
import { createTimers } from "./timers.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import type { Workload } from "./workload.ts";

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
  readonly traffic: Traffic;
  /** What a participant holds in the open round at its dropout rate. */
  subAdapter(round: number, participantId: string, dropoutRate: number): SubAdapter;
  /** Whether the host can still go back behind this round. */
  canRestore(beforeRound: number): boolean;
  dispatch(event: RunEvent): Refusal | null;
  /** An update whose `changes` are decoded, finite and within range: it counts when the answer is null. */
  submit(update: Extract<RunEvent, { kind: "update-arrived" }>, changes: Float32Array): Refusal | null;
  report(): RunReport;
  /** Nothing happens in this run any more; its workload is closed. */
  retire(): Promise<void>;
}

export function createLiveRun(options: LiveRunOptions): LiveRun {
  const { runId, workload, clock, outbox, graceSeconds } = options;
  let { state } = options;
  let retired = false;
  const timers = createTimers(clock);
  const traffic = createTraffic(outbox.changed);
  const numbers = createRoundNumbers(workload.adapter, state.config.seed, options.adapter, state.records);
  const planning = createPlanning(options.plan, outbox.log);
  const evaluations = createEvaluations({
    workload,
    clock,
    records: state.records,
    evaluated: (round, evaluation) => {
      dispatch({ kind: "evaluated", round, evaluation, atMs: clock.nowMs() });
    },
    log: outbox.log,
  });
  const rooms: EffectRooms = {
    clock,
    timers,
    numbers,
    traffic,
    evaluations,
    planning,
    outbox,
    graceSeconds,
    state: () => state,
    dispatch,
  };

  function dispatch(event: RunEvent): Refusal | null {
    if (retired) return null;
    const before = state.kind;
    const step = transition(state, event);
    state = step.state;
    for (const effect of step.effects) carryOut(effect, rooms);
    const isOneOnly = "participantId" in event && step.state.kind === before;
    outbox.changed(isOneOnly ? event.participantId : null);
    return step.effects.find((effect) => effect.kind === "refuse") ?? null;
  }

  if (state.evaluatedRounds < state.records.length)
    evaluations.ask(state.records.length, numbers.adapter, false);

  return {
    runId,
    workload,
    traffic,
    get state() {
      return state;
    },
    get adapter() {
      return numbers.adapter;
    },
    get planProblem() {
      return planning.problem;
    },
    subAdapter: numbers.subAdapter,
    canRestore: numbers.canRestore,
    dispatch,
    submit(update, changes) {
      numbers.hold(update.participantId, changes);
      try {
        return dispatch(update);
      } finally {
        numbers.drop(update.participantId);
      }
    },
    report: () => buildReport(state, runId, sha256(numbers.adapter)),
    async retire() {
      retired = true;
      timers.stopAll();
      evaluations.close();
      await workload.close();
    },
  };
}

function sha256(values: Float32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}
