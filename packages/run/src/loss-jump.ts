/** A round that made the model worse at once: a hostile update, a learning rate too high, or bad luck. */
import { median } from "./quantile.ts";
import type { RoundRecord } from "./report.ts";

export interface LossJump {
  readonly round: number;
  /** Held-out loss of the adapter that the round began with, and of the one it made, nats. */
  readonly before: number;
  readonly after: number;
}

/** Nats below which a rise is no jump, and how many times the usual change of a round it must be. */
const LEAST_RISE = 0.1;
const TIMES_THE_USUAL = 4;
/** Rounds that say what is usual. */
const ROUNDS_COMPARED = 5;

/**
 * The jump that the adapter of now still has in it, or null: a rise of 0.1 nats at least and of four times the median
 * change of the five rounds before. `newestRound` is the last round in the adapter. A model that overfits gets worse by little each round and is not one.
 */
export function lossJump(
  records: readonly RoundRecord[],
  baseTestLoss: number | null,
  newestRound: number,
): LossJump | null {
  const lossAfter = (round: number): number | null =>
    round === 0 ? baseTestLoss : (records[round - 1]?.testLoss ?? null);
  const changes: number[] = [];
  const jumps: LossJump[] = [];
  for (const { round, basedOnRound, testLoss } of records) {
    const before = lossAfter(basedOnRound);
    if (before === null || testLoss === null) continue;
    const usual = changes.length === 0 ? 0 : median(changes.slice(-ROUNDS_COMPARED));
    if (testLoss - before > Math.max(LEAST_RISE, TIMES_THE_USUAL * usual))
      jumps.push({ round, before, after: testLoss });
    else changes.push(Math.abs(testLoss - before));
  }
  return (
    jumps.findLast(
      ({ round, before }) => isStillIn(records, round, newestRound) && !isMendedSince(records, before),
    ) ?? null
  );
}

/** Whether the newest adapter descends from that round's. */
function isStillIn(records: readonly RoundRecord[], round: number, newestRound: number): boolean {
  let at = newestRound;
  while (at > round) at = records[at - 1]?.basedOnRound ?? 0;
  return at === round;
}

/** Whether training has made up for it meanwhile. */
function isMendedSince(records: readonly RoundRecord[], before: number): boolean {
  const last = records.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  return last !== null && last <= before;
}
