/** Local search over owners: one unit to another device, and two units exchanged, while that lowers the cost. */
import type { LinkModel } from "./link-model.ts";
import { costAtLimit, type SeparableCosts } from "./objective.ts";

export class LocalSearch {
  readonly #model: LinkModel;
  readonly #separable: SeparableCosts;
  readonly owner: Int32Array;
  readonly #costs: Float64Array;

  constructor(model: LinkModel, separable: SeparableCosts, owner: Int32Array) {
    this.#model = model;
    this.#separable = separable;
    this.owner = owner;
    this.#costs = Float64Array.from(separable.costs, (_, k) => this.#costOf(k));
  }

  get cost(): number {
    return this.#costs.reduce((sum, each) => sum + each, 0);
  }

  /** Keep-rate limits of the owners as they are. */
  limits(): number[] {
    return Array.from(this.#costs, (_, k) => this.#model.keepRateLimit(k, this.owner));
  }

  /** Moves and exchanges until neither helps. */
  descend(): void {
    while (this.movePass() || this.exchangePass());
  }

  /** Gives every unit in turn to the device that gains most by it; true when something moved. */
  movePass(): boolean {
    let moved = false;
    for (let unit = 0; unit < this.#model.units; unit++) {
      const from = this.owner[unit] as number;
      this.owner[unit] = -1;
      const without = from === -1 ? 0 : this.#costOf(from);
      const loss = from === -1 ? 0 : without - (this.#costs[from] as number);
      let [bestGain, bestDevice, bestCost] = [loss + 1e-13, from, 0];
      for (let k = 0; k < this.#costs.length; k++) {
        if (k === from) continue;
        this.owner[unit] = k;
        const cost = this.#costOf(k);
        const gain = (this.#costs[k] as number) - cost;
        if (gain > bestGain) [bestGain, bestDevice, bestCost] = [gain, k, cost];
      }
      this.owner[unit] = bestDevice;
      if (bestDevice === from) continue;
      moved = true;
      this.#costs[bestDevice] = bestCost;
      if (from !== -1) this.#costs[from] = without;
    }
    return moved;
  }

  /** Exchanges the owners of pairs of units; true when something moved. */
  exchangePass(): boolean {
    let moved = false;
    for (let a = 0; a < this.#model.units; a++) {
      for (let b = a + 1; b < this.#model.units; b++) {
        const [k, l] = [this.owner[a] as number, this.owner[b] as number];
        if (k === l || k === -1 || l === -1) continue;
        this.owner[a] = l;
        this.owner[b] = k;
        const kCost = this.#costOf(k);
        const before = (this.#costs[k] as number) + (this.#costs[l] as number) - 1e-13;
        const lCost = kCost < before ? this.#costOf(l) : Number.POSITIVE_INFINITY;
        if (kCost + lCost < before) {
          this.#costs[k] = kCost;
          this.#costs[l] = lCost;
          moved = true;
        } else {
          this.owner[a] = k;
          this.owner[b] = l;
        }
      }
    }
    return moved;
  }

  #costOf(device: number): number {
    return costAtLimit(this.#separable, device, this.#model.keepRateLimit(device, this.owner));
  }
}
