/**
 * Local search over owners: one channel to another device, and two channels exchanged, while that lowers the cost.
 * A device's cost is (nearly) convex in the channels it holds, so only changes that pay to first order are tried.
 */
import { convexCostOnCurve, fillValues } from "./marginal-values.ts";
import { costAtLimit, type SeparableCosts } from "./objective.ts";
import { bestLimit, fillCurve, type RadioInstance, type RankedChannels } from "./radio-instance.ts";

/** Gains below this are rounding. */
const leastGain = 1e-13;

export class LocalSearch {
  readonly #instance: RadioInstance;
  readonly #separable: SeparableCosts;
  readonly #hopeless: readonly boolean[];
  readonly owner: Int32Array;
  readonly #costs: Float64Array;
  /** [K·M]: worth of each channel to each device, at what it holds now. */
  readonly #values: Float64Array;

  constructor(
    instance: RadioInstance,
    separable: SeparableCosts,
    hopeless: readonly boolean[],
    owner: Int32Array,
  ) {
    this.#instance = instance;
    this.#separable = separable;
    this.#hopeless = hopeless;
    this.owner = owner;
    this.#costs = new Float64Array(instance.devices);
    this.#values = new Float64Array(instance.devices * instance.channels);
    for (let k = 0; k < instance.devices; k++) this.#refresh(k);
  }

  /** Keep-rate limits under the owners as they are. */
  limits(): number[] {
    return Array.from(this.#costs, (_, k) => this.#limitOf(k));
  }

  /** Moves and exchanges until neither helps. */
  descend(): void {
    while (this.#movePass() || this.#exchangePass());
  }

  #movePass(): boolean {
    const { channels, devices } = this.#instance;
    let moved = false;
    for (let m = 0; m < channels; m++) {
      const from = this.owner[m] as number;
      const kept = from === -1 ? 0 : (this.#values[from * channels + m] as number);
      let [bestGain, bestDevice] = [leastGain, -1];
      let loss = Number.NaN;
      for (let k = 0; k < devices; k++) {
        if (k === from || (this.#values[k * channels + m] as number) <= kept) continue;
        this.owner[m] = k;
        if (Number.isNaN(loss)) loss = from === -1 ? 0 : this.#costOf(from) - (this.#costs[from] as number);
        const gain = (this.#costs[k] as number) - this.#costOf(k) - loss;
        if (gain > bestGain) [bestGain, bestDevice] = [gain, k];
      }
      this.owner[m] = bestDevice === -1 ? from : bestDevice;
      if (bestDevice === -1) continue;
      moved = true;
      this.#refresh(bestDevice);
      if (from !== -1) this.#refresh(from);
    }
    return moved;
  }

  #exchangePass(): boolean {
    const { channels } = this.#instance;
    let moved = false;
    for (let a = 0; a < channels; a++) {
      for (let b = a + 1; b < channels; b++) {
        const [k, l] = [this.owner[a] as number, this.owner[b] as number];
        if (k === l || k === -1 || l === -1) continue;
        const given = (this.#values[k * channels + a] as number) + (this.#values[l * channels + b] as number);
        const taken = (this.#values[l * channels + a] as number) + (this.#values[k * channels + b] as number);
        if (taken <= given) continue;
        this.owner[a] = l;
        this.owner[b] = k;
        const before = (this.#costs[k] as number) + (this.#costs[l] as number) - leastGain;
        const kCost = this.#costOf(k);
        if (kCost < before && kCost + this.#costOf(l) < before) {
          this.#refresh(k);
          this.#refresh(l);
          moved = true;
        } else {
          this.owner[a] = k;
          this.owner[b] = l;
        }
      }
    }
    return moved;
  }

  #refresh(device: number): void {
    this.#costs[device] = this.#costOf(device);
    if (this.#hopeless[device]) return;
    this.#fill(device);
    const { multipliers } = convexCostOnCurve(this.#instance, this.#separable, device);
    fillValues(this.#instance, device, multipliers, this.#values);
  }

  #costOf(device: number): number {
    return costAtLimit(this.#separable, device, this.#limitOf(device));
  }

  #limitOf(device: number): number {
    this.#fill(device);
    return bestLimit(this.#instance, device, this.#instance.low, this.#instance.high);
  }

  #fill(device: number): void {
    const { curve, ranked } = this.#instance;
    fillCurve(curve, ranked[device] as RankedChannels, (channel) => this.owner[channel] === device);
  }
}
