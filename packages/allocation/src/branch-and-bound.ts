/**
 * The certified optimum. A node says which devices may have each sub-channel; its bound is the dual of choosing one set
 * of channels per device (configuration bound), maximised by proximal column generation with exact demands:
 *   D(π) = Σ_k min_S [ψ_k(S) + π(S)] − Σ_m π_m ≤ J for every π ≥ 0, since each channel is used at most once.
 * In global mode ψ comes from a tangent of the coupled gap, a minorant, so D stays a bound.
 */
import { defaultTolerance, roundRobin, wholeLinkBound } from "./baselines.ts";
import { ColumnMaster, type MasterColumn } from "./column-master.ts";
import { ColumnPool, type Restrictions } from "./column-pool.ts";
import { DemandQuery } from "./demand.ts";
import { type LinkModel, linkModel } from "./link-model.ts";
import { LocalSearch } from "./local-search.ts";
import { solveMeasured } from "./measured-link.ts";
import { bestKeepRates, keptShare, objectiveAt, type SeparableCosts, separableCosts } from "./objective.ts";
import type {
  Allocation,
  AllocationProblem,
  DeviceLoad,
  RadioLink,
  SolveOptions,
  Solver,
  TracePoint,
} from "./problem.ts";
import { type RadioInstance, radioInstance } from "./radio-instance.ts";
import { channelPrices, Relaxation, relax, roundShares } from "./relaxation.ts";
import { settle } from "./settle.ts";

export const solveBranchAndBound: Solver = (problem, options = {}) =>
  problem.link.kind === "measured"
    ? solveMeasured(problem, problem.link, "branch-and-bound", options)
    : new Search(problem, problem.link, options).run();

/** Prices worth starting from save iterations that cost much more. */
const relaxSteps = 200;
/** Tangents tried at one node in global mode. */
const maxTangents = 12;

interface Node extends Restrictions {
  readonly prices: Float64Array;
  readonly bound: number;
}

class Search {
  readonly #problem: AllocationProblem;
  readonly #instance: RadioInstance;
  readonly #model: LinkModel;
  readonly #options: SolveOptions;
  readonly #tolerance: number;
  readonly #now: () => number;
  readonly #start: number;
  readonly #stopAt: number;
  readonly #queries: readonly DemandQuery[];
  readonly #pool: ColumnPool;
  readonly #hopeless: readonly boolean[];
  #separable: SeparableCosts;

  #objective = Number.POSITIVE_INFINITY;
  #owner: Int32Array;
  #keepRates: ArrayLike<number> = [];
  #lowerBound = Number.NEGATIVE_INFINITY;
  #nodes = 0;
  readonly #trace: TracePoint[] = [];

  constructor(problem: AllocationProblem, link: RadioLink, options: SolveOptions) {
    this.#problem = problem;
    this.#options = options;
    this.#tolerance = options.relativeTolerance ?? defaultTolerance;
    this.#now = options.now ?? (() => 0);
    this.#start = this.#now();
    this.#stopAt = this.#start + (options.timeBudgetMilliseconds ?? Number.POSITIVE_INFINITY);
    this.#instance = radioInstance(problem, link);
    this.#model = linkModel(problem);
    this.#hopeless = problem.devices.map((_, k) => this.#model.wholeLinkLimit(k) === 0);
    this.#queries = problem.devices.map((_, k) => new DemandQuery(this.#instance, k));
    this.#owner = new Int32Array(this.#instance.channels).fill(-1);
    this.#separable = separableCosts(problem, 0.25);
    this.#pool = new ColumnPool(this.#instance, this.#separable);
  }

