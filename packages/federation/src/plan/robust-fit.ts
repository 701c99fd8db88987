/**
 * Two coefficients from few, noisy observations: y = p·x + q·z + noise. Bayesian least squares with normal priors, noise as
 * large as residuals say, older observations counting less, and each one cut to what the others make plausible (Huber
 * weights), so that no single round can steer it.
 */
export interface Observation {
  readonly x: number;
  readonly z: number;
  readonly y: number;
  /** What it counts for: 1 for the newest, falling with age. */
  readonly weight: number;
}

export interface Prior {
  /** Means and standard deviations of p and q. */
  readonly p: Normal;
  readonly q: Normal;
  /** Standard deviation of the noise before any has been seen. */
  readonly noiseDeviation: number;
}

interface Normal {
  readonly mean: number;
  readonly deviation: number;
}

export interface Fit {
  readonly p: number;
  readonly q: number;
  /** Standard error of x·p + z·q; the prior's where nothing has been seen. */
  readonly errorAt: (x: number, z: number) => number;
}

/** Observations that the prior's noise counts for. */
const PRIOR_OBSERVATIONS = 2;
/** Deviations from which on an observation counts less the further off it is. */
const HUBER_DEVIATIONS = 2.5;
/** What normal noise cut at so many deviations keeps of its variance (Huber's second proposal). */
const VARIANCE_KEPT = 0.9776;
const PASSES = 20;

export function robustFit(observations: readonly Observation[], prior: Prior): Fit {
  let [p, q, variance] = [prior.p.mean, prior.q.mean, prior.noiseDeviation ** 2];
  // Precision matrix [[a, b], [b, d]] of (p, q).
  let [a, b, d] = [0, 0, 0];
  for (let pass = 0; pass < PASSES; pass++) {
    a = 1 / prior.p.deviation ** 2;
    d = 1 / prior.q.deviation ** 2;
    b = 0;
    let [e, f] = [0, 0];
    const deviations = HUBER_DEVIATIONS * Math.sqrt(variance);
    for (const { x, z, y, weight } of observations) {
      const counted = (weight * Math.min(1, deviations / Math.abs(y - p * x - q * z))) / variance;
      const surprise = y - prior.p.mean * x - prior.q.mean * z;
      a += counted * x * x;
      b += counted * x * z;
      d += counted * z * z;
      e += counted * x * surprise;
      f += counted * z * surprise;
    }
    const determinant = a * d - b * b;
    p = prior.p.mean + (d * e - b * f) / determinant;
    q = prior.q.mean + (a * f - b * e) / determinant;
    const most = HUBER_DEVIATIONS ** 2 * variance;
    let [squares, total] = [0, 0];
    for (const { x, z, y, weight } of observations) {
      squares += (weight * Math.min(most, (y - p * x - q * z) ** 2)) / VARIANCE_KEPT;
      total += weight;
    }
    variance = (PRIOR_OBSERVATIONS * prior.noiseDeviation ** 2 + squares) / (PRIOR_OBSERVATIONS + total);
  }
  const determinant = a * d - b * b;
  return {
    p,
    q,
    errorAt: (x, z) => Math.sqrt((x * x * d - 2 * x * z * b + z * z * a) / determinant),
  };
}
