/** How far measured gaps were from what plans had foreseen, which is the band of the next one. */
import { foreseenGap, type RoundRecord } from "@fedlodrop/run";
import { measuredGap } from "../round/history.ts";

/** The newest errors count: what is foreseen gets better as more is known. */
const ERRORS_KEPT = 8;
/** Fewer say nothing of a deviation. */
const ERRORS_NEEDED = 3;

/** Standard deviation of the gap around what is foreseen, nats; null until it can be told. */
export function gapDeviation(records: readonly RoundRecord[]): number | null {
  const errors = records
    .flatMap(({ evaluation, allocation }): number[] => {
      const gap = evaluation && measuredGap(evaluation);
      // The theorem's own value foresees nothing.
      const foreseen = allocation?.constants.form === "calibrated" ? foreseenGap(allocation) : null;
      return gap === null || foreseen === null ? [] : [gap - foreseen];
    })
    .slice(-ERRORS_KEPT);
  if (errors.length < ERRORS_NEEDED) return null;
  // One fewer than there are, so that few errors make a wide band.
  return Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / (errors.length - 1));
}
