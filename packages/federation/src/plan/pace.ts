/**
 * How much progress a round makes, and what dropping takes off it: U − A v(s). What the rounds came to gives both, roughly;
 * what a round's two leanings differ in (contrast.ts) gives A alone, free of what else changed between rounds.
 */
import { varianceFactor } from "@fedlodrop/allocation";
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { LEANING } from "../update/contrast.ts";
import { progressOf, standpoints } from "./learning-curve.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import { type Observation, robustFit } from "./robust-fit.ts";

export interface Pace {
  /** U: progress of a round that drops nothing. */
  readonly progress: number;
  /** A in progress: what dropping costs, per unit of v(s). */
  readonly variance: number;
}

/** Of a round whose devices' mean v(s) is `factor`. */
export const progressAt = ({ progress, variance }: Pace, factor: number): number =>
  progress - variance * factor;

export interface PaceEstimate extends Pace {
  /** Standard error of A, and its deviation before any comparison. */
  readonly error: number;
  readonly doubt: number;
}

/** A where no round has told what a round makes. */
const ASSUMED_VARIANCE = 0.05;
/** A as a share of U: devices that drop v(s) = 1, a half, make 30 % less progress than those that drop nothing. */
const VARIANCE_SHARE = 0.3;
/** What is seen may say less, but no less than half as much: else noise alone could say that dropping costs nothing. */
const LEAST_SHARE = 0.5;
/** Weight of what is seen against one a round younger: the newest rounds are most like the next. */
const MEMORY = 0.7;
/** Noise before any has been seen, as a share of U. */
const NOISE_SHARE = 0.1;

/** @param seen rounds that devices took part in */
export function estimatePace(seen: readonly RoundRecord[]): PaceEstimate {
  const made = progressMade(seen);
  const usual = usualProgress(made);
  if (usual === null)
    return { progress: 0, variance: ASSUMED_VARIANCE, error: ASSUMED_VARIANCE, doubt: ASSUMED_VARIANCE };
  const observe = (y: number, rounds: number, factor: number, place: number): Observation => ({
    x: rounds - VARIANCE_SHARE * factor,
    z: -factor,
    y,
    weight: MEMORY ** (seen.length - 1 - place),
  });
  const doubt = VARIANCE_SHARE * usual;
  const { p, q, errorAt } = robustFit(
    [
      ...made.map(({ progress, factor, place }) => observe(progress, 1, factor, place)),
      ...seen.flatMap((record, place) => {
        const compared = compare(record);
        return compared === null ? [] : [observe(compared.progress, 0, compared.factor, place)];
      }),
    ],
    {
      p: { mean: usual, deviation: usual },
      q: { mean: 0, deviation: doubt },
      noiseDeviation: NOISE_SHARE * usual,
    },
  );
  return {
    progress: p,
    variance: Math.max(LEAST_SHARE * doubt, VARIANCE_SHARE * p + q),
    error: errorAt(VARIANCE_SHARE, 1),
    doubt: Math.hypot(doubt, doubt),
  };
}

interface Made {
  /** Of a round, where several lay between two evaluations their mean. */
  readonly progress: number;
  /** Mean of v(s) over those who took part. */
  readonly factor: number;
  /** Of the last of them among those seen. */
  readonly place: number;
}

function progressMade(seen: readonly RoundRecord[]): readonly Made[] {
  const points = standpoints(seen);
  return points.slice(1).map((own, i): Made => {
    const before = points[i] as (typeof points)[number];
    const between = seen.slice(before.place + 1, own.place + 1);
    return {
      progress: progressOf(before, own) / between.length,
      factor: between.reduce((sum, record) => sum + meanFactor(record), 0) / between.length,
      place: own.place,
    };
  });
}

/** U if A were its usual share, by least squares; null while no progress has been seen. */
function usualProgress(made: readonly Made[]): number | null {
  let [sum, squares] = [0, 0];
  for (const { progress, factor } of made) {
    const kept = 1 - VARIANCE_SHARE * factor;
    sum += progress * kept;
    squares += kept * kept;
  }
  return sum > 0 ? sum / squares : null;
}

/** Mean of v(s) over those whose updates are in the round. */
export const meanFactor = (record: RoundRecord): number => leaning(record, () => false);

/** What a round's two leanings differ in: v(s), and the progress. */
function compare(record: RoundRecord): { readonly factor: number; readonly progress: number } | null {
  const { evaluation, allocation } = record;
  if (!evaluation?.contrast || allocation === null) return null;
  const { high, low } = evaluation.contrast;
  const raised = new Set(allocation.devices.flatMap(({ id, dither }) => (dither > 0 ? [id] : [])));
  const progress = Math.log(low.trainLoss / high.trainLoss);
  if (!Number.isFinite(progress)) return null;
  return {
    progress,
    factor: leaning(record, ({ id }) => raised.has(id)) - leaning(record, ({ id }) => !raised.has(id)),
  };
}

/** Mean of v(s), those on one side counting for more. */
function leaning(
  { participants }: RoundRecord,
  isOnSide: (participant: ParticipantRound) => boolean,
): number {
  let [sum, total] = [0, 0];
  for (const participant of participants) {
    if (participant.outcome !== "aggregated") continue;
    const weight = (isOnSide(participant) ? LEANING : 1) * participant.sampleCount;
    sum += weight * varianceFactor(1 - participant.dropoutRate, VARIANCE_EXPONENT);
    total += weight;
  }
  return total === 0 ? 0 : sum / total;
}
