/** Curves of the runs that this page has seen before the present one: they stay in its chart as ghosts. */
import {
  type Arm,
  armCount,
  METHODS,
  ofArm,
  type RoundRecord,
  type RunConfig,
  termsOf,
} from "@fedlodrop/run";
import type { StorageLike } from "../../ui/browser-storage.ts";

interface EarlierArm {
  /** What was done to the devices in it. */
  readonly terms: Pick<RunConfig, "method" | "dropoutRate">;
  /** Held-out loss before the first round and after each. */
  readonly losses: readonly (number | null)[];
}

export interface EarlierRun {
  readonly runId: string;
  /** Two of a run that compared, its own first. */
  readonly arms: readonly EarlierArm[];
}

const MOST_RUNS = 3;
/** More of them than two comparisons have would hide each other. */
const MOST_CURVES = 4;

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
  const arms = Array.from({ length: armCount(left.config) }, (_, arm) => curveOf(left, arm as Arm)).filter(
    ({ losses }) => losses.slice(1).some((loss) => loss !== null),
  );
  if (arms.length === 0) return earlier;
  return lastOf([...earlier, { runId: left.runId, arms }]);
}

function curveOf({ config, baseTestLoss, rounds }: SeenRun, arm: Arm): EarlierArm {
  const { method, dropoutRate } = termsOf(config, arm);
  return {
    terms: { method, dropoutRate },
    losses: [baseTestLoss, ...ofArm(rounds, arm).map(({ testLoss }) => testLoss)],
  };
}

/** None loses one of its two arms alone. */
function lastOf(runs: readonly EarlierRun[]): readonly EarlierRun[] {
  const curves = runs.reduce((sum, { arms }) => sum + arms.length, 0);
  return runs.length <= MOST_RUNS && curves <= MOST_CURVES ? runs : lastOf(runs.slice(1));
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
  typeof run?.runId === "string" && Array.isArray(run.arms) && run.arms.every(isEarlierArm);

const isEarlierArm = (arm: Partial<EarlierArm> | null): arm is EarlierArm =>
  typeof arm?.terms?.dropoutRate === "number" &&
  METHODS.includes(arm.terms.method) &&
  Array.isArray(arm.losses) &&
  arm.losses.every((loss) => loss === null || typeof loss === "number");
