/**
 * The bound's constants. `calibrated`, the default, takes the two that decide a rate from what rounds showed: how far a round
 * gets at a rate (pace.ts) and what the gap grows by on the way (learning-curve.ts) give the rate that the rounds to come end
 * best with (horizon.ts), and A and κ_g are such that the bound has its least there. `theorem` has the
 * constants as the bound defines them. docs/allocation.md has the table.
 */
import { generalisationGap, generalisationGapSlope } from "@fedlodrop/allocation";
import {
  type BoundEstimate,
  largestLoweringRate,
  median,
  type ParticipantRound,
  type RoundRecord,
  type RunConfig,
} from "@fedlodrop/run";
import { measuredGap } from "../round/history.ts";
import { gapDeviation } from "./gap-forecast.ts";
import { bestOutlook } from "./horizon.ts";
import { fitLearningCurve, growthOf, slopeOf, standpoints } from "./learning-curve.ts";
import { regressVariance } from "./masked-losses.ts";
import { estimatePace, priceOf, progressAt, progressOfRound } from "./pace.ts";

/** Rounds before estimates replace the defaults. */
const ROUNDS_NEEDED = 3;
const MEMORY = 0.9;
/** A as a share of the loss, until rounds have been seen, and its range afterwards. */
const VARIANCE_SHARE = 0.05;
const VARIANCE_SHARE_RANGE = [5e-4, 0.5] as const;
/** Loss assumed before anything has been evaluated, nats. */
const ASSUMED_LOSS = 4;
/** κ_g where nothing is worth dropping for, nats. */
const LEAST_GAP_SCALE = 1e-6;

const THEOREM = {
  lossRange: 8,
  gradientNorm: 1,
  ridge: 0.5,
  minCurvature: 0.1,
  confidence: 0.1,
  gapScale: 1,
  gapScaleError: 0,
  gapOffset: 0,
  gapDeviation: null,
  varianceError: 0,
  rateCap: null,
} as const;

/** With Λ_min ≫ 2λ, G is as good as linear in the dropped share: rounds show no more than a slope. */
const CALIBRATED_CURVATURE = 10;
/** Of the dropped share: where G's slope is taken to compare with the gap's. */
const MIDDLE = 0.5;

export interface EstimateTerms {
  readonly form: RunConfig["bound"];
  readonly maxDropoutRate: number;
  /** With the records' adapter, the one to plan with it. */
  readonly roundsLeft: number;
}

export function estimateConstants(
  records: readonly RoundRecord[],
  exampleCount: number,
  terms: EstimateTerms,
): BoundEstimate {
  const seen = records.filter(({ participants }) =>
    participants.some(({ outcome }) => outcome === "aggregated"),
  );
  const theorem = theoremConstants(seen, exampleCount);
  const isInTheDark = seen.length > ROUNDS_NEEDED && standpoints(seen).length === 0;
  return terms.form === "theorem" || isInTheDark ? theorem : calibrate(seen, theorem, terms);
}

const lossOf = (records: readonly RoundRecord[]): number =>
  records.flatMap(({ evaluation }) => evaluation?.trainLoss ?? []).at(-1) ?? ASSUMED_LOSS;

function theoremConstants(seen: readonly RoundRecord[], exampleCount: number): BoundEstimate {
  const loss = lossOf(seen);
  const fallback: BoundEstimate = {
    ...THEOREM,
    form: "theorem",
    exampleCount,
    varianceCoefficient: VARIANCE_SHARE * loss,
    source: "default",
  };
  if (seen.length < ROUNDS_NEEDED) return fallback;
  const spreads = seen.flatMap(({ evaluation }) => evaluation?.exampleLossSpread ?? []);
  const [leastShare, mostShare] = VARIANCE_SHARE_RANGE;
  return {
    ...fallback,
    source: "estimated",
    gradientNorm: clamp(average(seen, ({ gradientNorm95 }) => gradientNorm95) ?? 1, 1e-3, 1e3),
    lossRange: clamp(
      (spreads.length < ROUNDS_NEEDED ? null : exponential(spreads)) ??
        average(seen, ({ lossSpread }) => lossSpread) ??
        THEOREM.lossRange,
      0.05,
      20,
    ),
    varianceCoefficient: clamp(
      regressVariance(seen) ?? fallback.varianceCoefficient,
      leastShare * loss,
      mostShare * loss,
    ),
  };
}

