/**
 * How far rounds can be from a stationary point, and the largest rate that still lowers the loss. Derivation, ours
 * (docs/allocation.md): with an L-smooth loss F, a round that moves by −η times a masked gradient whose second moment is
 * M²/s, and A = ½Lη²M², F falls in expectation by η‖∇F‖² − A/s. Summed over T rounds,
 *
 *   mean ‖∇F‖² ≤ (F₁ − F*)/(ηT) + (A/η)·mean(1/s),   and F falls while v(s) = 1/s − 1 < (η‖∇F‖² − A)/A.
 *
 * η is not the optimiser's: it is what rounds have shown that a squared gradient norm is worth.
 */
import { median } from "./quantile.ts";
import type { RoundRecord } from "./report.ts";

export interface ConvergencePoint {
  readonly round: number;
  /** Mean over the rounds so far of the full adapter's squared gradient norm, by the median device's of each. */
  readonly measured: number;
  /** What the rounds before this one let expect of it at most; null while the loss has not been seen to fall. */
  readonly bound: number | null;
}

interface Seen {
  readonly round: number;
  /** Among the records given, of which two of an arm may be numbers apart. */
  readonly place: number;
  /** Training loss after the round, nats. */
  readonly loss: number;
  /** A of the plan, nats. */
  readonly variance: number;
  /** Weighted mean of 1/s. */
  readonly inverseKeepRate: number;
  readonly gradientSquare: number;
}

/** Of every round that was evaluated; the least loss F* is 0, which no cross-entropy is below. */
export function convergence(records: readonly RoundRecord[]): readonly ConvergencePoint[] {
  const seen = records.flatMap(seenOf);
  const first = seen[0];
  return seen.slice(1).map(({ round }, i): ConvergencePoint => {
    const own = seen.slice(1, i + 2);
    const step = stepSize(seen.slice(0, i + 1));
    const spent = mean(own.map(({ variance, inverseKeepRate }) => variance * inverseKeepRate));
    return {
      round,
      measured: mean(own.map(({ gradientSquare }) => gradientSquare)),
      bound: step === null ? null : (first as Seen).loss / (step * own.length) + spent / step,
    };
  });
}

/** η by what the loss fell and what masks cost, over the squared gradients; null while the loss has not fallen. */
function stepSize(seen: readonly Seen[]): number | null {
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined || seen.length < 2) return null;
  const fall = first.loss - last.loss;
  if (!(fall > 0)) return null;
  const own = seen.slice(1);
  const cost = own.reduce((sum, { variance, inverseKeepRate }) => sum + variance * inverseKeepRate, 0);
  return (fall + cost) / own.reduce((sum, { gradientSquare }) => sum + gradientSquare, 0);
}

/** Rounds whose falls are averaged, and how many it takes to tell their error. */
const FALLS_AVERAGED = 6;
const FALLS_NEEDED = 4;
/** Standard errors by which the factor may be another one than it looked. */
const DEVIATIONS = 2;

/**
 * θ: the largest rate at which a round still lowers the training loss (Federated Dropout, arXiv 2501.00379, caps γ so), by
 * the falls that rounds had at their own rates: v(θ) = fall/A + v(s), with the benefit of the doubt. Null while that cannot
 * be told, and unless the loss is sure to fall without dropout: else it rises for another reason, such as a larger rate
 * that undoes what was learned by heart.
 */
export function largestLoweringRate(
  records: readonly RoundRecord[],
  varianceCoefficient: number,
): number | null {
  const seen = records.flatMap(seenOf).slice(-FALLS_AVERAGED - 1);
  // v(θ) by each round alone.
  const factors = seen.slice(1).map(({ loss, place, inverseKeepRate }, i) => {
    const before = seen[i] as Seen;
    return (before.loss - loss) / (place - before.place) / varianceCoefficient + inverseKeepRate - 1;
  });
  if (factors.length < FALLS_NEEDED || !(varianceCoefficient > 0)) return null;
  const middle = mean(factors);
  const squares = factors.reduce((sum, factor) => sum + (factor - middle) ** 2, 0);
  const doubt = DEVIATIONS * Math.sqrt(squares / (factors.length - 1) / factors.length);
  if (!(middle - doubt > 0)) return null;
  const most = middle + doubt;
  return most / (1 + most);
}

function seenOf({ round, evaluation, participants, allocation }: RoundRecord, place: number): Seen[] {
  const counted = participants.filter(({ outcome }) => outcome === "aggregated");
  // Both factors' masks scale by 1/s: a masked gradient is taken for 1/s times the full adapter's.
  const norms = counted.flatMap(({ gradientNorm95, dropoutRate }) =>
    gradientNorm95 === null ? [] : [gradientNorm95 * (1 - dropoutRate)],
  );
  const loss = evaluation?.trainLoss ?? null;
  if (loss === null || norms.length === 0 || allocation === null) return [];
  const weight = counted.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  const inverse = counted.reduce(
    (sum, { sampleCount, dropoutRate }) => sum + sampleCount / (1 - dropoutRate),
    0,
  );
  return [
    {
      round,
      place,
      loss,
      variance: allocation.constants.varianceCoefficient,
      inverseKeepRate: inverse / weight,
      gradientSquare: median(norms) ** 2,
    },
  ];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
