/**
 * The demand of one device at channel prices π: min over sets S of ψ(S) + π(S), exactly, with S = ∅ for staying out.
 * (ψ(S) is the device's cost when it owns S, π(S) the sum of its prices.)
 *
 * For multipliers (ν, θ) let rc_m = π_m − v_m(ν, θ). Every S of n channels costs at least
 *   B_n(ν, θ) = F(ν, θ) + the n least rc together,
 * so one sort bounds every cardinality, and the best bound of each is kept. For a fixed S the multipliers of its own
 * optimum make F + rc(S) its exact cost. So: take the cardinality bounded worst, price its n cheapest channels
 * exactly, and bound again at their multipliers; when that leads back to a set already priced, search the line
 * between the two multipliers; what is still open then is enumerated in rc order.
 */
import type { KeepRateCost } from "./bound.ts";
import { leastPricedRate, type Multipliers, multipliersAt, pricedCost } from "./multipliers.ts";
import { costAtLimit, type SeparableCosts } from "./objective.ts";
import type { RadioInstance, RankedChannels } from "./radio-instance.ts";
import { largestKeepRate, type RadioTask, wattsAllowed } from "./radio-task.ts";
import { rateNeeded, reach } from "./upload-task.ts";

/** A set of channels a device may own. */
export interface Column {
  readonly device: number;
  readonly channels: Int32Array;
  /** Keep-rate limit with these channels; 0 when they do not admit the device. */
  readonly limit: number;
}

export interface Demand {
  /** No set costs less, prices included. */
  readonly floor: number;
  /** Sets met on the way, each cheaper than all before it. */
  readonly columns: readonly Column[];
}

/** Sets priced in one enumeration before it is given up; the bound found by then still holds. */
const leafLimit = 2000;

export class DemandQuery {
  readonly #instance: RadioInstance;
  readonly #device: number;
  readonly #tasks: readonly RadioTask[];
  readonly #ranked: RankedChannels;
  /** Multipliers that closed the last query of each task: prices move little in between. */
  readonly #warm: (Multipliers | undefined)[] = [];

  // The query: candidate channels in descending gain, what the answer must beat.
  #separable!: SeparableCosts;
  #task!: RadioTask;
  #top = 0;
  #count = 0;
  readonly #rank: Int32Array;
  readonly #price: Float64Array;
  #incumbent = 0;
  #slack = 0;
  #mayStayOut = true;
  #columns: Column[] = [];

  // At the multipliers last reduced at: rc, candidates sorted by it, its prefix sums, F and its keep rate.
  readonly #reduced: Float64Array;
  readonly #sorted: Int32Array;
  readonly #prefix: Float64Array;
  #at: Multipliers = { ratePrice: 0, powerPrice: 0 };
  #fixedCost = 0;
  #keepRate = 0;

  // For each cardinality, its best bound, where that was found, and whether nothing can be done about it.
  readonly #bound: Float64Array;
  readonly #boundAt: Multipliers[] = [];
  readonly #closed: Uint8Array;

  readonly #chosen: Int32Array;
  #leaves = 0;

