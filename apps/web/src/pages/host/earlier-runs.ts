/** Curves of the runs that this page has seen before the present one: they stay in its chart as ghosts. */
import { METHODS, ofArm, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import type { StorageLike } from "../../ui/browser-storage.ts";

export interface EarlierRun {
  readonly runId: string;
  /** What was done to its devices. */
  readonly arm: Pick<RunConfig, "method" | "dropoutRate">;
  /** Held-out loss before the first round and after each. */
  readonly losses: readonly (number | null)[];
}

const MOST = 3;

interface SeenRun {
  readonly runId: string;
  readonly config: RunConfig;
  readonly baseTestLoss: number | null;
  readonly rounds: readonly RoundRecord[];
}

/** The newest last. A run of which nothing was measured leaves no trace, one of another task or model no comparable one. */
export function withEarlier(
  earlier: readonly EarlierRun[],
  left: SeenRun,
  now: RunConfig,
): readonly EarlierRun[] {
  if (left.config.task !== now.task || left.config.model !== now.model) return [];
  const rounds = ofArm(left.rounds, 0);
  if (rounds.every(({ testLoss }) => testLoss === null)) return earlier;
  const { method, dropoutRate } = left.config;
  const losses = [left.baseTestLoss, ...rounds.map(({ testLoss }) => testLoss)];
  return [...earlier, { runId: left.runId, arm: { method, dropoutRate }, losses }].slice(-MOST);
}

const KEY = "fedlodrop.earlier-runs";

/** Over a reload of the page that shows `runId`. */
export function keepEarlier(storage: StorageLike, runId: string, earlier: readonly EarlierRun[]): void {
  storage.setItem(KEY, JSON.stringify({ runId, earlier }));
}

/** What was kept beside this very run; what is damaged is as good as not there. */
export function keptEarlier(storage: StorageLike, runId: string): readonly EarlierRun[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "null");
    if (typeof kept !== "object" || kept === null || !("runId" in kept) || kept.runId !== runId) return [];
    return "earlier" in kept && Array.isArray(kept.earlier) ? kept.earlier.filter(isEarlierRun) : [];
  } catch {
    return [];
  }
}

const isEarlierRun = (run: Partial<EarlierRun> | null): run is EarlierRun =>
  typeof run?.runId === "string" &&
  typeof run.arm?.dropoutRate === "number" &&
  METHODS.includes(run.arm.method) &&
  Array.isArray(run.losses) &&
  run.losses.every((loss) => loss === null || typeof loss === "number");
