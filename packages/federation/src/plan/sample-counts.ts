/**
 * What a device's own word about its samples may weigh. Counts are weights of the aggregate, and nobody can check how
 * many texts a device really has: without a bound a single one could claim nearly the whole model.
 */
import type { ReadyParticipant } from "../round/participant.ts";

/** Where participants bring their own texts: a device counts at most this many times the cohort's median. */
const MOST_TIMES_THE_MEDIAN = 4;

/**
 * The cohort with each claimed count cut to what a device can have: the largest of the task's splits, or, when there
 * are none (`largestSplit` null), four times the median. Of two middle counts the smaller one is the median, so that one
 * of two devices cannot lift its own bound.
 */
export function boundedCounts(
  cohort: readonly ReadyParticipant[],
  largestSplit: number | null,
): readonly ReadyParticipant[] {
  const counts = cohort.map(({ device }) => device.sampleCount).sort((a, b) => a - b);
  const median = counts[Math.floor((counts.length - 1) / 2)] ?? 0;
  const most = largestSplit ?? MOST_TIMES_THE_MEDIAN * median;
  return cohort.map((participant) => {
    const { device } = participant;
    return { ...participant, device: { ...device, sampleCount: Math.min(device.sampleCount, most) } };
  });
}
