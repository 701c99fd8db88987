/**
 * The generalisation-error bound as a function of the keep rate s = 1 − γ, and its two sides:
 * the gap term falls as more is dropped, the optimisation-variance term rises. Their sum is U-shaped in γ.
 * It ranks allocations; it certifies nothing about test error.
 */

import type { BoundEstimate } from "@fedlodrop/run";

/** Constants of the bound (docs/allocation.md says how each one is estimated), by the names that a run records them under. */
export type BoundConstants = Pick<
  BoundEstimate,
  "lossRange" | "gradientNorm" | "ridge" | "minCurvature" | "exampleCount" | "confidence" | "gapScale"
>;

/** How the two sides are put together. `device` sums a bound per device and majorises `global`,
 *  which has one bound at the weighted mean of the dropped share. */
export type ObjectiveMode = "device" | "global";

/** G(q) = κ_g √((C² + 24Cρ²/(Λ_min + 2λq)) / (2nδ)), q = 1 − s² the dropped share of ΔW's entries.
 *  Source: LoRA Dropout (arXiv 2404.09610), Theorem 4.4, with 2λq for the ridge. */
export function generalisationGap(c: BoundConstants, droppedShare: number): number {
  return c.gapScale * Math.sqrt(radicand(c, droppedShare));
}

/** dG/dq, negative: dropping more narrows the gap. */
export function generalisationGapSlope(c: BoundConstants, droppedShare: number): number {
  const u = c.minCurvature + 2 * c.ridge * droppedShare;
  const numerator = -24 * c.lossRange * c.gradientNorm ** 2 * c.ridge * c.gapScale;
  return numerator / (u * u * 2 * c.exampleCount * c.confidence * Math.sqrt(radicand(c, droppedShare)));
}

function radicand(c: BoundConstants, droppedShare: number): number {
  const curvature = c.minCurvature + 2 * c.ridge * droppedShare;
  const stability = (24 * c.lossRange * c.gradientNorm ** 2) / curvature;
  return (c.lossRange ** 2 + stability) / (2 * c.exampleCount * c.confidence);
}

/** v(s) = s^−ν − 1: excess variance of a gradient taken on a sub-adapter. ν = 1 gives γ/(1−γ), as in
 *  Federated Dropout (arXiv 2501.00379); ν = 2 is the factor of the product mask. */
export function varianceFactor(keepRate: number, exponent: number): number {
  return (exponent === 1 ? 1 / keepRate : keepRate ** -exponent) - 1;
}

/** A device's separable cost Φ(s) = A(s^−ν − 1) + w·G(1−s²) + quadratic·s² + constant, strictly convex in s.
 *  The quadratic and constant stand for a tangent of the global gap, which then replaces w·G. */
export class KeepRateCost {
  readonly #a: number;
  readonly #exponent: number;
  readonly #scale: number;
  readonly #base: number;
  readonly #stability: number;
  readonly #curvature: number;
  readonly #ridge: number;
  readonly #quadratic: number;
  readonly #constant: number;

  constructor(
    varianceCoefficient: number,
    exponent: number,
    gapWeight: number,
    bound: BoundConstants,
    quadratic = 0,
    constant = 0,
  ) {
    this.#a = varianceCoefficient;
    this.#exponent = exponent;
    this.#scale = gapWeight * bound.gapScale;
    const samples = 2 * bound.exampleCount * bound.confidence;
    this.#base = bound.lossRange ** 2 / samples;
    this.#stability = (24 * bound.lossRange * bound.gradientNorm ** 2) / samples;
    this.#curvature = bound.minCurvature;
    this.#ridge = 2 * bound.ridge;
    this.#quadratic = quadratic;
    this.#constant = constant;
  }

  /** Φ(s). */
  at(s: number): number {
    const u = this.#curvature + this.#ridge * (1 - s * s);
    const gap = this.#scale === 0 ? 0 : this.#scale * Math.sqrt(this.#base + this.#stability / u);
    return this.#a * varianceFactor(s, this.#exponent) + gap + this.#quadratic * s * s + this.#constant;
  }

  /** Φ'(s). */
  slope(s: number): number {
    const power = this.#exponent === 1 ? 1 / (s * s) : s ** (-this.#exponent - 1);
    const slope = 2 * this.#quadratic * s - this.#exponent * this.#a * power;
    if (this.#scale === 0) return slope;
    const u = this.#curvature + this.#ridge * (1 - s * s);
    const root = Math.sqrt(this.#base + this.#stability / u);
    return slope + (this.#scale * this.#stability * this.#ridge * s) / (u * u * root);
  }

  /** Φ''(s), positive. */
  curvature(s: number): number {
    const power = this.#exponent === 1 ? 1 / (s * s * s) : s ** (-this.#exponent - 2);
    const curvature = 2 * this.#quadratic + this.#exponent * (this.#exponent + 1) * this.#a * power;
    if (this.#scale === 0) return curvature;
    const u = this.#curvature + this.#ridge * (1 - s * s);
    const root = Math.sqrt(this.#base + this.#stability / u);
    const bracket = 1 + (this.#ridge * s * s * (4 - this.#stability / (u * root * root))) / u;
    return curvature + (this.#scale * this.#stability * this.#ridge * bracket) / (u * u * root);
  }

  /** Least point on [low, high] of Φ plus a function of slope pull/(length − rate·s)², pull ≥ 0 (what a priced
   *  upload adds). Newton on the increasing slope, from `start`, kept inside a shrinking bracket. */
  minimiser(low: number, high: number, pull = 0, length = 1, rate = 0, start = 0.5 * (low + high)): number {
    if (low >= high || this.slope(high) + pull / (length - rate * high) ** 2 <= 0) return high;
    if (this.slope(low) + pull / (length - rate * low) ** 2 >= 0) return low;
    let [left, right] = [low, high];
    let s = Math.min(high, Math.max(low, start));
    for (let i = 0; i < 80; i++) {
      const window = length - rate * s;
      const value = this.slope(s) + pull / (window * window);
      if (value > 0) right = s;
      else left = s;
      let next = s - value / (this.curvature(s) + (2 * pull * rate) / (window * window * window));
      if (!(next >= left && next <= right)) next = 0.5 * (left + right);
      // Newton is quadratic here: a step this small leaves an error below rounding.
      if (Math.abs(next - s) <= 1e-10 * s) return next;
      s = next;
    }
    return s;
  }
}
