/** The market for shares of a measured link: at a price each device demands what it likes best, and some price clears. */
import type { KeepRateCost } from "./bound.ts";
import type { SeparableCosts } from "./objective.ts";
import { rateNeeded, type UploadTask } from "./upload-task.ts";

/** One way a device can take part: an operating point, its reach, and what its upload's rate adds to the price. */
export interface Offer {
  readonly task: UploadTask;
  readonly top: number;
  /** d/ds of the share, times windowSeconds². */
  readonly sharePull: number;
  readonly sharePerBitRate: number;
}

/** Whether a device takes part, stays out, or does what is cheaper. */
export type Choice = "in" | "out" | "free";

export interface Clearing {
  readonly keepRates: Float64Array;
  readonly shares: Float64Array;
  /** Separable cost of these keep rates; Infinity when the shares do not fit. */
  readonly cost: number;
  /** Lower bound: the dual value at the clearing price. */
  readonly dual: number;
  /** Keep rates at a price just too low, where demand exceeds the link. */
  readonly generous: Float64Array;
}

export class ShareMarket {
  readonly #separable: SeparableCosts;
  readonly #offers: readonly (readonly Offer[])[];
  readonly #low: number;
  readonly #keepRates: Float64Array;
  readonly #shares: Float64Array;
  readonly #starts: Float64Array;
  #cost = 0;
  #priced = 0;

  constructor(separable: SeparableCosts, offers: readonly (readonly Offer[])[], low: number) {
    this.#separable = separable;
    this.#offers = offers;
    this.#low = low;
    this.#keepRates = new Float64Array(offers.length);
    this.#shares = new Float64Array(offers.length);
    this.#starts = Float64Array.from(separable.ideal);
  }

  /** The price at which the link is just used up (0 if it never is), on the side that fits. */
  clear(choices: readonly Choice[]): Clearing {
    let used = this.#demand(0, choices);
    if (used <= 1) return this.#clearing(0, new Float64Array(this.#offers.length));
    let low = { price: 0, used };
    let high = { price: this.#startPrice(choices), used };
    for (let i = 0; high.used > 1 && i < 60; i++) {
      used = this.#demand(high.price, choices);
      if (used > 1) low = { price: high.price, used };
      high = { price: used > 1 ? high.price * 4 : high.price, used };
    }
    if (high.used > 1)
      return { ...this.#clearing(high.price, this.#keepRates), cost: Number.POSITIVE_INFINITY };
    // Demand is close to a power of the price: regula falsi on logarithms, bisecting when it stalls.
    for (let i = 0; i < 80 && 1 - high.used > 1e-11 && high.price - low.price > 1e-8 * high.price; i++) {
      const slope = Math.log(high.used / low.used) / Math.log(high.price / low.price);
      const guess = high.price * Math.exp(-Math.log(high.used) / slope);
      const inside = low.price > 0 && i % 4 !== 3 && guess > low.price && guess < high.price;
      const price = inside ? guess : low.price > 0 ? Math.sqrt(low.price * high.price) : high.price / 16;
      used = this.#demand(price, choices);
      if (used > 1) low = { price, used };
      else high = { price, used };
    }
    this.#demand(low.price, choices);
    const generous = this.#keepRates.slice();
    this.#demand(high.price, choices);
    return this.#clearing(high.price, generous);
  }

  #clearing(price: number, generous: Float64Array): Clearing {
    return {
      keepRates: this.#keepRates.slice(),
      shares: this.#shares.slice(),
      cost: this.#cost,
      dual: this.#priced - price,
      generous: generous.slice(),
    };
  }

  /** A price of the right order: the mean of what devices would pay at the middle of their range. */
  #startPrice(choices: readonly Choice[]): number {
    let [sum, count] = [0, 0];
    this.#offers.forEach(([offer], k) => {
      if (offer === undefined || choices[k] === "out") return;
      const s = 0.5 * (this.#low + offer.top);
      const window = offer.task.fixedSeconds - offer.task.secondsPerKeepRate * s;
      sum -= ((this.#separable.costs[k] as KeepRateCost).slope(s) * window * window) / offer.sharePull;
      count++;
    });
    return Math.max(sum / count, 1e-300);
  }

  /** Total share demanded at a price; leaves keep rates, shares, their cost and the priced cost. */
  #demand(price: number, choices: readonly Choice[]): number {
    let used = 0;
    this.#cost = 0;
    this.#priced = 0;
    for (let k = 0; k < this.#offers.length; k++) {
      const out = this.#separable.excluded[k] as number;
      const cost = this.#separable.costs[k] as KeepRateCost;
      let bestPriced = choices[k] === "in" ? Number.POSITIVE_INFINITY : out;
      let [bestRate, bestShare, bestCost] = [0, 0, out];
      if (choices[k] !== "out") {
        for (const offer of this.#offers[k] as readonly Offer[]) {
          const { task, top } = offer;
          const pull = price * offer.sharePull;
          // Prices settle quickly, so the last answer is a good start.
          const start = this.#starts[k] as number;
          const s = cost.minimiser(this.#low, top, pull, task.fixedSeconds, task.secondsPerKeepRate, start);
          this.#starts[k] = s;
          const share = offer.sharePerBitRate * rateNeeded(task, s);
          const own = cost.at(s);
          if (own + price * share <= bestPriced) {
            bestPriced = own + price * share;
            [bestRate, bestShare, bestCost] = [s, share, own];
          }
        }
      }
      this.#keepRates[k] = bestRate;
      this.#shares[k] = bestShare;
      this.#cost += bestCost;
      this.#priced += bestPriced;
      used += bestShare;
    }
    return used;
  }
}
