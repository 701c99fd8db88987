/**
 * How much progress a round makes at a keep rate s: U s^p, positive and the less the more is dropped, at any rate. Why a
 * power: to first order a step of AdamW, which is as long whatever its gradient's scale, takes off the loss what the slopes
 * of the trained values sum up to. A share s of the values is trained, and each one's slope is seen through the share s of
 * the other factor alone that is kept, so that p is 1 where that part speaks for the whole, and 2 where all parts add up.
 * What rounds came to at the rates that they had gives U and p.
 */
import { varianceFactor } from "@fedlodrop/allocation";
import type { RoundRecord } from "@fedlodrop/run";
import { progressOf, standpoints } from "./learning-curve.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import { robustFit } from "./robust-fit.ts";

export interface Pace {
  /** U: progress of a round that drops nothing; at least 0. */
  readonly progress: number;
  /** p, above 0. */
  readonly exponent: number;
}

export const progressAt = ({ progress, exponent }: Pace, keepRate: number): number =>
  progress * keepRate ** exponent;

/** What dropping takes off a round's progress for each unit of v(s), up to a keep rate. */
export function priceOf(pace: Pace, keepRate: number): number {
  const factor = varianceFactor(keepRate, VARIANCE_EXPONENT);
  return factor === 0 ? pace.progress * pace.exponent : (pace.progress - progressAt(pace, keepRate)) / factor;
}

export interface PaceEstimate extends Pace {
  /** Standard error of U p, as a share of U, and its deviation before anything was seen. */
  readonly error: number;
  readonly doubt: number;
}

/** p before anything is seen: fixed rates of small and real models showed 0.3 to 3.2 (docs/allocation.md). */
const EXPONENT = { mean: 1.5, deviation: 0.5 } as const;
/** What is seen may say less, or more, but not beyond these: else noise alone could say that dropping costs nothing, or all. */
const LEAST_EXPONENT = 0.5;
const MOST_EXPONENT = 4;
/** Weight of what is seen against one a round younger: the newest rounds are most like the next. */
const MEMORY = 0.85;
/** Noise before any has been seen, as a share of U. */
const NOISE_SHARE = 0.1;

/** @param seen rounds that devices took part in */
export function estimatePace(seen: readonly RoundRecord[]): PaceEstimate {
  const made = progressMade(seen);
  const usual = usualProgress(made);
  const exponent = EXPONENT.mean;
  const doubt = Math.hypot(exponent, EXPONENT.deviation);
  if (usual === null) return { progress: 0, exponent, error: doubt, doubt };
  // U s^p is linear in U and U (p − p₀) about the prior's p₀.
  const { p, q, errorAt } = robustFit(
    made.map(({ progress, shares: { share, bend }, place }) => ({
      x: share,
      z: bend,
      y: progress,
      weight: MEMORY ** (seen.length - 1 - place),
    })),
    {
      p: { mean: usual, deviation: usual },
      q: { mean: 0, deviation: EXPONENT.deviation * usual },
      noiseDeviation: NOISE_SHARE * usual,
    },
  );
  const progress = Math.max(0, p);
  return {
    progress,
    exponent: Math.min(
      MOST_EXPONENT,
      Math.max(LEAST_EXPONENT, progress === 0 ? exponent : exponent + q / progress),
    ),
    error: errorAt(exponent, 1) / usual,
    doubt,
  };
}

/** Means over devices of s^p₀, and of its slope in p. */
interface Shares {
  readonly share: number;
  readonly bend: number;
}

interface Made {
  /** Of a round, where several lay between two evaluations their mean. */
  readonly progress: number;
  readonly shares: Shares;
  /** Of the last of them among those seen. */
  readonly place: number;
}

function progressMade(seen: readonly RoundRecord[]): readonly Made[] {
  const points = standpoints(seen);
  return points.slice(1).flatMap((own, i): Made[] => {
    const before = points[i] as (typeof points)[number];
    if (own.chain !== before.chain) return [];
    const between = seen.slice(before.place + 1, own.place + 1).map(sharesOf);
    const mean = (of: (shares: Shares) => number): number =>
      between.reduce((sum, shares) => sum + of(shares), 0) / between.length;
    return [
      {
        progress: progressOf(before, own) / between.length,
        shares: { share: mean(({ share }) => share), bend: mean(({ bend }) => bend) },
        place: own.place,
      },
    ];
  });
}

/**
 * U if p were what it usually is: the median of what rounds say, those that kept little, whose noise is blown up, weighing
 * less, as in least squares. No few rounds move it. Null while no progress has been seen.
 */
function usualProgress(made: readonly Made[]): number | null {
  const said = made
    .filter(({ shares: { share } }) => share > 0)
    .map(({ progress, shares: { share } }) => ({ usual: progress / share, weight: share * share }))
    .sort((a, b) => a.usual - b.usual);
  let left = said.reduce((sum, { weight }) => sum + weight, 0) / 2;
  const middle = said.find(({ weight }) => {
    left -= weight;
    return left <= 0;
  });
  return middle !== undefined && middle.usual > 0 ? middle.usual : null;
}

/** Progress of a round as its devices kept, foreseen. */
export function progressOfRound({ progress, exponent }: Pace, record: RoundRecord): number {
  return progress * meanOver(record, (keepRate) => keepRate ** exponent);
}

const sharesOf = (record: RoundRecord): Shares => ({
  share: meanOver(record, (keepRate) => keepRate ** EXPONENT.mean),
  bend: meanOver(record, (keepRate) => keepRate ** EXPONENT.mean * Math.log(keepRate)),
});

/** Over those whose updates are in the round. */
function meanOver({ participants }: RoundRecord, of: (keepRate: number) => number): number {
  let [sum, total] = [0, 0];
  for (const { outcome, sampleCount, dropoutRate } of participants) {
    if (outcome !== "aggregated") continue;
    sum += sampleCount * of(1 - dropoutRate);
    total += sampleCount;
  }
  return total === 0 ? 0 : sum / total;
}
