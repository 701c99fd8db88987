/** Curves of the runs that this page has seen before the present one: they stay in its chart as ghosts. */
import { ofArm, type RoundRecord, type RunConfig } from "@fedlodrop/run";

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
