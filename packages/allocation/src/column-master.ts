/**
 * The master of the column generation: over the sets known so far, maximise the dual
 *   Σ_k min_i [ψ_ki + π(S_ki)] − Σ_m π_m − |π − centre|² / (2·weight),  π ≥ 0,
 * through its own dual, a convex quadratic in each device's mixture λ of its sets: with the use
 * x_m = Σ λ 1[m ∈ S] − 1 of each channel, π_m = max(0, centre_m + weight·x_m). Pairwise steps move mixture from a
 * device's dearest set in use to its cheapest.
 */
import type { Column } from "./demand.ts";

export interface MasterColumn {
  readonly column: Column;
  cost: number;
  /** λ: its part of the device's mixture. */
  part: number;
  /** ψ + π(S) at the prices last looked at. */
  priced: number;
}

const maxSweeps = 400;

export class ColumnMaster {
  readonly #pools: readonly MasterColumn[][];
  /** x: use of each channel by the mixtures, less 1. */
  readonly excess: Float64Array;
  readonly prices: Float64Array;

  /** @param pools each device's admissible sets, at least one each; their parts are normalised and then kept up */
  constructor(pools: readonly MasterColumn[][], channels: number) {
    this.#pools = pools;
    this.excess = new Float64Array(channels);
    this.prices = new Float64Array(channels);
  }

  /** Sets prices, excess and parts, and gives the model's value there without the proximal term. Stops when that is
   *  within `tolerance` of its maximum, or within a twentieth of what it gains over `floor`. */
  solve(centre: Float64Array, weight: number, floor: number, tolerance: number): number {
    this.#restart(centre, weight);
    let model = 0;
    for (let sweep = 0; sweep < maxSweeps; sweep++) {
      let distance = 0;
      model = -this.prices.reduce((sum, price) => sum + price, 0);
      for (const pool of this.#pools) {
        const least = this.#price(pool);
        model += least.priced;
        for (const each of pool) distance += each.part * (each.priced - least.priced);
      }
      if (distance <= Math.max(tolerance, 0.05 * (model - floor))) break;
      for (const pool of this.#pools) this.#balance(pool, centre, weight);
    }
    return model;
  }

  #restart(centre: Float64Array, weight: number): void {
    this.excess.fill(-1);
    for (const pool of this.#pools) {
      const total = pool.reduce((sum, each) => sum + each.part, 0);
      if (total === 0) (pool[0] as MasterColumn).part = 1;
      for (const each of pool) {
        if (total > 0) each.part /= total;
        if (each.part > 0)
          for (const channel of each.column.channels) (this.excess[channel] as number) += each.part;
      }
    }
    for (let m = 0; m < this.prices.length; m++) this.#reprice(m, centre, weight);
  }

  #reprice(channel: number, centre: Float64Array, weight: number): void {
    const price = (centre[channel] as number) + weight * (this.excess[channel] as number);
    this.prices[channel] = Math.max(price, 0);
  }

  /** Prices a device's sets and gives the cheapest. */
  #price(pool: readonly MasterColumn[]): MasterColumn {
    let least = pool[0] as MasterColumn;
    for (const each of pool) {
      let priced = each.cost;
      const { channels } = each.column;
      for (let i = 0; i < channels.length; i++) priced += this.prices[channels[i] as number] as number;
      each.priced = priced;
      if (priced < least.priced) least = each;
    }
    return least;
  }

  /** A few pairwise steps within one device. The curvature along one is at most weight × channels that differ. */
  #balance(pool: readonly MasterColumn[], centre: Float64Array, weight: number): void {
    for (let step = 0; step < 4; step++) {
      const cheap = this.#price(pool);
      let dear: MasterColumn | undefined;
      for (const each of pool)
        if (each.part > 0 && (dear === undefined || each.priced > dear.priced)) dear = each;
      if (dear === undefined || dear === cheap || dear.priced - cheap.priced <= 1e-15) return;
      let size = cheap.column.channels.length + dear.column.channels.length;
      for (const channel of cheap.column.channels) if (dear.column.channels.includes(channel)) size -= 2;
      const shift = Math.min(dear.part, (dear.priced - cheap.priced) / (weight * Math.max(1, size)));
      dear.part -= shift;
      cheap.part += shift;
      for (const channel of dear.column.channels) (this.excess[channel] as number) -= shift;
      for (const channel of cheap.column.channels) (this.excess[channel] as number) += shift;
      for (const channel of dear.column.channels) this.#reprice(channel, centre, weight);
      for (const channel of cheap.column.channels) this.#reprice(channel, centre, weight);
    }
  }
}
