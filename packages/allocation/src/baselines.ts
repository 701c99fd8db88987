/** The allocations that the optimum is compared with. Each deals out the link by a simple rule and then sets the
 *  dropout rates by another; on a measured link they deal out its slots. */

import { createRandom } from "@fedlodrop/run";
import { type LinkModel, linkModel } from "./link-model.ts";
import { bestKeepRates, costAtLimit, keptShare, objectiveAt, separableCosts } from "./objective.ts";
import type { Allocation, AllocationProblem, Method, SolveOptions, Solver } from "./problem.ts";
import { settle } from "./settle.ts";
import { keepRateRange } from "./upload-task.ts";

/** Relative gap asked for when the caller does not say. */
export const defaultTolerance = 1e-4;

/** A bound that needs no search: every device has the whole link for itself. Valid, and loose under load. */
export function wholeLinkBound(problem: AllocationProblem, model: LinkModel): number {
  const limits = problem.devices.map((_, k) => model.wholeLinkLimit(k));
  return objectiveAt(problem, bestKeepRates(problem, limits));
}

type Deal = (problem: AllocationProblem, model: LinkModel, options: SolveOptions) => Int32Array;
/** Keep rates under the devices' limits; 0 excludes. */
type RateRule = (problem: AllocationProblem, limits: readonly number[]) => ArrayLike<number>;

function baseline(method: Method, deal: Deal, rateRule: RateRule): Solver {
  return (problem, options = {}): Allocation => {
    const now = options.now ?? (() => 0);
    const start = now();
    const model = linkModel(problem);
    const owner = deal(problem, model, options);
    const keepRates = rateRule(
      problem,
      problem.devices.map((_, k) => model.keepRateLimit(k, owner)),
    );
    const milliseconds = now() - start;
    const lowerBound = wholeLinkBound(problem, model);
    return settle(problem, {
      method,
      assignment: { kind: "units", owner },
      keepRates,
      lowerBound,
      relativeTolerance: options.relativeTolerance ?? defaultTolerance,
      nodes: 0,
      milliseconds,
      trace: [{ milliseconds, objective: objectiveAt(problem, keepRates), lowerBound }],
    });
  };
}

/** Unit m to device m mod K. */
export const roundRobin: Deal = (problem, model) =>
  Int32Array.from({ length: model.units }, (_, unit) => unit % problem.devices.length);

const uniformlyAtRandom: Deal = (problem, model, options) => {
  const random = createRandom(options.seed ?? 1);
  return Int32Array.from({ length: model.units }, () => random.below(problem.devices.length));
};

const bestQuality: Deal = (problem, model) =>
  Int32Array.from({ length: model.units }, (_, unit) => {
    let best = 0;
    problem.devices.forEach((_, k) => {
      if (model.quality(k, unit) > model.quality(best, unit)) best = k;
    });
    return best;
  });

/** One unit at a time where it lowers J most; while none does, for some devices need several units to take part
 *  at all, the best unit of a waiting device with the fewest so far. A device's limit grows with a unit's quality, so
 *  only its best free unit is ever tried. */
export const dealGreedily: Deal = (problem, model) => {
  const owner = new Int32Array(model.units).fill(-1);
  const limits = problem.devices.map(() => 0);
  const held = problem.devices.map(() => 0);
  const hopeless = problem.devices.map((_, k) => model.wholeLinkLimit(k) === 0);
  const byQuality = problem.devices.map((_, k) =>
    Array.from(owner.keys()).sort((a, b) => model.quality(k, b) - model.quality(k, a) || a - b),
  );
  /** The best free unit of device k and the limit with it. */
  const probe = (k: number): { unit: number; limit: number } => {
    const unit = (byQuality[k] as number[]).find((each) => owner[each] === -1) ?? -1;
    if (unit === -1) return { unit, limit: limits[k] as number };
    owner[unit] = k;
    const limit = model.keepRateLimit(k, owner);
    owner[unit] = -1;
    return { unit, limit };
  };
  const trials = problem.devices.map((_, k) => probe(k));
  for (let given = 0; given < model.units; given++) {
    const separable = separableCosts(problem, keptShare(problem, bestKeepRates(problem, limits)));
    let [bestDrop, next] = [1e-15, -1];
    trials.forEach(({ limit }, k) => {
      const drop = costAtLimit(separable, k, limits[k] as number) - costAtLimit(separable, k, limit);
      if (drop > bestDrop) [bestDrop, next] = [drop, k];
    });
    if (next === -1) {
      limits.forEach((limit, k) => {
        if (limit !== 0 || hopeless[k]) return;
        if (next === -1 || (held[k] as number) < (held[next] as number)) next = k;
      });
    }
    if (next === -1) break;
    const { unit, limit } = trials[next] as { unit: number; limit: number };
    limits[next] = limit;
    owner[unit] = next;
    (held[next] as number) += 1;
    trials.forEach((trial, k) => {
      if (k === next || trial.unit === unit) trials[k] = probe(k);
    });
  }
  return owner;
};

