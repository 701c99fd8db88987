/**
 * The bound's constants. `calibrated`, the default, takes the two that decide a rate from what rounds showed: rounds in
 * which half of the devices drop more (dither.ts) are evaluated twice more, leaning on either half (contrast.ts), and what
 * these two adapters differ in is what one round's rates do to the training loss and to the gap. `theorem` has the
 * constants as the bound defines them. docs/allocation.md has the table.
 */
import {
  type BoundConstants,
  generalisationGap,
  generalisationGapSlope,
  varianceFactor,
} from "@fedlodrop/allocation";
import {
  type BoundEstimate,
  largestLoweringRate,
  median,
  type ParticipantRound,
  type RoundRecord,
  type RunConfig,
} from "@fedlodrop/run";
import { measuredGap } from "../round/history.ts";
import { LEANING } from "../update/contrast.ts";
import { fitSlope, type Observation, type Prior, type Slope } from "./contrast-slope.ts";
import { fitGapLevel } from "./gap-level.ts";
import { regressVariance, VARIANCE_EXPONENT } from "./masked-losses.ts";

/** Rounds before estimates replace the defaults. */
const ROUNDS_NEEDED = 3;
const MEMORY = 0.9;
/** Weight of a contrast against one a round younger: both terms change as the model learns. */
const CONTRAST_MEMORY = 0.85;
/** A as a share of the loss, until rounds have been seen, and its range afterwards. */
const VARIANCE_SHARE = 0.05;
const VARIANCE_SHARE_RANGE = [5e-4, 0.5] as const;
/** What dropping everything would take off the gap in a round, at most, as a share of the loss. */
const GAP_SHARE_MOST = 1;
/** Loss assumed before anything has been evaluated, nats. */
const ASSUMED_LOSS = 4;

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

/** With Λ_min ≫ 2λ, G is as good as linear in the dropped share: what one round does to the gap shows no more than that. */
const CALIBRATED_CURVATURE = 10;
/** Of the dropped share: where G's slope is taken to compare with the gap's. */
const MIDDLE = 0.5;

export function estimateConstants(
  records: readonly RoundRecord[],
  exampleCount: number,
  form: RunConfig["bound"],
): BoundEstimate {
  const seen = records.filter(({ participants }) =>
    participants.some(({ outcome }) => outcome === "aggregated"),
  );
  const theorem = theoremConstants(seen, exampleCount);
  // Where nobody evaluates, or one device is alone, nothing can be compared.
  const isInTheDark = seen.length > ROUNDS_NEEDED && !seen.some(({ evaluation }) => evaluation?.contrast);
  return form === "theorem" || isInTheDark ? theorem : calibrate(seen, theorem);
}

const lossOf = (records: readonly RoundRecord[]): number =>
  records.flatMap(({ evaluation }) => evaluation?.trainLoss ?? []).at(-1) ?? ASSUMED_LOSS;

/** What the calibrated constants are small or large against. Not the training loss: learned by heart, it is as good as zero. */
const scaleOf = (records: readonly RoundRecord[]): number =>
  records.flatMap(({ evaluation }) => evaluation?.testLoss ?? []).at(-1) ?? ASSUMED_LOSS;

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

/** Before anything has been seen nothing is dropped: at the start the gap grows by what the training loss falls by, at
 *  every rate, so that the rate that learns most is best. */
const priorsOf = (loss: number): { readonly variance: Prior; readonly gap: Prior } => {
  return {
    variance: {
      mean: VARIANCE_SHARE * loss,
      slopeDeviation: VARIANCE_SHARE * loss,
      biasDeviation: 0.01 * loss,
      noiseDeviation: 0.005 * loss,
    },
    gap: {
      mean: 0,
      slopeDeviation: 4 * VARIANCE_SHARE * loss,
      biasDeviation: 0.005 * loss,
      noiseDeviation: 0.001 * loss,
    },
  };
};

