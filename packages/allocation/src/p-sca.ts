/**
 * Penalised successive convex approximation. Shares x in [0, 1] with the penalty ζ Σ x(1 − x), which prefers whole
 * channels: x − x² is concave, so its tangent at the current point majorises it and touches it there, and a step that
 * lowers cost + tangent lowers the penalised cost. ζ grows until every channel has one owner; rounding, repair by
 * single moves, and a polishing local search follow. Never worse than the greedy allocation or than the relaxation rounded
 * at once. Fast, and without a certificate of its own: the lower bound given is the one of the relaxation's
 * multipliers.
 */
import { dealByRegret, dealGreedily, defaultTolerance, wholeLinkBound } from "./baselines.ts";
import { linkModel } from "./link-model.ts";
import { LocalSearch } from "./local-search.ts";
import { solveMeasured } from "./measured-link.ts";
import { bestKeepRates, keptShare, objectiveAt, separableCosts } from "./objective.ts";
import type { AllocationProblem, Solver } from "./problem.ts";
import { radioInstance } from "./radio-instance.ts";
import {
  channelPrices,
  exponentiatedStep,
  Relaxation,
  type Relaxed,
  relax,
  relaxedBound,
  roundShares,
} from "./relaxation.ts";
import { settle } from "./settle.ts";

/** Steps without penalty, then for each penalty; growth of the penalty; most penalties tried. */
const relaxSteps = 60;
const innerSteps = 8;
const penaltyGrowth = 1.35;
const maxPenalties = 40;
/** Shares this close to whole are rounded. */
const wholeEnough = 1e-2;

export const solvePsca: Solver = (problem, options = {}) => {
  if (problem.link.kind === "measured") return solveMeasured(problem, problem.link, "p-sca", options);
  const now = options.now ?? (() => 0);
  const start = now();
  const instance = radioInstance(problem, problem.link);
  const model = linkModel(problem);
  const { devices, channels } = instance;
  const hopeless = problem.devices.map((_, k) => model.wholeLinkLimit(k) === 0);
  let lowerBound = wholeLinkBound(problem, model);
  const greedy = dealGreedily(problem, model, options);
  let best: Candidate | undefined;

  // In global mode a second pass takes the tangent at the first one's answer.
  let tangentAt = keptShare(
    problem,
    problem.devices.map(() => 0.5),
  );
  for (let pass = 0; pass < (problem.objective.mode === "global" ? 2 : 1); pass++) {
    const separable = separableCosts(problem, tangentAt);
    const relaxation = new Relaxation(instance, separable, hopeless);
    const free = relax(relaxation, relaxSteps);
    lowerBound = Math.max(
      lowerBound,
      relaxedBound(instance, separable, hopeless, free.relaxed.multipliers, free.relaxed.values),
    );
    const polished = (start: Int32Array): Candidate => {
      const search = new LocalSearch(instance, separable, hopeless, start.slice());
      search.descend();
      while (search.rebuy());
      return candidate(problem, search.owner, search.limits());
    };
    const shares = penalise(relaxation, free, devices, channels);
    let found = polished(roundShares(shares, devices, channels));
    // A growing penalty may shut out a device that belongs in.
    const shutOut = found.keepRates.some((s, k) => s === 0 && hopeless[k] === false);
    if (shutOut) found = lesser(found, polished(dealByRegret(problem, model, options)));
    // These starts cost little, so they are polished, and may stand as they are, only where they beat what was found.
    for (const start of [roundShares(free.shares, devices, channels), greedy]) {
      const limits = problem.devices.map((_, k) => model.keepRateLimit(k, start));
      const asItIs = candidate(problem, start, limits);
      if (asItIs.objective < found.objective) found = lesser(asItIs, polished(start));
    }
    best = best === undefined ? found : lesser(best, found);
    tangentAt = keptShare(problem, found.keepRates);
  }
  const { objective, owner, keepRates } = best as Candidate;
  const milliseconds = now() - start;
  return settle(problem, {
    method: "p-sca",
    assignment: { kind: "units", owner },
    keepRates,
    lowerBound,
    relativeTolerance: options.relativeTolerance ?? defaultTolerance,
    nodes: 0,
    milliseconds,
    trace: [{ milliseconds, objective, lowerBound: Math.min(lowerBound, objective) }],
  });
};

/** An owner for each channel, and what it is worth. */
interface Candidate {
  readonly objective: number;
  readonly owner: Int32Array;
  readonly keepRates: Float64Array;
}

function candidate(problem: AllocationProblem, owner: Int32Array, limits: readonly number[]): Candidate {
  const keepRates = bestKeepRates(problem, limits);
  return { objective: objectiveAt(problem, keepRates), owner, keepRates };
}

const lesser = (a: Candidate, b: Candidate): Candidate => (b.objective < a.objective ? b : a);

/** Drives the shares to whole channels by a growing penalty. */
function penalise(
  relaxation: Relaxation,
  from: { shares: Float64Array; relaxed: Relaxed },
  devices: number,
  channels: number,
): Float64Array {
  let { shares, relaxed } = from;
  const startPrices = channelPrices(relaxed.values, devices, channels);
  let penalty = (0.05 * startPrices.reduce((sum, price) => sum + price, 0)) / channels;
  for (let i = 0; i < maxPenalties && !isWhole(shares, devices, channels); i++) {
    const base = shares;
    const tangent = (x: Float64Array): number => {
      let sum = 0;
      for (let j = 0; j < x.length; j++) sum += (1 - 2 * (base[j] as number)) * (x[j] as number);
      return penalty * sum;
    };
    let surrogate = relaxed.cost + tangent(shares);
    let step = 0.5;
    for (let inner = 0; inner < innerSteps; inner++) {
      const prices = channelPrices(relaxed.values, devices, channels);
      for (let m = 0; m < channels; m++) prices[m] = Math.max(prices[m] as number, penalty);
      const advantage = relaxed.values.map((value, j) => value - penalty * (1 - 2 * (base[j] as number)));
      const nextShares = exponentiatedStep(shares, advantage, prices, step);
      const next = relaxation.evaluate(nextShares);
      const nextSurrogate = next.cost + tangent(nextShares);
      if (nextSurrogate <= surrogate) {
        [shares, relaxed, surrogate] = [nextShares, next, nextSurrogate];
        step *= 1.3;
      } else {
        step *= 0.4;
      }
    }
    penalty *= penaltyGrowth;
  }
  return shares;
}

function isWhole(shares: Float64Array, devices: number, channels: number): boolean {
  for (let m = 0; m < channels; m++) {
    let most = 0;
    let total = 0;
    for (let k = 0; k < devices; k++) {
      most = Math.max(most, shares[k * channels + m] as number);
      total += shares[k * channels + m] as number;
    }
    if (total > 0 && most < 1 - wholeEnough) return false;
  }
  return true;
}