/** One unit for each device that can take part, in the order of regret: next comes who would lose most by getting its
 *  second-best unit. Admits devices that only few units can carry, where the largest drop would spend those first. */
export const dealByRegret: Deal = (problem, model) => {
  const owner = new Int32Array(model.units).fill(-1);
  const separable = separableCosts(
    problem,
    keptShare(
      problem,
      bestKeepRates(
        problem,
        problem.devices.map(() => 0),
      ),
    ),
  );
  const alone = new Int32Array(model.units).fill(-1);
  // [K][units]: cost of device k with that one unit.
  const costs = problem.devices.map((_, k) =>
    Float64Array.from(alone, (_, unit) => {
      alone[unit] = k;
      const cost = costAtLimit(separable, k, model.keepRateLimit(k, alone));
      alone[unit] = -1;
      return cost;
    }),
  );
  const waiting = new Set(problem.devices.keys());
  for (let unit = 0; waiting.size > 0 && unit < model.units; unit++) {
    let next = { device: -1, unit: -1, regret: -1 };
    for (const device of waiting) {
      let [best, least, second] = [-1, Infinity, Infinity];
      (costs[device] as Float64Array).forEach((cost, m) => {
        if (owner[m] !== -1) return;
        if (cost < least) [best, least, second] = [m, cost, least];
        else second = Math.min(second, cost);
      });
      const regret = (second === Infinity ? (separable.excluded[device] as number) : second) - least;
      if (regret > next.regret) next = { device, unit: best, regret };
    }
    owner[next.unit] = next.device;
    waiting.delete(next.device);
  }
  return owner;
};

const bestRates: RateRule = bestKeepRates;

/** One keep rate for everybody; who cannot hold it is excluded. */
function commonRate(limits: readonly number[], keepRate: number): number[] {
  return limits.map((limit) => (limit >= keepRate * (1 - 1e-12) ? keepRate : 0));
}

/** The common keep rate of least J. Between two devices' limits the same devices take part and J is convex. */
const bestCommonRate: RateRule = (problem, limits) => {
  const [low] = keepRateRange(problem);
  const corners = [low, ...limits.filter((limit) => limit > low).sort((a, b) => a - b)];
  let best = commonRate(limits, low);
  for (let i = 1; i < corners.length; i++) {
    const rates = commonRate(
      limits,
      goldenSection(
        (s) => objectiveAt(problem, commonRate(limits, s)),
        corners[i - 1] as number,
        corners[i] as number,
      ),
    );
    if (objectiveAt(problem, rates) < objectiveAt(problem, best)) best = rates;
  }
  return best;
};

/** Least point of a unimodal function on (low, high], which may jump up at low. */
function goldenSection(f: (x: number) => number, low: number, high: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  while (b - a > 1e-10 * high) {
    const [x, y] = [b - ratio * (b - a), a + ratio * (b - a)];
    if (f(x) < f(y)) b = y;
    else a = x;
  }
  return f(high) <= f(0.5 * (a + b)) ? high : 0.5 * (a + b);
}

/** Plain LoRA: equal shares, nothing dropped (or the least dropout allowed); late devices are excluded. */
export const solveNoDropout = baseline("no-dropout", roundRobin, (problem, limits) =>
  commonRate(limits, keepRateRange(problem)[1]),
);
/** Equal shares and the dropout rate 0.5 for everybody. */
export const solveHalfDropout = baseline("half-dropout", roundRobin, (problem, limits) => {
  const [low, high] = keepRateRange(problem);
  return commonRate(limits, Math.min(high, Math.max(low, 0.5)));
});
/** Equal shares and the best common dropout rate. */
export const solveEqual = baseline("equal", roundRobin, bestCommonRate);
/** Equal shares and each device's best dropout rate. */
export const solveEqualOptimalDropout = baseline("equal-optimal-dropout", roundRobin, bestRates);
/** Random owners and best dropout rates. */
export const solveRandomOwners = baseline("random-owners", uniformlyAtRandom, bestRates);
/** Each unit to the device that receives it best, and best dropout rates. */
export const solveMaxGain = baseline("max-gain", bestQuality, bestRates);
/** Units one by one where they lower J most, and best dropout rates. */
export const solveGreedy = baseline("greedy", dealGreedily, bestRates);
