/**
 * The problem with sub-channels held in part, x in [0, 1]: a channel held in part carries x W log₂(1 + p a / x).
 * The cost ψ_k(x_k) then has the gradient −v, v the channels' values at the device's multipliers, which any
 * water-filling gives for free. Exponentiated-gradient steps on the simplex of each channel need no solver.
 */

import type { KeepRateCost } from "./bound.ts";
import { convexCostOnCurve, fillValues } from "./marginal-values.ts";
import { leastPricedRate, type Multipliers, pricedCost } from "./multipliers.ts";
import type { SeparableCosts } from "./objective.ts";
import type { RadioInstance, RankedChannels } from "./radio-instance.ts";
import type { RadioTask } from "./radio-task.ts";
import { reach } from "./upload-task.ts";

export interface Relaxed {
  /** Σ ψ_k(x_k). */
  readonly cost: number;
  readonly costs: Float64Array;
  /** [K·M]: what each channel is worth to each device. */
  readonly values: Float64Array;
  readonly multipliers: readonly Multipliers[];
}

export class Relaxation {
  readonly #instance: RadioInstance;
  readonly #separable: SeparableCosts;
  /** Devices that no assignment admits hold nothing. */
  readonly #hopeless: readonly boolean[];

  constructor(instance: RadioInstance, separable: SeparableCosts, hopeless: readonly boolean[]) {
    this.#instance = instance;
    this.#separable = separable;
    this.#hopeless = hopeless;
  }

  /** Shares to start from: each channel in proportion to its gain over the device's mean gain. */
  start(): Float64Array {
    const { devices, channels, link } = this.#instance;
    const shares = new Float64Array(devices * channels);
    for (let k = 0; k < devices; k++) {
      const gains = link.gainPerWatt[k] as readonly number[];
      const mean = gains.reduce((sum, gain) => sum + gain, 0) / channels;
      for (let m = 0; m < channels; m++) {
        shares[k * channels + m] = this.#hopeless[k] ? 0 : (gains[m] as number) / mean + 0.1;
      }
    }
    normalise(shares, devices, channels);
    return shares;
  }

