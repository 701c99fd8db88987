/** Seconds of devices' rounds, as plans foresaw them, within what, and as they came. */
import { armOf, turnOf } from "./arms.ts";
import { trackIntervals } from "./prediction-interval.ts";
import type { RoundRecord } from "./report.ts";

/** Rounds that a plan may learn from before its errors count. */
export const ROUNDS_TO_LEARN = 3;

export interface ForeseenSeconds {
  readonly round: number;
  /** Which of its arm's rounds that is. */
  readonly turn: number;
  readonly device: string;
  readonly foreseen: number;
  /** Meant to hold COVERAGE of what comes; null until enough rounds have shown how far off plans are. */
  readonly interval: readonly [number, number] | null;
  /** Null where the device's update did not come to count. */
  readonly actual: number | null;
}

/** Of every device in every round that was planned for it. Plans of an arm learn from its own rounds, and so do its intervals. */
export function foreseenSeconds(rounds: readonly RoundRecord[]): readonly ForeseenSeconds[] {
  const trackers = [trackIntervals(), trackIntervals()] as const;
  return rounds.flatMap((record) => {
    const turn = turnOf(record);
    const tracker = trackers[armOf(record)];
    const ends = turn > ROUNDS_TO_LEARN ? tracker.interval() : null;
    const own = (record.allocation?.devices ?? []).flatMap(
      ({ id, dropoutRate, predictedSeconds, actualSeconds }): ForeseenSeconds[] =>
        dropoutRate === null || !(predictedSeconds > 0)
          ? []
          : [
              {
                round: record.round,
                turn,
                device: id,
                foreseen: predictedSeconds,
                interval: ends && [ends[0] * predictedSeconds, ends[1] * predictedSeconds],
                actual: actualSeconds,
              },
            ],
    );
    // The first round goes by a warm-up that had the machine to itself: its errors are of another kind.
    if (turn > 1)
      tracker.see(own.flatMap(({ foreseen, actual }) => (actual === null ? [] : actual / foreseen)));
    return own;
  });
}

/** How many of the times that had an interval were within it. */
export function intervalsHeld(devices: readonly ForeseenSeconds[]): {
  readonly held: number;
  readonly of: number;
} {
  const within = devices.flatMap(({ interval, actual }) =>
    interval === null || actual === null ? [] : [actual >= interval[0] && actual <= interval[1]],
  );
  return { held: within.filter(Boolean).length, of: within.length };
}
