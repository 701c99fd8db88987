/**
 * The bound's constants, learnt while the run goes on from scalars that participants and the coordinator report; no
 * text leaves a device. Every constant is an exponential mean over rounds, clamped, and a default until three rounds
 * have reported it.
 */
import { type BoundConstants, generalisationGap, varianceFactor } from "./bound.ts";

/** What one participant can say about a round without showing data. */
export interface ParticipantScalars {
  /** ‖∇‖ of the adapter's gradient, one per micro-batch. */
  readonly gradientNorms?: readonly number[];
  /** Losses of single examples. */
  readonly exampleLosses?: readonly number[];
  /** ‖g(m₁) − g(m₂)‖² of two masks on one batch, and the keep rate of both. */
  readonly maskPair?: { readonly squaredDistance: number; readonly keepRate: number };
  /** Loss under masks less the loss without, at several keep rates: forward passes only. */
  readonly maskedLossRise?: readonly { readonly keepRate: number; readonly rise: number }[];
}

/** What the coordinator can compute once a round. Parts that it did not compute are left out. */
export interface RoundScalars {
  readonly participants: readonly ParticipantScalars[];
  /** Least Ritz value of a few Lanczos steps on the probe batch, and the mean curvature tr(Ĥ)/dim. */
  readonly curvature?: { readonly leastRitzValue: number; readonly meanCurvature: number };
  /** ‖∇F(θ⁺) − ∇F(θ)‖ and ‖θ⁺ − θ‖. */
  readonly secant?: { readonly gradientChange: number; readonly step: number };
  /** Validation loss less training loss, and the dropped share q̄ = Σ w (1 − s²) of the round. */
  readonly gap?: { readonly measured: number; readonly droppedShare: number };
}

interface Tracked {
  readonly value: number;
  readonly rounds: number;
}

/** State between rounds; start from `initialEstimates`. */
export interface BoundEstimates {
  readonly gradientNorm: Tracked;
  readonly minCurvature: Tracked;
  readonly ridge: Tracked;
  readonly lossRange: Tracked;
  readonly smoothness: Tracked;
  readonly maskVariance: Tracked;
  readonly gapScale: Tracked;
  /** a in (loss rise under masks) = a·v(s), for one device of weight 1. */
  readonly lossRise: Tracked;
}

/** Weight of the past in the mean, and rounds before a mean replaces its default. */
const memory = 0.9;
const roundsUntilTrusted = 3;

const unseen: Tracked = { value: 0, rounds: 0 };

export const initialEstimates: BoundEstimates = {
  gradientNorm: unseen,
  minCurvature: unseen,
  ridge: unseen,
  lossRange: unseen,
  smoothness: unseen,
  maskVariance: unseen,
  gapScale: unseen,
  lossRise: unseen,
};

/** Takes a round into the means. Values that are not finite count as not reported.
 *  @param constants those in force, against which the measured gap is scaled */
export function updateEstimates(
  before: BoundEstimates,
  round: RoundScalars,
  varianceExponent: number,
  constants: BoundConstants,
): BoundEstimates {
  const all = round.participants;
  const losses = all.flatMap((each) => each.exampleLosses ?? []).filter(Number.isFinite);
  const range = losses.length < 2 ? undefined : quantile(losses, 0.99) - quantile(losses, 0.01);
  const { curvature, secant, gap } = round;
  // The theory wants a positive Λ_min where the loss may well be flat or saddle-shaped: a floor stands in.
  const minCurvature = curvature && Math.max(curvature.leastRitzValue, 0.01 * curvature.meanCurvature);
  return {
    gradientNorm: track(before.gradientNorm, gradientNorm(all), 1e-3, 1e3),
    minCurvature: track(before.minCurvature, minCurvature, 1e-4, 1e3),
    ridge: track(before.ridge, curvature && 0.5 * curvature.meanCurvature, 1e-4, 1e3),
    lossRange: track(before.lossRange, range, 0.1, 20),
    smoothness: track(before.smoothness, secant && secant.gradientChange / secant.step, 1e-2, 1e4),
    maskVariance: track(before.maskVariance, maskVariance(all, varianceExponent), 1e-8, 1e6),
    gapScale: track(
      before.gapScale,
      gap && gap.measured / generalisationGap({ ...constants, gapScale: 1 }, gap.droppedShare),
      1e-3,
      1,
    ),
    lossRise: track(before.lossRise, lossRise(all, varianceExponent), 0, 1e3),
  };
}