  evaluate(shares: Float64Array): Relaxed {
    const { devices, channels } = this.#instance;
    const values = new Float64Array(devices * channels);
    const costs = new Float64Array(devices);
    const multipliers: Multipliers[] = [];
    let cost = 0;
    for (let k = 0; k < devices; k++) {
      multipliers.push(this.#evaluateDevice(k, shares, costs));
      cost += costs[k] as number;
      if (!this.#hopeless[k]) fillValues(this.#instance, k, multipliers[k] as Multipliers, values);
    }
    return { cost, costs, values, multipliers };
  }

  /** ψ_k at fractional shares, and its multipliers. */
  #evaluateDevice(k: number, shares: Float64Array, costs: Float64Array): Multipliers {
    const { channels, curve, ranked } = this.#instance;
    costs[k] = this.#separable.excluded[k] as number;
    if (this.#hopeless[k]) return { ratePrice: 0, powerPrice: 0 };
    const { order, inverseGain, log2Gain } = ranked[k] as RankedChannels;
    curve.clear();
    for (let i = 0; i < channels; i++) {
      const share = shares[k * channels + (order[i] as number)] as number;
      if (share > 0) curve.add(share, inverseGain[i] as number, log2Gain[i] as number);
    }
    const { cost, multipliers } = convexCostOnCurve(this.#instance, this.#separable, k);
    costs[k] = cost;
    return multipliers;
  }
}

/** Bound 1: a lower bound on the separable cost for any multipliers ≥ 0.
 *
 *  For a feasible point add ν_k (rate needed − rate) + θ_k (power − power allowed) ≤ 0 of every participant, and
 *  minimise term by term: each channel pays at most its best value, each device the less of in and out. */
export function relaxedBound(
  instance: RadioInstance,
  separable: SeparableCosts,
  hopeless: readonly boolean[],
  multipliers: readonly Multipliers[],
  values: Float64Array,
): number {
  const { channels, devices, low, tasks } = instance;
  let bound = 0;
  for (let k = 0; k < devices; k++) {
    let least = separable.excluded[k] as number;
    const [cost, ideal, price] = [
      separable.costs[k] as KeepRateCost,
      separable.ideal[k] as number,
      multipliers[k] as Multipliers,
    ];
    for (const task of hopeless[k] ? [] : (tasks[k] as readonly RadioTask[])) {
      if (reach(task, low) < low) continue;
      least = Math.min(least, pricedCost(cost, task, price, leastPricedRate(cost, task, price, low, ideal)));
    }
    bound += least;
  }
  return bound - channelPrices(values, devices, channels).reduce((sum, price) => sum + price, 0);
}

/** [M]: the highest value of each channel. */
export function channelPrices(values: Float64Array, devices: number, channels: number): Float64Array {
  const prices = new Float64Array(channels);
  for (let k = 0; k < devices; k++) {
    for (let m = 0; m < channels; m++) {
      prices[m] = Math.max(prices[m] as number, values[k * channels + m] as number);
    }
  }
  return prices;
}

/** Multiplies shares by exp(step·advantage/price) and normalises each channel. */
export function exponentiatedStep(
  shares: Float64Array,
  advantage: Float64Array,
  prices: Float64Array,
  step: number,
): Float64Array {
  const channels = prices.length;
  const devices = shares.length / channels;
  const next = new Float64Array(shares.length);
  for (let m = 0; m < channels; m++) {
    const price = prices[m] as number;
    if (price === 0) {
      for (let i = m; i < shares.length; i += channels) next[i] = shares[i] as number;
      continue;
    }
    let top = Number.NEGATIVE_INFINITY;
    for (let i = m; i < shares.length; i += channels) {
      if ((shares[i] as number) > 0) top = Math.max(top, advantage[i] as number);
    }
    for (let i = m; i < shares.length; i += channels) {
      const factor = Math.exp((step * ((advantage[i] as number) - top)) / price);
      // A share this small is lost for good, which keeps curves short; moves afterwards can bring it back.
      next[i] = (shares[i] as number) * factor < 1e-9 ? 0 : (shares[i] as number) * factor;
    }
  }
  normalise(next, devices, channels);
  return next;
}

function normalise(shares: Float64Array, devices: number, channels: number): void {
  for (let m = 0; m < channels; m++) {
    let sum = 0;
    for (let k = 0; k < devices; k++) sum += shares[k * channels + m] as number;
    if (sum === 0) continue;
    for (let k = 0; k < devices; k++) (shares[k * channels + m] as number) /= sum;
  }
}

/** Steps without penalty until twenty of them gain less than 1e-5 of the cost, or `maxSteps`: the relaxed optimum to a
 *  fraction of a percent. */
export function relax(relaxation: Relaxation, maxSteps: number): { shares: Float64Array; relaxed: Relaxed } {
  let shares = relaxation.start();
  let relaxed = relaxation.evaluate(shares);
  let [step, checked] = [0.5, relaxed.cost];
  for (let i = 1; i <= maxSteps; i++) {
    const devices = relaxed.costs.length;
    const prices = channelPrices(relaxed.values, devices, shares.length / devices);
    const nextShares = exponentiatedStep(shares, relaxed.values, prices, step);
    const next = relaxation.evaluate(nextShares);
    if (next.cost < relaxed.cost) {
      [shares, relaxed] = [nextShares, next];
      step *= 1.3;
    } else {
      step *= 0.4;
    }
    if (i % 20 !== 0) continue;
    if (checked - relaxed.cost < 1e-5 * relaxed.cost) break;
    checked = relaxed.cost;
  }
  return { shares, relaxed };
}

/** The device with the largest share of each channel; −1 where nobody has any. */
export function roundShares(shares: Float64Array, devices: number, channels: number): Int32Array {
  return Int32Array.from({ length: channels }, (_, m) => {
    let [best, most] = [-1, 0];
    for (let k = 0; k < devices; k++) {
      const share = shares[k * channels + m] as number;
      if (share > most) [best, most] = [k, share];
    }
    return best;
  });
}
