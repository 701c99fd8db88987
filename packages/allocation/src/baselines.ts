/** The allocations that the optimum is compared with. Each deals out the link by a simple rule and then sets the
 *  dropout rates by another; on a measured link they deal out its slots. */
import { type LinkModel, linkModel } from "./link-model.ts";
import { bestKeepRates, costAtLimit, keptShare, objectiveAt, separableCosts } from "./objective.ts";
import type { Allocation, AllocationProblem, Method, SolveOptions, Solver } from "./problem.ts";
import { createRandom } from "./random.ts";
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
 *  at all, the best unit of a waiting device with the fewest so far. */
const largestDrop: Deal = (problem, model) => {
  const owner = new Int32Array(model.units).fill(-1);
  const limits = problem.devices.map(() => 0);
  const held = problem.devices.map(() => 0);
  const hopeless = problem.devices.map((_, k) => model.wholeLinkLimit(k) === 0);
  // Limits with one more unit; stale once the device has been given one.
  const trial = problem.devices.map(() => new Float64Array(model.units));
  const probe = (k: number): void => {
    for (let unit = 0; unit < model.units; unit++) {
      if (owner[unit] !== -1) continue;
      owner[unit] = k;
      (trial[k] as Float64Array)[unit] = model.keepRateLimit(k, owner);
      owner[unit] = -1;
    }
  };
  problem.devices.forEach((_, k) => {
    probe(k);
  });
  for (let given = 0; given < model.units; given++) {
    const separable = separableCosts(problem, keptShare(problem, bestKeepRates(problem, limits)));
    let [bestDrop, bestUnit, bestDevice] = [1e-15, -1, -1];
    for (let k = 0; k < limits.length; k++) {
      const cost = costAtLimit(separable, k, limits[k] as number);
      for (let unit = 0; unit < model.units; unit++) {
        if (owner[unit] !== -1) continue;
        const drop = cost - costAtLimit(separable, k, trial[k]?.[unit] as number);
        if (drop > bestDrop) [bestDrop, bestUnit, bestDevice] = [drop, unit, k];
      }
    }
    if (bestDevice === -1) {
      for (let k = 0; k < limits.length; k++) {
        const waits = limits[k] === 0 && hopeless[k] === false;
        if (waits && (bestDevice === -1 || (held[k] as number) < (held[bestDevice] as number)))
          bestDevice = k;
      }
      if (bestDevice === -1) break;
      for (let unit = 0; unit < model.units; unit++) {
        const better =
          bestUnit === -1 || model.quality(bestDevice, unit) > model.quality(bestDevice, bestUnit);
        if (owner[unit] === -1 && better) bestUnit = unit;
      }
    }
    limits[bestDevice] = trial[bestDevice]?.[bestUnit] as number;
    owner[bestUnit] = bestDevice;
    (held[bestDevice] as number) += 1;
    probe(bestDevice);
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
export const solveFixed = baseline("fixed", roundRobin, (problem, limits) => {
  const [low, high] = keepRateRange(problem);
  return commonRate(limits, Math.min(high, Math.max(low, 0.5)));
});
/** Equal shares and the best common dropout rate. */
export const solveEqual = baseline("equal", roundRobin, bestCommonRate);
/** Equal shares and each device's best dropout rate. */
export const solveEqualOptimalDropout = baseline("equal-optimal-dropout", roundRobin, bestRates);
/** Random owners and best dropout rates. */
export const solveRandom = baseline("random", uniformlyAtRandom, bestRates);
/** Each unit to the device that receives it best, and best dropout rates. */
export const solveMaxGain = baseline("max-gain", bestQuality, bestRates);
/** Units one by one where they lower J most, and best dropout rates. */
export const solveGreedy = baseline("greedy", largestDrop, bestRates);
