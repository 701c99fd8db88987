/**
 * Plans rounds in a worker thread, in bounded time: P-SCA answers first, within milliseconds, and stands in if the
 * run's own method fails or is not done when its budget has passed.
 */
import type { Planner } from "@fedlodrop/coordinator";
import {
  asksPSca,
  isDirect,
  orQuick,
  type PlanRequest,
  planDirectly,
  type RoundPlan,
} from "@fedlodrop/federation";
import type { RunConfig } from "@fedlodrop/run";
import type { PlannerCalls } from "./planner-thread.ts";
import { startThread, type Thread } from "./thread.ts";

export interface PlannerOptions {
  /** A solver that can stop early is told this. */
  readonly budgetSeconds: number;
  /** A thread that is silent for this long is given up. */
  readonly patienceSeconds: number;
}

const DEFAULTS: PlannerOptions = { budgetSeconds: 1, patienceSeconds: 3 };

export interface PlannerThread {
  readonly plan: Planner;
  /** Starts the thread that a method's first plan would have to wait for. */
  prepare(method: RunConfig["method"]): void;
  close(): Promise<void>;
}

export function openPlanner({ budgetSeconds, patienceSeconds }: PlannerOptions = DEFAULTS): PlannerThread {
  const start = (): Thread<PlannerCalls> =>
    startThread<PlannerCalls>(new URL("./planner-thread.ts", import.meta.url));
  let thread: Thread<PlannerCalls> | null = null;

  /** Null when the thread did not answer in time; it has then been ended. */
  async function ask(request: PlanRequest, patience: number): Promise<RoundPlan | null> {
    thread ??= start();
    const options = { timeBudgetMilliseconds: budgetSeconds * 1000 };
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), patience * 1000);
    });
    try {
      const plan = await Promise.race([thread.call("plan", { request, options }), silence]);
      if (plan === null) await close();
      return plan;
    } catch (error) {
      // A thread that died answers nobody any more; the next call starts another.
      await close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function close(): Promise<void> {
    const ended = thread;
    thread = null;
    await ended?.close();
  }

  return {
    prepare(method) {
      if (!isDirect(method)) thread ??= start();
    },
    async plan(request) {
      const { method } = request.config;
      if (isDirect(method)) return planDirectly(method, request);
      // The first call also starts the thread and loads its modules.
      const quick = await ask(asksPSca(request), patienceSeconds + STARTING_SECONDS);
      if (quick === null) throw new Error("the planner's thread does not answer");
      if (method === "p-sca") return quick;
      const own = await ask(request, patienceSeconds).catch(() => null);
      return orQuick(own, quick);
    },
    close,
  };
}

const STARTING_SECONDS = 30;
