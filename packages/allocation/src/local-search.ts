/**
 * Local search over owners: one channel to another device, and two channels exchanged, while that lowers the cost.
 * A device's cost is (nearly) convex in the channels it holds, so only changes that pay to first order are tried.
 */
import { DemandQuery } from "./demand.ts";
import { convexCostOnCurve, fillValues } from "./marginal-values.ts";
import { costAtLimit, type SeparableCosts } from "./objective.ts";
import { bestLimit, fillCurve, type RadioInstance, type RankedChannels } from "./radio-instance.ts";

/** Gains below this are rounding. */
const leastGain = 1e-13;
/** Purchases that promise less than this part of the cost are not tried. */
const leastPromise = 3e-4;
const nobody = -1;
/** Purchases tried in full before the search ends, most promising first. */
const offersTried = 4;
/** More while a device is left out, which costs far more than a poor share. */
const offersTriedForAdmission = 24;

interface Offer {
  readonly device: number;
  readonly leaver: number;
  readonly channels: Int32Array;
  /** What it lowers the cost by, to first order in the others. */
  readonly gain: number;
}

export class LocalSearch {
  readonly #instance: RadioInstance;
  readonly #separable: SeparableCosts;
  readonly #hopeless: readonly boolean[];
  readonly owner: Int32Array;
  readonly #costs: Float64Array;
  /** [K·M]: worth of each channel to each device, at what it holds now. */
  readonly #values: Float64Array;
  readonly #everything: Uint8Array;
  readonly #queries: DemandQuery[] = [];

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
    this.#everything = new Uint8Array(this.#values.length).fill(1);
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

  get cost(): number {
    return this.#costs.reduce((sum, each) => sum + each, 0);
  }

  /** Lets a device buy anew all it holds, at what its channels are worth to others, an excluded one also in another's
   *  place. The purchases that promise most are tried, and the first is kept after which the descent ends lower; true
   *  when one was. */
  rebuy(): boolean {
    const devices = [...this.#costs.keys()];
    const inside = devices.filter((k) => this.#limitOf(k) > 0);
    const complete = devices.every((k) => this.#hopeless[k] || inside.includes(k));
    const offers = devices.flatMap((k) => {
      if (this.#hopeless[k]) return [];
      const leavers = inside.includes(k) ? [] : inside;
      return [nobody, ...leavers].map((leaver) => this.#offer(k, leaver));
    });
    return offers
      .filter(({ gain }) => gain > leastPromise * this.cost)
      .sort((a, b) => b.gain - a.gain)
      .slice(0, complete ? offersTried : offersTriedForAdmission)
      .some((offer) => this.#attempt(offer));
  }

  /** What device k buys when others' channels cost their losses, its own what others would give, and a leaver's none. */
  #offer(k: number, leaver: number): Offer {
    const { channels } = this.#instance;
    let [spent, left] = [this.#costs[k] as number, 0];
    const prices = Float64Array.from(this.owner, (owner, m) => {
      if (owner === nobody || owner === leaver) return 0;
      if (owner !== k) return this.#values[owner * channels + m] as number;
      const price = this.#values[this.#bestBuyer(m, k) * channels + m] as number;
      spent += price;
      return price;
    });
    if (leaver !== nobody)
      left = (this.#separable.excluded[leaver] as number) - (this.#costs[leaver] as number);
    const out = this.#separable.excluded[k] as number;
    const query = this.#queries[k] ?? new DemandQuery(this.#instance, k);
    this.#queries[k] = query;
    // Only promising purchases count, so a rough answer will do.
    const slack = leastPromise * this.cost;
    const { floor, columns } = query.ask(
      this.#separable,
      prices,
      this.#everything,
      true,
      Math.min(out, spent),
      slack,
    );
    return {
      device: k,
      leaver,
      channels: columns.at(-1)?.channels ?? new Int32Array(0),
      gain: spent - floor - left,
    };
  }

  /** The device other than k to which a channel is worth most. */
  #bestBuyer(channel: number, k: number): number {
    const { channels, devices } = this.#instance;
    let best = k === 0 ? 1 % devices : 0;
    for (let j = 0; j < devices; j++) {
      const worth = this.#values[j * channels + channel] as number;
      if (j !== k && worth > (this.#values[best * channels + channel] as number)) best = j;
    }
    return best;
  }

  /** Gives device k the channels, what it and a leaver give up to others, and descends; undone unless the cost falls. */
  #attempt({ device: k, channels, leaver }: Offer): boolean {
    const [owner, costs, values] = [this.owner.slice(), this.#costs.slice(), this.#values.slice()];
    const before = this.cost;
    const bought = new Set(channels);
    for (let m = 0; m < owner.length; m++) {
      if (bought.has(m)) this.owner[m] = k;
      else if (owner[m] === k) this.owner[m] = this.#bestBuyer(m, k);
      else if (leaver !== nobody && owner[m] === leaver) this.owner[m] = nobody;
    }
    const touched = new Set(
      Array.from(owner).flatMap((from, m) => (from === this.owner[m] ? [] : [from, this.owner[m] as number])),
    );
    for (const device of touched) if (device !== nobody) this.#refresh(device);
    this.descend();
    if (this.cost < before - leastGain) return true;
    this.owner.set(owner);
    this.#costs.set(costs);
    this.#values.set(values);
    return false;
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