function calibrate(
  seen: readonly RoundRecord[],
  theorem: BoundEstimate,
  terms: EstimateTerms,
): BoundEstimate {
  const { maxDropoutRate } = terms;
  const shape = { ...theorem, minCurvature: CALIBRATED_CURVATURE, gapScale: 1 };
  const unit = -generalisationGapSlope(shape, MIDDLE);
  const pace = estimatePace(seen);
  const points = standpoints(seen);
  const curve = fitLearningCurve(points);
  const newest = points.at(-1);
  const loss = lossOf(seen);
  const made = seen
    .slice((newest?.place ?? -1) + 1)
    .reduce((sum, record) => sum + progressOfRound(pace, record), 0);
  const outlook = curve && bestOutlook(curve, pace, made, terms);
  const keepRate = outlook?.keepRate ?? 1;
  const variance = loss * priceOf(pace, keepRate) || VARIANCE_SHARE * loss;
  const unknown: BoundEstimate = {
    ...shape,
    form: "calibrated",
    varianceCoefficient: variance,
    varianceError: (variance * pace.error) / pace.exponent,
    gapScale: LEAST_GAP_SCALE / unit,
    gapScaleError: variance / unit,
    source: "default",
  };
  if (curve === null || outlook === null || newest === undefined) return unknown;
  const { progress } = outlook;
  // κ_g G(1 − s²) is to balance A v(s) at this keep rate; at either end it leans as far beyond as the two slopes there do.
  const balance = variance / (2 * keepRate ** 3) / unit;
  const perGapSlope = balance / (curve.loss * Math.exp(-progress));
  const leaning = perGapSlope * slopeOf(curve, progress);
  const gapScale = Math.max(
    LEAST_GAP_SCALE / unit,
    keepRate === 1
      ? Math.min(balance, leaning)
      : keepRate > 1 - maxDropoutRate
        ? balance
        : Math.max(balance, leaning),
  );
  const soon = made + progressAt(pace, keepRate);
  // From what was measured last, by whoever did, as it is compared with what is measured next.
  const evaluated = seen[newest.place]?.evaluation;
  const foreseen = ((evaluated && measuredGap(evaluated)) ?? 0) + growthOf(curve, soon);
  const tells = pace.error < pace.doubt / 2 && curve.errorAt(progress) < curve.doubtAt(progress) / 2;
  return {
    ...unknown,
    gapScale,
    gapScaleError: perGapSlope * curve.errorAt(progress),
    gapOffset: foreseen - generalisationGap({ ...shape, gapScale }, 1 - keepRate ** 2),
    gapDeviation: gapDeviation(seen),
    source: tells ? "estimated" : "default",
    rateCap: tells ? largestLoweringRate(seen, loss * priceOf(pace, 1 - maxDropoutRate)) : null,
  };
}

/** Exponential average over rounds of the median over participants, which nobody's word alone can move far. */
function average(
  records: readonly RoundRecord[],
  read: (participant: ParticipantRound) => number | null,
): number | null {
  return exponential(
    records.flatMap(({ participants }) => {
      const told = participants.flatMap((participant) => read(participant) ?? []);
      return told.length === 0 ? [] : [median(told)];
    }),
  );
}

function exponential(values: readonly number[]): number | null {
  return values.reduce<number | null>(
    (mean, value) => (mean === null ? value : MEMORY * mean + (1 - MEMORY) * value),
    null,
  );
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
