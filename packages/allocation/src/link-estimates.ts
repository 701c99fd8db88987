/**
 * What a measured-link problem is made of, from what rounds really took: the time of local training as a line in the
 * keep rate, and the transfer rate and round trip of each participant. Pure: a history in, an estimate out.
 */
import type { LinearInKeepRate } from "./latency.ts";

/** One local training as timed on the device. */
export interface TrainingTime {
  readonly keepRate: number;
  readonly seconds: number;
}

export interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
}

/** Predicted times are multiplied by this: a missed deadline costs a whole update, a little slack a little rate. */
export const deadlineSlack = 1.15;

const trainingWindow = 8;
const transferWindow = 5;
/** Shorter transfers time the round trip, not the path. */
const leastTransferBytes = 64 * 1024;
/** Of a first training time, what a keep rate of 1 would add, as long as one keep rate only has been seen. */
const assumedAdapterShare = 0.1;

/** Seconds of training against the keep rate, by least squares over the last eight rounds. The slope is at least 0
 *  (more kept is never faster); with a single keep rate seen it is assumed a tenth of the time.
 *  @returns null before the first round */
export function trainingSeconds(history: readonly TrainingTime[]): LinearInKeepRate | null {
  const rounds = history.slice(-trainingWindow);
  if (rounds.length === 0) return null;
  const meanRate = mean(rounds.map((round) => round.keepRate));
  const meanSeconds = mean(rounds.map((round) => round.seconds));
  const spread = rounds.reduce((sum, { keepRate }) => sum + (keepRate - meanRate) ** 2, 0);
  const joint = rounds.reduce(
    (sum, { keepRate, seconds }) => sum + (keepRate - meanRate) * (seconds - meanSeconds),
    0,
  );
  const slope =
    spread < 1e-6
      ? (assumedAdapterShare * meanSeconds) / (1 + assumedAdapterShare * meanRate)
      : joint / spread;
  // Both parts stay at least 0, and the line goes through the mean.
  const perKeepRate = Math.min(Math.max(slope, 0), meanSeconds / meanRate);
  return { fixed: Math.max(meanSeconds - perKeepRate * meanRate, 0), perKeepRate };
}

/** Bit/s of a path: the harmonic mean of the last five transfers that were long enough to show it, so that the total
 *  time of equal transfers is right. @returns null before the first such transfer */
export function transferBitsPerSecond(history: readonly Transfer[]): number | null {
  const transfers = history.filter(({ bytes, seconds }) => bytes >= leastTransferBytes && seconds > 0);
  const recent = transfers.slice(-transferWindow);
  if (recent.length === 0) return null;
  return (8 * recent.length) / recent.reduce((sum, { bytes, seconds }) => sum + seconds / bytes, 0);
}

/** Median, unmoved by a single stall. @returns null without measurements */
export function medianSeconds(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : 0.5 * ((sorted[middle - 1] as number) + upper);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
