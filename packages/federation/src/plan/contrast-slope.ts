/**
 * A slope from few, noisy, signed observations: y = slope·x + bias·side + noise, where side (±1) says which devices had
 * the higher rates, so that what those devices differ in anyway is not taken for the rates' doing. Bayesian least squares
 * with a normal prior on both, noise as large as residuals say, older observations counting less, and each one
 * cut to what the others make plausible (Huber weights), so that no single round can steer it.
 */
export interface Observation {
  readonly x: number;
  readonly y: number;
  readonly side: 1 | -1;
  /** 1 for the newest, falling with age. */
  readonly weight: number;
}

export interface Prior {
  readonly mean: number;
  /** Standard deviations of the slope and of the bias, and of the noise before any has been seen. */
  readonly slopeDeviation: number;
  readonly biasDeviation: number;
  readonly noiseDeviation: number;
}

export interface Slope {
  readonly value: number;
  /** Standard error, the prior's deviation where nothing has been seen. */
  readonly error: number;
}

/** Observations that the prior's noise counts for. */
const PRIOR_OBSERVATIONS = 2;
/** Deviations from which on an observation counts less the further off it is. */
const HUBER_DEVIATIONS = 2.5;
/** What normal noise cut at so many deviations keeps of its variance (Huber's second proposal). */
const VARIANCE_KEPT = 0.9776;
const PASSES = 20;

export function fitSlope(observations: readonly Observation[], prior: Prior): Slope {
  let [slope, bias, variance] = [prior.mean, 0, prior.noiseDeviation ** 2];
  let error = prior.slopeDeviation;
  for (let pass = 0; pass < PASSES; pass++) {
    // Precision matrix [[a, b], [b, d]] and right-hand side [e, f] of (slope − prior mean, bias).
    let a = 1 / prior.slopeDeviation ** 2;
    let d = 1 / prior.biasDeviation ** 2;
    let [b, e, f] = [0, 0, 0];
    for (const { x, y, side, weight } of observations) {
      const residual = y - slope * x - bias * side;
      const most = HUBER_DEVIATIONS * Math.sqrt(variance);
      const counted = weight * Math.min(1, most / Math.abs(residual));
      const precision = counted / variance;
      a += precision * x * x;
      b += precision * x * side;
      d += precision;
      e += precision * x * (y - prior.mean * x);
      f += precision * side * (y - prior.mean * x);
    }
    const determinant = a * d - b * b;
    slope = prior.mean + (d * e - b * f) / determinant;
    bias = (a * f - b * e) / determinant;
    error = Math.sqrt(d / determinant);
    const most = HUBER_DEVIATIONS ** 2 * variance;
    let [squares, total] = [0, 0];
    for (const { x, y, side, weight } of observations) {
      squares += (weight * Math.min(most, (y - slope * x - bias * side) ** 2)) / VARIANCE_KEPT;
      total += weight;
    }
    variance = (PRIOR_OBSERVATIONS * prior.noiseDeviation ** 2 + squares) / (PRIOR_OBSERVATIONS + total);
  }
  return { value: slope, error };
}