function calibrate(seen: readonly RoundRecord[], theorem: BoundEstimate): BoundEstimate {
  const loss = scaleOf(seen);
  const shape = { ...theorem, minCurvature: CALIBRATED_CURVATURE, gapScale: 1 };
  const unit = -generalisationGapSlope(shape, MIDDLE);
  const newest = seen.findLast(({ evaluation }) => evaluation?.contrast)?.round ?? 0;
  const compared = seen.flatMap((record) => compare(record, shape, newest - record.round));
  const priors = priorsOf(loss);
  const variance = fitSlope(
    compared.map(({ variance }) => variance),
    priors.variance,
  );
  // What the training loss gains less the held-out loss: with A as fitted, so that the noise of both, which is much the
  // same and most of each, is not in it, and where the two terms balance is where the held-out loss did.
  const gap = fitSlope(
    compared.map(({ variance: { x, side, weight }, dropped, heldOut }) => ({
      x: dropped / unit,
      y: variance.value * x - heldOut,
      side,
      weight,
    })),
    priors.gap,
  );
  const [least, most] = VARIANCE_SHARE_RANGE;
  const calibrated: BoundEstimate = {
    ...shape,
    form: "calibrated",
    varianceCoefficient: clamp(variance.value, least * loss, most * loss),
    varianceError: variance.error,
    gapScale: clamp(gap.value, 1e-6, GAP_SHARE_MOST * loss) / unit,
    gapScaleError: gap.error / unit,
    source: tells(variance, priors.variance) && tells(gap, priors.gap) ? "estimated" : "default",
  };
  return {
    ...calibrated,
    ...fitGapLevel(gapLevels(seen, calibrated)),
    rateCap:
      calibrated.source === "estimated" ? largestLoweringRate(seen, calibrated.varianceCoefficient) : null,
  };
}

/** Whether more is known than before anything was seen. */
const tells = ({ error }: Slope, { slopeDeviation }: Prior): boolean => error < slopeDeviation / 2;

interface Comparison {
  readonly variance: Observation;
  /** −ΔG of the pure bound. */
  readonly dropped: number;
  /** Nats. */
  readonly heldOut: number;
}

/** What a round's two leanings differ in: the training loss by A Δv, the held-out loss by A Δv + κ_g ΔG. */
function compare(
  { evaluation, participants, allocation }: RoundRecord,
  shape: BoundConstants,
  age: number,
): Comparison[] {
  if (!evaluation?.contrast || allocation === null) return [];
  const { high, low } = evaluation.contrast;
  const raised = new Set(allocation.devices.flatMap(({ id, dither }) => (dither > 0 ? [id] : [])));
  const counted = participants.filter(({ outcome }) => outcome === "aggregated");
  const difference = (of: (keepRate: number) => number): number =>
    leaning(counted, of, ({ id }) => raised.has(id)) - leaning(counted, of, ({ id }) => !raised.has(id));
  const seenBy = {
    // The first device by name is on either side in turn.
    side: raised.has(counted.map(({ id }) => id).sort()[0] ?? "") ? 1 : -1,
    weight: CONTRAST_MEMORY ** age,
  } as const;
  return [
    {
      variance: {
        ...seenBy,
        x: difference((s) => varianceFactor(s, VARIANCE_EXPONENT)),
        y: high.trainLoss - low.trainLoss,
      },
      dropped: -difference((s) => generalisationGap(shape, 1 - s * s)),
      heldOut: high.testLoss - low.testLoss,
    },
  ];
}

/** Mean of a function of the keep rates, those on one side counting for more. */
function leaning(
  participants: readonly ParticipantRound[],
  of: (keepRate: number) => number,
  isOnSide: (participant: ParticipantRound) => boolean,
): number {
  let [sum, total] = [0, 0];
  for (const participant of participants) {
    const weight = (isOnSide(participant) ? LEANING : 1) * participant.sampleCount;
    sum += weight * of(1 - participant.dropoutRate);
    total += weight;
  }
  return sum / total;
}

/** Of every evaluated round, its measured gap without what its rates account for. */
const gapLevels = (
  records: readonly RoundRecord[],
  constants: BoundConstants,
): readonly { readonly round: number; readonly level: number }[] =>
  records.flatMap(({ round, evaluation, participants }) => {
    const gap = evaluation && measuredGap(evaluation);
    const counted = participants.filter(({ outcome }) => outcome === "aggregated");
    if (gap === null || counted.length === 0) return [];
    const own = leaning(
      counted,
      (s) => generalisationGap(constants, 1 - s * s),
      () => false,
    );
    return [{ round, level: gap - own }];
  });

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
