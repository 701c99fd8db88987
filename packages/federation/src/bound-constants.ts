/**
 * The bound's constants, estimated from scalars that participants and evaluations report (docs/allocation.md has the
 * table with what each stands for). Every estimate is an exponential average over rounds, clamped to its range.
 */
import { generalisationGap, varianceFactor } from "@fedlodrop/allocation";
import type { BoundEstimate, RoundRecord } from "@fedlodrop/protocol";

/** Rounds before estimates replace the defaults. */
const ROUNDS_NEEDED = 3;
const MEMORY = 0.9;
/** ν of the variance factor. */
export const VARIANCE_EXPONENT = 1;
/** A as a share of the loss, until rounds have been seen, and its range afterwards. */
const DEFAULT_VARIANCE_SHARE = 0.05;
const VARIANCE_SHARE_RANGE = [0.005, 0.5] as const;
/** Loss assumed before anything has been evaluated, nats. */
const ASSUMED_LOSS = 4;

const DEFAULTS = {
  lossRange: 8,
  gradientNorm: 1,
  ridge: 0.5, // λ is free in the theory
  minCurvature: 0.1,
  confidence: 0.1,
  gapScale: 1,
} as const;

export function estimateConstants(records: readonly RoundRecord[], exampleCount: number): BoundEstimate {
  const evaluated = records.flatMap(({ evaluation }) => evaluation ?? []);
  const loss = evaluated.at(-1)?.trainLoss ?? ASSUMED_LOSS;
  const fallback: BoundEstimate = {
    ...DEFAULTS,
    exampleCount,
    varianceCoefficient: DEFAULT_VARIANCE_SHARE * loss,
    source: "default",
  };
  const seen = records.filter(({ participants }) =>
    participants.some(({ outcome }) => outcome === "aggregated"),
  );
  if (seen.length < ROUNDS_NEEDED) return fallback;

  const [leastShare, mostShare] = VARIANCE_SHARE_RANGE;
  const known: BoundEstimate = {
    ...fallback,
    source: "estimated",
    gradientNorm: clamp(
      average(seen, ({ gradientNorm95 }) => gradientNorm95) ?? DEFAULTS.gradientNorm,
      1e-3,
      1e3,
    ),
    lossRange: clamp(average(seen, ({ lossSpread }) => lossSpread) ?? DEFAULTS.lossRange, 0.05, 20),
    varianceCoefficient: clamp(
      regressVariance(seen) ?? fallback.varianceCoefficient,
      leastShare * loss,
      mostShare * loss,
    ),
  };
  return { ...known, gapScale: clamp(measuredGapScale(seen, known) ?? DEFAULTS.gapScale, 1e-3, 1) };
}

/** Exponential average over rounds of the sample-weighted mean over participants. */
function average(
  records: readonly RoundRecord[],
  read: (participant: RoundRecord["participants"][number]) => number | null,
): number | null {
  return exponential(
    records.flatMap(({ participants }) => {
      const told = participants.filter((participant) => read(participant) !== null);
      const weight = told.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
      return weight === 0
        ? []
        : [told.reduce((sum, p) => sum + (p.sampleCount / weight) * (read(p) as number), 0)];
    }),
  );
}

function exponential(values: readonly number[]): number | null {
  return values.reduce<number | null>(
    (mean, value) => (mean === null ? value : MEMORY * mean + (1 - MEMORY) * value),
    null,
  );
}

/** κ_g: measured gap over the gap that the pure bound predicts at the rates of that round. */
function measuredGapScale(records: readonly RoundRecord[], constants: BoundEstimate): number | null {
  const pure = { ...constants, gapScale: 1 };
  return exponential(
    records.flatMap(({ evaluation, participants }) => {
      if (evaluation === null) return [];
      const weight = participants.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
      const dropped = participants.reduce(
        (sum, p) => sum + (p.sampleCount / weight) * (1 - (1 - p.dropoutRate) ** 2),
        0,
      );
      return [(evaluation.testLoss - evaluation.trainLoss) / generalisationGap(pure, dropped)];
    }),
  );
}

/**
 * A by least squares through 0 of what a mask adds to the loss, on v(s): a participant's mean training loss under its
 * mask against the full adapter's loss before the round. Local training lowers the former, so this errs to the low
 * side, which the clamp bounds.
 */
function regressVariance(records: readonly RoundRecord[]): number | null {
  let [xy, xx] = [0, 0];
  records.forEach(({ participants }, i) => {
    const before = records[i - 1]?.evaluation?.trainLoss;
    if (before === undefined) return;
    for (const { trainLoss, dropoutRate, sampleCount } of participants) {
      if (trainLoss === null) continue;
      const x = varianceFactor(1 - dropoutRate, VARIANCE_EXPONENT);
      xy += sampleCount * x * (trainLoss - before);
      xx += sampleCount * x * x;
    }
  });
  return xx === 0 ? null : xy / xx;
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