  constructor(instance: RadioInstance, device: number) {
    const { channels } = instance;
    this.#instance = instance;
    this.#device = device;
    this.#tasks = (instance.tasks[device] as readonly RadioTask[]).filter(
      (task) => reach(task, instance.low) >= instance.low,
    );
    this.#ranked = instance.ranked[device] as RankedChannels;
    this.#rank = new Int32Array(channels);
    this.#price = new Float64Array(channels);
    this.#reduced = new Float64Array(channels);
    this.#sorted = new Int32Array(channels);
    this.#prefix = new Float64Array(channels + 1);
    this.#bound = new Float64Array(channels + 1);
    this.#closed = new Uint8Array(channels + 1);
    this.#chosen = new Int32Array(channels);
  }

  /** @param allowed [K·M], 0 where the device may not have the channel
   *  @param mayStayOut whether a set that does not admit the device counts, at the cost of exclusion
   *  @param incumbent cost of the best set known at these prices, staying out included
   *  @param slack how far below the true demand the floor may stay */
  ask(
    separable: SeparableCosts,
    prices: Float64Array,
    allowed: Uint8Array,
    mayStayOut: boolean,
    incumbent: number,
    slack: number,
  ): Demand {
    const { channels } = this.#instance;
    this.#separable = separable;
    this.#incumbent = incumbent;
    this.#slack = slack;
    this.#mayStayOut = mayStayOut;
    this.#columns = [];
    this.#count = 0;
    for (let i = 0; i < channels; i++) {
      const channel = this.#ranked.order[i] as number;
      if (allowed[this.#device * channels + channel] === 0) continue;
      this.#rank[this.#count] = i;
      this.#price[this.#count] = prices[channel] as number;
      this.#sorted[this.#count] = this.#count;
      this.#count++;
    }
    let floor = incumbent;
    if (this.#count > 0) {
      for (let j = 0; j < this.#tasks.length; j++) floor = Math.min(floor, this.#askTask(j));
    }
    return { floor: Math.min(floor, this.#incumbent), columns: this.#columns };
  }

  #askTask(j: number): number {
    const task = this.#tasks[j] as RadioTask;
    this.#task = task;
    this.#fill(this.#sorted, this.#count);
    const { curve, low } = this.#instance;
    // Nobody keeps more than with every channel allowed: a lower top makes F larger.
    this.#top = largestKeepRate(curve, task, low, this.#separable.ideal[this.#device] as number);
    if (this.#top === 0) return this.#incumbent;
    this.#bound.fill(Number.NEGATIVE_INFINITY, 0, this.#count + 1);
    this.#closed.fill(0, 0, this.#count + 1);
    this.#reduce(this.#warm[j] ?? this.#multipliersOnCurve(this.#top, 0));
    this.#record();

    const tried: { key: number; own: Multipliers }[] = [];
    let searches = 0;
    for (let n = this.#weakest(); n > 0; n = this.#weakest()) {
      const at = this.#boundAt[n] as Multipliers;
      if (at !== this.#at) this.#reduce(at);
      const key = this.#keyOf(n);
      const before = tried.find((each) => each.key === key);
      if (before === undefined) {
        const own = this.#priceSet(this.#sorted, n);
        tried.push({ key, own });
        this.#reduce(own);
        this.#record();
      } else if (searches < 4) {
        searches++;
        this.#searchLine(n, at, before.own);
      } else {
        searches = 0;
        this.#enumerate(n);
      }
    }
    let weakest = 1;
    for (let n = 2; n <= this.#count; n++) {
      if ((this.#bound[n] as number) < (this.#bound[weakest] as number)) weakest = n;
    }
    this.#warm[j] = this.#boundAt[weakest] as Multipliers;
    return this.#bound[weakest] as number;
  }

  /** The open cardinality whose bound is furthest below the incumbent; 0 when all bounds reach it. */
  #weakest(): number {
    let [least, found] = [this.#incumbent - this.#slack, 0];
    for (let n = 1; n <= this.#count; n++) {
      if (this.#closed[n] === 0 && (this.#bound[n] as number) < least)
        [least, found] = [this.#bound[n] as number, n];
    }
    return found;
  }

  /** rc of every candidate at these multipliers, sorted and summed, and F. */
  #reduce(at: Multipliers): void {
    this.#at = at;
    const cost = this.#separable.costs[this.#device] as KeepRateCost;
    this.#keepRate = leastPricedRate(cost, this.#task, at, this.#instance.low, this.#top);
    this.#fixedCost = pricedCost(cost, this.#task, at, this.#keepRate);
    const [count, reduced, sorted, prefix] = [this.#count, this.#reduced, this.#sorted, this.#prefix];
    const scale = at.ratePrice * this.#task.hertz;
    const level = at.ratePrice === 0 ? 0 : scale / (at.powerPrice * Math.LN2);
    const log2Level = Math.log2(level);
    for (let c = 0; c < count; c++) {
      const rank = this.#rank[c] as number;
      const inverse = this.#ranked.inverseGain[rank] as number;
      const value =
        level > inverse
          ? scale * (log2Level + (this.#ranked.log2Gain[rank] as number)) - at.powerPrice * (level - inverse)
          : 0;
      reduced[c] = (this.#price[c] as number) - value;
    }
    // The order of the last multipliers is nearly right, which insertion sort likes.
    for (let i = 1; i < count; i++) {
      const candidate = sorted[i] as number;
      const own = reduced[candidate] as number;
      let j = i - 1;
      for (; j >= 0 && (reduced[sorted[j] as number] as number) > own; j--)
        sorted[j + 1] = sorted[j] as number;
      sorted[j + 1] = candidate;
    }
    for (let i = 0; i < count; i++) {
      prefix[i + 1] = (prefix[i] as number) + (reduced[sorted[i] as number] as number);
    }
  }

  /** Raises the bounds that the multipliers last reduced at improve. */
  #record(): void {
    for (let n = 1; n <= this.#count; n++) {
      const bound = this.#fixedCost + (this.#prefix[n] as number);
      if (bound > (this.#bound[n] as number)) {
        this.#bound[n] = bound;
        this.#boundAt[n] = this.#at;
      }
    }
  }

  /** Puts candidates into the curve, which wants them in descending gain. */
  #fill(candidates: Int32Array, n: number): void {
    const { curve } = this.#instance;
    const order = candidates.slice(0, n).sort();
    curve.clear();
    for (const candidate of order) {
      const rank = this.#rank[candidate] as number;
      curve.add(1, this.#ranked.inverseGain[rank] as number, this.#ranked.log2Gain[rank] as number);
    }
  }

  /** Prices a set exactly, keeps it when it is the best so far, and gives its own multipliers. */
  #priceSet(candidates: Int32Array, n: number): Multipliers {
    this.#fill(candidates, n);
    const { curve, low, high } = this.#instance;
    let prices = 0;
    for (let i = 0; i < n; i++) prices += this.#price[candidates[i] as number] as number;
    const limit = largestKeepRate(curve, this.#task, low, high);
    const total = costAtLimit(this.#separable, this.#device, limit) + prices;
    if (total < this.#incumbent && (limit > 0 || this.#mayStayOut)) {
      this.#incumbent = total;
      const channels = Int32Array.from({ length: n }, (_, i) => this.#channel(candidates[i] as number));
      this.#columns.push({ device: this.#device, channels: channels.sort(), limit });
    }
    return this.#multipliersOnCurve(limit, prices);
  }

  #channel(candidate: number): number {
    return this.#ranked.order[this.#rank[candidate] as number] as number;
  }

  /** Multipliers of the optimum on the curve as filled. Where it carries all the device wants they are 0; where it
   *  does not carry the least keep rate, they are large enough to put the set above the incumbent. */
  #multipliersOnCurve(limit: number, prices: number): Multipliers {
    const { curve, low } = this.#instance;
    const task = this.#task;
    if (limit >= this.#top) return { ratePrice: 0, powerPrice: 0 };
    const cost = this.#separable.costs[this.#device] as KeepRateCost;
    const s = Math.max(limit, low);
    curve.pour(wattsAllowed(task, s));
    const own = multipliersAt(curve, task, s, cost.slope(s));
    if (limit > 0) return own;
    const deficit = rateNeeded(task, low) - task.hertz * curve.bitsPerHertz;
    const ratePrice = Math.max(own.ratePrice, (1.02 * (this.#incumbent - cost.at(low) - prices)) / deficit);
    return { ratePrice, powerPrice: (ratePrice * task.hertz) / (curve.waterLevel * Math.LN2) };
  }

  /** B_n is concave along the line from one pair of multipliers to another: its tangents at both ends meet where the
   *  next one is taken. Records the bounds met on the way. */
  #searchLine(n: number, from: Multipliers, to: Multipliers): void {
    const rateStep = to.ratePrice - from.ratePrice;
    const powerStep = to.powerPrice - from.powerPrice;
    const probe = (x: number): { x: number; bound: number; slope: number } => {
      this.#reduce({ ratePrice: from.ratePrice + x * rateStep, powerPrice: from.powerPrice + x * powerStep });
      this.#record();
      const { rate, watts } = this.#useOf(n);
      const slope =
        rateStep * (rateNeeded(this.#task, this.#keepRate) - rate) +
        powerStep * (watts - wattsAllowed(this.#task, this.#keepRate));
      return { x, bound: this.#fixedCost + (this.#prefix[n] as number), slope };
    };
    let [left, right] = [probe(0), probe(1)];
    for (let i = 0; i < 6; i++) {
      if (left.slope <= 0 || right.slope >= 0) return;
      const meet =
        (right.bound - left.bound + left.slope * left.x - right.slope * right.x) / (left.slope - right.slope);
      if (!(meet > left.x && meet < right.x)) return;
      const next = probe(meet);
      if (next.bound >= this.#incumbent - this.#slack) return;
      const promise = left.bound + left.slope * (meet - left.x) - next.bound;
      if (promise <= 0.02 * (this.#incumbent - next.bound)) return;
      if (next.slope > 0) left = next;
      else right = next;
    }
  }

  /** Rate and power of the n cheapest candidates at the multipliers last reduced at. */
  #useOf(n: number): { rate: number; watts: number } {
    const { ratePrice, powerPrice } = this.#at;
    const level = ratePrice === 0 ? 0 : (ratePrice * this.#task.hertz) / (powerPrice * Math.LN2);
    const log2Level = Math.log2(level);
    let [rate, watts] = [0, 0];
    for (let i = 0; i < n; i++) {
      const rank = this.#rank[this.#sorted[i] as number] as number;
      const inverse = this.#ranked.inverseGain[rank] as number;
      if (level <= inverse) continue;
      rate += this.#task.hertz * (log2Level + (this.#ranked.log2Gain[rank] as number));
      watts += level - inverse;
    }
    return { rate, watts };
  }

  /** Prices every n-set that the multipliers last reduced at leave below the incumbent by more than the slack. */
  #enumerate(n: number): void {
    this.#leaves = 0;
    this.#closed[n] = 1;
    if (this.#extend(0, 0, n, this.#fixedCost))
      this.#bound[n] = Math.max(this.#bound[n] as number, this.#incumbent - this.#slack);
  }

  /** Chooses the candidate at `depth` from sorted position `from` on; false when the leaf limit was met. */
  #extend(from: number, depth: number, n: number, spent: number): boolean {
    const left = n - depth;
    for (let i = from; i + left <= this.#count; i++) {
      const floor = spent + (this.#prefix[i + left] as number) - (this.#prefix[i] as number);
      if (floor >= this.#incumbent - this.#slack) return true;
      const candidate = this.#sorted[i] as number;
      this.#chosen[depth] = candidate;
      if (left > 1) {
        if (!this.#extend(i + 1, depth + 1, n, spent + (this.#reduced[candidate] as number))) return false;
      } else {
        if (++this.#leaves > leafLimit) return false;
        this.#priceSet(this.#chosen, n);
      }
    }
    return true;
  }

  /** A key of the n cheapest candidates, whatever their order. Two sets with one key would cost bounds, never validity. */
  #keyOf(n: number): number {
    let key = n;
    for (let i = 0; i < n; i++) {
      const x = Math.imul((this.#sorted[i] as number) + 1, 0x9e3779b1);
      key ^= Math.imul(x ^ (x >>> 15), 0x85ebca6b);
    }
    return key;
  }
}