/** The bound's constants now. @param vocabularySize bounds the loss of a uniform guess, ln V */
export function boundConstants(
  estimates: BoundEstimates,
  exampleCount: number,
  vocabularySize: number,
): BoundConstants {
  return {
    lossRange: trusted(estimates.lossRange, Math.min(Math.log(vocabularySize), 8)),
    gradientNorm: trusted(estimates.gradientNorm, 1),
    ridge: trusted(estimates.ridge, 0.5),
    minCurvature: trusted(estimates.minCurvature, 0.1),
    exampleCount,
    confidence: 0.1,
    gapScale: trusted(estimates.gapScale, 1),
  };
}

/** A_k of a device: the measured rise of the loss under masks where there is one, else ½ L η² H w² V from gradients
 *  (w², for devices draw their masks independently), else a twentieth of the training loss. */
export function varianceCoefficient(
  estimates: BoundEstimates,
  device: { readonly weight: number; readonly trainingLoss: number },
  schedule: { readonly learningRate: number; readonly roundsLeft: number },
): number {
  const { lossRise, smoothness, maskVariance } = estimates;
  if (lossRise.rounds >= roundsUntilTrusted) return device.weight * lossRise.value;
  if (maskVariance.rounds >= roundsUntilTrusted && smoothness.rounds >= roundsUntilTrusted) {
    const perRound = 0.5 * smoothness.value * schedule.learningRate ** 2 * maskVariance.value;
    return perRound * schedule.roundsLeft * device.weight ** 2;
  }
  return 0.05 * device.weight * device.trainingLoss;
}

function track(before: Tracked, observed: number | undefined, least: number, most: number): Tracked {
  if (observed === undefined || !Number.isFinite(observed)) return before;
  const clamped = Math.min(Math.max(observed, least), most);
  const value = before.rounds === 0 ? clamped : memory * before.value + (1 - memory) * clamped;
  return { value, rounds: before.rounds + 1 };
}

function trusted({ value, rounds }: Tracked, fallback: number): number {
  return rounds >= roundsUntilTrusted ? value : fallback;
}

function gradientNorm(participants: readonly ParticipantScalars[]): number | undefined {
  const norms = participants.flatMap((each) => each.gradientNorms ?? []).filter(Number.isFinite);
  return norms.length === 0 ? undefined : quantile(norms, 0.95);
}

function maskVariance(participants: readonly ParticipantScalars[], exponent: number): number | undefined {
  const each = participants.flatMap(({ maskPair }) => {
    if (maskPair === undefined || !(maskPair.keepRate > 0 && maskPair.keepRate < 1)) return [];
    return [maskPair.squaredDistance / (2 * varianceFactor(maskPair.keepRate, exponent))];
  });
  return each.length === 0 ? undefined : each.reduce((sum, value) => sum + value, 0) / each.length;
}

/** Least squares through 0 of the rise on v(s). */
function lossRise(participants: readonly ParticipantScalars[], exponent: number): number | undefined {
  let [joint, square] = [0, 0];
  for (const { keepRate, rise } of participants.flatMap((each) => each.maskedLossRise ?? [])) {
    if (!(keepRate > 0 && keepRate < 1 && Number.isFinite(rise))) continue;
    const factor = varianceFactor(keepRate, exponent);
    joint += factor * rise;
    square += factor * factor;
  }
  return square === 0 ? undefined : joint / square;
}

/** Linear between order statistics. */
function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const [low, high] = [sorted[below] as number, sorted[Math.min(below + 1, sorted.length - 1)] as number];
  return low + (position - below) * (high - low);
}