  run(): Allocation {
    const { devices, channels } = this.#instance;
    this.#lowerBound = wholeLinkBound(this.#problem, this.#model);
    this.#consider(roundRobin(this.#problem, this.#model, {}), false);
    if (this.#options.warmStart?.length === channels) {
      this.#consider(
        Int32Array.from(this.#options.warmStart, (k) => (k === null || k >= devices ? -1 : k)),
        true,
      );
    }
    this.#retangent(keptShare(this.#problem, this.#keepRates));
    const { shares, relaxed } = relax(
      new Relaxation(this.#instance, this.#separable, this.#hopeless),
      relaxSteps,
    );
    this.#consider(roundShares(shares, devices, channels), true);
    this.#retangent(keptShare(this.#problem, this.#keepRates));

    const root: Node = {
      allowed: new Uint8Array(devices * channels).fill(1),
      mustJoin: new Uint8Array(devices),
      prices: channelPrices(relaxed.values, devices, channels),
      bound: Number.NEGATIVE_INFINITY,
    };
    const open: Node[] = [root];
    let pruned = Number.POSITIVE_INFINITY;
    while (open.length > 0 && this.#now() < this.#stopAt) {
      open.sort((a, b) => b.bound - a.bound);
      const node = open.pop() as Node;
      if (node.bound >= this.#cutoff()) {
        pruned = Math.min(pruned, node.bound);
        continue;
      }
      this.#nodes++;
      const others = Math.min(pruned, ...open.map((each) => each.bound));
      const { bound, children } = this.#process(node, others);
      if (children.length === 0) pruned = Math.min(pruned, bound);
      open.push(...children);
      this.#raise(Math.min(pruned, ...open.map((each) => each.bound)));
    }
    this.#raise(Math.min(pruned, ...open.map((each) => each.bound)));
    return settle(this.#problem, {
      method: "branch-and-bound",
      assignment: { kind: "units", owner: this.#owner },
      keepRates: this.#keepRates,
      lowerBound: this.#lowerBound,
      relativeTolerance: this.#tolerance,
      nodes: this.#nodes,
      milliseconds: this.#now() - this.#start,
      trace: this.#trace,
    });
  }

  #cutoff(): number {
    return this.#objective - this.#tolerance * Math.abs(this.#objective);
  }

  #raise(bound: number): void {
    const honest = Math.min(bound, this.#objective);
    if (honest <= this.#lowerBound) return;
    this.#lowerBound = honest;
    this.#note();
  }

  #note(): void {
    const milliseconds = this.#now() - this.#start;
    this.#trace.push({ milliseconds, objective: this.#objective, lowerBound: this.#lowerBound });
  }

