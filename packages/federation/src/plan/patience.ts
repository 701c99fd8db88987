/**
 * How long a round waits for a device once enough others have answered. One that is merely slow has the time that its
 * plan foresees, or that it last took, and half as much again; one that was missed has twice the time in the next round,
 * up to the deadline, after which it rests (`resting.ts`). So nobody is shut out round after round for being the slowest.
 */
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { secondsSpent } from "../round/history.ts";

/** A busy device takes longer than foreseen. */
const SLACK = 1.5;

/**
 * @param expectedSeconds from the round's start to the end of its upload
 * @param records the last rounds, the newest last
 */
export function patienceSeconds(
  id: string,
  expectedSeconds: number,
  records: readonly RoundRecord[],
): number {
  const own = records.flatMap(({ participants }) => participants.filter((one) => one.id === id));
  const lastAnswered = own.findLastIndex((one) => !isMiss(one));
  const misses = own.length - 1 - lastAnswered;
  return SLACK * Math.max(expectedSeconds, secondsSpent(own[lastAnswered]) ?? 0) * 2 ** misses;
}

const isMiss = ({ outcome }: ParticipantRound): boolean =>
  outcome === "missed-deadline" || outcome === "late";
