/** The generalisation gap over the rounds, nats: as it was measured, and as plans foresaw it, with its band. */
import { foreseenGap, type RoundRecord } from "@fedlodrop/run";

type Series = readonly (number | null)[];

export interface GapSeries {
  readonly measured: Series;
  readonly foreseen: Series;
  /** One standard deviation to either side, once rounds have shown it. */
  readonly low: Series;
  readonly high: Series;
}

export function gapSeries(rounds: readonly RoundRecord[]): GapSeries {
  const foreseen = rounds.map(({ allocation }) => allocation && foreseenGap(allocation));
  const beside = (sign: -1 | 1): Series =>
    rounds.map(({ allocation }, i) => {
      const [middle, deviation] = [foreseen[i] ?? null, allocation?.constants.gapDeviation ?? null];
      return middle === null || deviation === null ? null : middle + sign * deviation;
    });
  return {
    measured: rounds.map(({ allocation }) => allocation?.measuredGap ?? null),
    foreseen,
    low: beside(-1),
    high: beside(1),
  };
}