  /** J of these owners, after local search where asked; they are the incumbent when it is the best. */
  #consider(owner: Int32Array, search: boolean): number {
    const local = new LocalSearch(this.#instance, this.#separable, this.#hopeless, owner);
    if (search) local.descend();
    const limits = local.limits();
    const keepRates = bestKeepRates(this.#problem, limits);
    const objective = objectiveAt(this.#problem, keepRates);
    limits.forEach((limit, device) => {
      const channels = Int32Array.from(owner.keys()).filter((m) => owner[m] === device);
      this.#pool.add({ device, channels, limit });
    });
    if (objective < this.#objective) {
      [this.#objective, this.#owner, this.#keepRates] = [objective, owner.slice(), keepRates];
      this.#note();
    }
    return objective;
  }

  /** Global mode: moves the tangent to another Σ w s², and with it every cost. */
  #retangent(tangentAt: number): void {
    if (this.#separable.tangentAt === null) return;
    this.#separable = separableCosts(this.#problem, tangentAt);
    this.#pool.reprice(this.#separable);
  }

  /** Bounds a node; no children when it is pruned or solved. */
  #process(node: Node, others: number): { bound: number; children: Node[] } {
    const { devices, channels } = this.#instance;
    const pools = this.#pool.admissible(node);
    if (pools === null) return { bound: Number.POSITIVE_INFINITY, children: [] };
    const master = new ColumnMaster(pools, channels);
    let centre = node.prices.slice();
    let value = this.#dual(centre, node, pools);
    let bound = Math.max(node.bound, value);
    const mean = centre.reduce((sum, price) => sum + price, 0) / channels;
    const weight0 = Math.max(0.5 * mean, (this.#objective - bound) / channels);
    let weight = weight0;
    let tangents = maxTangents;
    for (let i = 0; i < 200; i++) {
      this.#raise(Math.min(bound, others));
      if (bound >= this.#cutoff() || this.#now() >= this.#stopAt)
        return { bound, children: bound >= this.#cutoff() ? [] : [{ ...node, bound }] };
      const gap = this.#objective - value;
      const model = master.solve(centre, weight, value, 1e-3 * gap);
      const predicted = model - value;
      if (i % 4 === 3) this.#consider(roundShares(this.#pool.shares(pools), devices, channels), true);
      const worst = master.excess.reduce(
        (most, x, m) => Math.max(most, (master.prices[m] as number) > 0 ? Math.abs(x) : x),
        0,
      );
      if (predicted < 2e-3 * gap) {
        if (worst < 0.02 || weight >= 6 * weight0) {
          const kept = this.#pool.keptByMixtures(pools);
          const tangentAt = this.#separable.tangentAt;
          if (tangentAt === null || tangents === 0 || Math.abs(kept - tangentAt) < 1e-7) break;
          tangents--;
          this.#retangent(0.5 * (kept + tangentAt));
          value = this.#dual(centre, node, pools);
          bound = Math.max(bound, value);
          continue;
        }
        weight = Math.min(weight * 3, 6 * weight0);
      }
      const trial = master.prices.slice();
      const trialValue = this.#dual(trial, node, pools);
      bound = Math.max(bound, trialValue);
      if (trialValue >= value + 0.1 * predicted) {
        if (trialValue >= value + 0.5 * predicted) weight = Math.min(weight * 1.5, 6 * weight0);
        [centre, value] = [trial, trialValue];
      } else {
        weight = Math.max(weight * 0.8, 0.1 * weight0);
      }
    }
    const shares = this.#pool.shares(pools);
    this.#consider(roundShares(shares, devices, channels), true);
    if (bound >= this.#cutoff()) return { bound, children: [] };
    const children = this.#branch({ ...node, prices: centre, bound }, pools, shares);
    // Every channel has one claimant: what they get is all there is.
    return children.length > 0
      ? { bound, children }
      : {
          bound: this.#consider(roundShares(Float64Array.from(node.allowed), devices, channels), false),
          children,
        };
  }

  /** D(π), and the sets that attain it added to the pools. */
  #dual(prices: Float64Array, node: Node, pools: MasterColumn[][]): number {
    let value = -prices.reduce((sum, price) => sum + price, 0);
    const slack = (0.02 * this.#tolerance * this.#objective) / pools.length;
    pools.forEach((pool, k) => {
      let incumbent = Number.POSITIVE_INFINITY;
      for (const { cost, column } of pool) {
        incumbent = Math.min(
          incumbent,
          column.channels.reduce((sum, m) => sum + (prices[m] as number), cost),
        );
      }
      if (this.#hopeless[k]) {
        value += incumbent;
        return;
      }
      const { floor, columns } = (this.#queries[k] as DemandQuery).ask(
        this.#separable,
        prices,
        node.allowed,
        node.mustJoin[k] === 0,
        incumbent,
        slack,
      );
      value += floor;
      const last = columns.at(-1);
      const found = last && this.#pool.add(last);
      if (found && !pool.includes(found)) pool.push(found);
    });
    return value;
  }

  /** Splits on a device that half stays out, joining or not; else on the dearest contested channel, for its main
   *  claimant or for anyone else. */
  #branch(node: Node, pools: readonly MasterColumn[][], shares: Float64Array): Node[] {
    const { devices, channels } = this.#instance;
    const outs = pools.map((pool) =>
      pool.reduce((sum, { column, part }) => sum + (column.limit === 0 ? part : 0), 0),
    );
    const torn = outs.reduce((most, out, k) => {
      const worth = (out: number, k: number) =>
        Math.min(out, 1 - out) * (this.#problem.devices[k] as DeviceLoad).weight;
      return worth(out, k) > worth(outs[most] as number, most) ? k : most;
    }, 0);
    if (Math.min(outs[torn] as number, 1 - (outs[torn] as number)) > 0.01) {
      const [joins, staysOut] = [node.mustJoin.slice(), node.allowed.slice()];
      joins[torn] = 1;
      staysOut.fill(0, torn * channels, (torn + 1) * channels);
      return [
        { ...node, mustJoin: joins },
        { ...node, allowed: staysOut },
      ];
    }
    let [bestScore, bestChannel, bestDevice] = [-1, -1, -1];
    for (let m = 0; m < channels; m++) {
      let [first, second, device, choices] = [-1, -1, -1, 0];
      for (let k = 0; k < devices; k++) {
        if (node.allowed[k * channels + m] === 0) continue;
        choices++;
        const share = shares[k * channels + m] as number;
        if (share > first) [second, first, device] = [first, share, k];
        else second = Math.max(second, share);
      }
      if (choices < 2) continue;
      const score = ((node.prices[m] as number) + 1e-12) * (Math.min(second, 1 - first) + 1e-6);
      if (score > bestScore) [bestScore, bestChannel, bestDevice] = [score, m, device];
    }
    if (bestChannel === -1) return [];
    const [only, without] = [node.allowed.slice(), node.allowed.slice()];
    for (let k = 0; k < devices; k++) if (k !== bestDevice) only[k * channels + bestChannel] = 0;
    without[bestDevice * channels + bestChannel] = 0;
    return [
      { ...node, allowed: only },
      { ...node, allowed: without },
    ];
  }
}
