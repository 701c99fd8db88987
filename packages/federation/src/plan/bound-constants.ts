/**
 * The bound's constants, estimated from scalars that participants and evaluations report (docs/allocation.md has the
 * table with what each stands for). Every estimate is an exponential average over rounds, clamped to its range.
 */
import { generalisationGap, varianceFactor } from "@fedlodrop/allocation";
import { type BoundEstimate, median, type RoundRecord } from "@fedlodrop/run";
import { measuredGap } from "../round/history.ts";
import { EVALUATION_LAG } from "../round/run-state.ts";

/** Rounds before estimates replace the defaults. */
const ROUNDS_NEEDED = 3;
const MEMORY = 0.9;
/** ν of the variance factor. */
export const VARIANCE_EXPONENT = 1;
/** A as a share of the loss, until rounds have been seen, and its range afterwards. */
const DEFAULT_VARIANCE_SHARE = 0.05;
const VARIANCE_SHARE_RANGE = [0.005, 0.5] as const;
/** Λ_min is at least this share of the mean curvature; whoever measures it looks no lower. */
const LEAST_CURVATURE_SHARE = 0.01;
/** Loss assumed before anything has been evaluated, nats. */
const ASSUMED_LOSS = 4;

const DEFAULTS = {
  lossRange: 8,
  gradientNorm: 1,
  ridge: 0.5,
  minCurvature: 0.1,
  confidence: 0.1,
  gapScale: 1,
} as const;

/**
 * Whether a round's evaluation measures the curvature, in a run of so many rounds. It changes slowly and costs as much
 * as the evaluation itself, so that every other round does; and none does where too few of them would ever be looked at.
 */
export function measuresCurvature(round: number, rounds: number): boolean {
  const isLookedAt = (probed: number): boolean => probed + EVALUATION_LAG <= rounds;
  const lastNeeded = 1 + 2 * (ROUNDS_NEEDED - 1);
  return round % 2 === 1 && isLookedAt(round) && isLookedAt(lastNeeded);
}

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

  // Where the mean is not positive, there is nothing that a ridge could stand for.
  const curvatures = evaluated.flatMap(({ curvature }) => (curvature && curvature.mean > 0 ? curvature : []));
  const [leastShare, mostShare] = VARIANCE_SHARE_RANGE;
  const known: BoundEstimate = {
    ...fallback,
    source: "estimated",
    gradientNorm: clamp(
      average(seen, ({ gradientNorm95 }) => gradientNorm95) ?? DEFAULTS.gradientNorm,
      1e-3,
      1e3,
    ),
    lossRange: clamp(
      observed(evaluated.flatMap(({ exampleLossSpread }) => exampleLossSpread ?? [])) ??
        average(seen, ({ lossSpread }) => lossSpread) ??
        DEFAULTS.lossRange,
      0.05,
      20,
    ),
    // A dropout ridge is half the curvature that dropped entries would have met.
    ridge: clamp(observed(curvatures.map(({ mean }) => mean / 2)) ?? DEFAULTS.ridge, 1e-4, 10),
    // The theory needs a positive one, and a loss around a network curves both ways.
    minCurvature: clamp(
      observed(curvatures.map(({ mean, least }) => Math.max(least, LEAST_CURVATURE_SHARE * mean))) ??
        DEFAULTS.minCurvature,
      1e-6,
      10,
    ),
    varianceCoefficient: clamp(
      regressVariance(seen) ?? fallback.varianceCoefficient,
      leastShare * loss,
      mostShare * loss,
    ),
  };
  return { ...known, gapScale: clamp(measuredGapScale(seen, known) ?? DEFAULTS.gapScale, 1e-3, 1) };
}

/** Exponential average over rounds of the median over participants, which nobody's word alone can move far. */
function average(
  records: readonly RoundRecord[],
  read: (participant: RoundRecord["participants"][number]) => number | null,
): number | null {
  return exponential(
    records.flatMap(({ participants }) => {
      const told = participants.flatMap((participant) => read(participant) ?? []);
      return told.length === 0 ? [] : [median(told)];
    }),
  );
}

/** Null until there are enough observations. */
function observed(values: readonly number[]): number | null {
  return values.length < ROUNDS_NEEDED ? null : exponential(values);
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
      const gap = evaluation && measuredGap(evaluation);
      if (gap === null) return [];
      const weight = participants.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
      const dropped = participants.reduce(
        (sum, p) => sum + (p.sampleCount / weight) * (1 - (1 - p.dropoutRate) ** 2),
        0,
      );
      return [gap / generalisationGap(pure, dropped)];
    }),
  );
}

/** Variation of v(s) below which rates have not differed enough to tell anything. */
const LEAST_VARIATION = 1e-3;

/**
 * A by least squares of participants' training losses under their masks on v(s), with an effect for each device (its
 * texts are easier or harder) and each round (everyone improves). Null while rates do not differ enough.
 */
export function regressVariance(records: readonly RoundRecord[]): number | null {
  const rows = records.flatMap(({ round, participants }) => {
    const within = plausible(participants.flatMap(({ trainLoss }) => trainLoss ?? []));
    return participants.flatMap(({ id, trainLoss, dropoutRate, sampleCount }) =>
      trainLoss === null
        ? []
        : [
            {
              id,
              round,
              weight: sampleCount,
              x: varianceFactor(1 - dropoutRate, VARIANCE_EXPONENT),
              y: within(trainLoss),
            },
          ],
    );
  });
  // Alternating the two kinds of mean converges to both effects at once, also where someone was missing.
  for (let pass = 0; pass < 20; pass++) {
    subtractMeans(rows, ({ round }) => round);
    subtractMeans(rows, ({ id }) => id);
  }
  const weight = rows.reduce((sum, row) => sum + row.weight, 0);
  const xx = rows.reduce((sum, row) => sum + row.weight * row.x * row.x, 0);
  const xy = rows.reduce((sum, row) => sum + row.weight * row.x * row.y, 0);
  return xx > LEAST_VARIATION * weight ? xy / xx : null;
}

/** Median absolute deviations within which a participant's loss is believed, and how many must have told theirs. */
const BELIEVED_DEVIATIONS = 6;
const LEAST_LOSSES = 4;

/** Cuts a loss to what the others of its round make plausible: a least-squares fit follows the one that lies most. */
function plausible(losses: readonly number[]): (loss: number) => number {
  if (losses.length < LEAST_LOSSES) return (loss) => loss;
  const middle = median(losses);
  const most = BELIEVED_DEVIATIONS * median(losses.map((loss) => Math.abs(loss - middle)));
  return (loss) => clamp(loss, middle - most, middle + most);
}

interface Row {
  readonly id: string;
  readonly round: number;
  readonly weight: number;
  x: number;
  y: number;
}

function subtractMeans(rows: readonly Row[], groupOf: (row: Row) => string | number): void {
  const groups = new Map<string | number, Row[]>();
  for (const row of rows) {
    const group = groups.get(groupOf(row));
    if (group) group.push(row);
    else groups.set(groupOf(row), [row]);
  }
  for (const group of groups.values()) {
    const weight = group.reduce((sum, row) => sum + row.weight, 0);
    const meanX = group.reduce((sum, row) => sum + row.weight * row.x, 0) / weight;
    const meanY = group.reduce((sum, row) => sum + row.weight * row.y, 0) / weight;
    for (const row of group) {
      row.x -= meanX;
      row.y -= meanY;
    }
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
