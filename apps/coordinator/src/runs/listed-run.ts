/** What a list of runs shows of one. */
import { hostname } from "node:os";
import { roundsInAll } from "@fedlodrop/run";
import type { LiveRun } from "./live-run.ts";

/** As its coordinator sees it now. */
export interface RunStatus {
  /** Of the round machine. */
  readonly phase: string;
  /** Rounds that have closed. */
  readonly round: number;
  readonly rounds: number;
  /** Connected. */
  readonly devices: number;
  /** Where devices join. */
  readonly url: string;
}

/** What is not known is null: a run that nobody has, or of an earlier program. */
export interface ListedRun {
  readonly name: string;
  readonly runId: string;
  readonly begun: string | null;
  /** In words. */
  readonly state: string;
  readonly round: number;
  readonly rounds: number | null;
  readonly devices: number | null;
  /** That were accepted. */
  readonly updates: number;
  /** The process that has it. */
  readonly owner: string | null;
  readonly url: string | null;
}

/** What an operator finds it by. */
export const processName = (): string => `process ${process.pid} of ${hostname()}`;

export function statusOf({ state }: LiveRun, url: string): RunStatus {
  const here = [...state.participants.values()].filter(
    ({ presence }) => presence === "loading" || presence === "ready",
  );
  return {
    phase: state.kind,
    round: state.records.length,
    rounds: roundsInAll(state.config),
    devices: here.length,
    url,
  };
}

/** Of a coordinator whose run stands beside no other. */
export function listedAlone(run: LiveRun, url: string): ListedRun {
  const { phase, ...status } = statusOf(run, url);
  const updates = run.state.records.flatMap(({ participants }) =>
    participants.filter(({ outcome }) => outcome === "aggregated"),
  ).length;
  return {
    ...status,
    name: run.runId,
    runId: run.runId,
    begun: null,
    state: phase,
    updates,
    owner: processName(),
  };
}
