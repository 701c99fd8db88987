/**
 * The optimum on a measured link, where a device's share is a number and not a set of sub-channels. Continuous shares
 * with given participants are a convex problem with one coupling constraint, Σ share ≤ 1: one price solves it. Slots
 * are dealt by dynamic programming over their number. In global mode both use tangents of the gap.
 */
import { defaultTolerance } from "./baselines.ts";
import { keepRateAtShare, sharePerBitRate } from "./link-model.ts";
import { costAtLimit, keptShare, objectiveAt, type SeparableCosts, separableCosts } from "./objective.ts";
import type {
  Allocation,
  AllocationProblem,
  DeviceLoad,
  MeasuredLink,
  Method,
  SolveOptions,
} from "./problem.ts";
import { settle } from "./settle.ts";
import { type Choice, type Offer, ShareMarket } from "./share-market.ts";
import { keepRateRange, uploadTask } from "./upload-task.ts";

/** Tangents tried in global mode before the gap is reported as it is. */
const maxTangents = 12;

/** Least J over shares or slots; `method` only labels the answer. */
export function solveMeasured(
  problem: AllocationProblem,
  link: MeasuredLink,
  method: Method,
  options: SolveOptions,
): Allocation {
  const now = options.now ?? (() => 0);
  const start = now();
  const relativeTolerance = options.relativeTolerance ?? defaultTolerance;
  let lowerBound = Number.NEGATIVE_INFINITY;
  let best: { objective: number; answer: Answer } | undefined;
  let tangentAt = keptShare(
    problem,
    problem.devices.map(() => 0.5),
  );
  const tangents = problem.objective.mode === "global" ? maxTangents : 1;
  for (let i = 0; i < tangents; i++) {
    const separable = separableCosts(problem, tangentAt);
    const answer =
      link.slots === null
        ? dealShares(problem, link, separable)
        : dealSlots(problem, link, link.slots, separable);
    const objective = objectiveAt(problem, answer.keepRates);
    if (best === undefined || objective < best.objective) best = { objective, answer };
    lowerBound = Math.max(lowerBound, answer.lowerBound);
    if (best.objective - lowerBound <= 0.01 * relativeTolerance * best.objective) break;
    // Kept share falls as the tangent point rises; the mean of the two is a damped fixed-point step.
    tangentAt = 0.5 * (tangentAt + keptShare(problem, answer.keepRates));
  }
  const { objective, answer } = best as { objective: number; answer: Answer };
  const milliseconds = now() - start;
  return settle(problem, {
    method,
    assignment: answer.assignment,
    keepRates: answer.keepRates,
    lowerBound,
    relativeTolerance,
    nodes: 0,
    milliseconds,
    trace: [{ milliseconds, objective, lowerBound: Math.min(lowerBound, objective) }],
  });
}

interface Answer {
  readonly keepRates: Float64Array;
  readonly lowerBound: number;
  readonly assignment:
    | { readonly kind: "units"; readonly owner: Int32Array }
    | { readonly kind: "shares"; readonly shares: Float64Array };
}

/** Exact over slots: least[n] is the least cost of the devices so far with n slots between them. O(K·slots²). */
function dealSlots(
  problem: AllocationProblem,
  link: MeasuredLink,
  slots: number,
  separable: SeparableCosts,
): Answer {
  const [low, high] = keepRateRange(problem);
  const limits = problem.devices.map((load, k) => {
    const tasks = load.preparations.map((preparation) =>
      uploadTask(load, preparation, problem.deadlineSeconds),
    );
    return Float64Array.from({ length: slots + 1 }, (_, n) =>
      Math.max(...tasks.map((task) => keepRateAtShare(link, k, task, n / slots, low, high))),
    );
  });
  let least = new Float64Array(slots + 1);
  const chosen = limits.map((limit, k) => {
    const cost = limit.map((each) => costAtLimit(separable, k, each));
    const next = new Float64Array(slots + 1);
    const choice = new Int32Array(slots + 1);
    for (let total = 0; total <= slots; total++) {
      let [bestCost, bestCount] = [Number.POSITIVE_INFINITY, 0];
      for (let n = 0; n <= total; n++) {
        const candidate = (cost[n] as number) + (least[total - n] as number);
        if (candidate < bestCost) [bestCost, bestCount] = [candidate, n];
      }
      next[total] = bestCost;
      choice[total] = bestCount;
    }
    least = next;
    return choice;
  });
  const owner = new Int32Array(slots).fill(-1);
  const keepRates = new Float64Array(limits.length);
  let left = slots;
  for (let k = limits.length - 1; k >= 0; k--) {
    const count = chosen[k]?.[left] as number;
    owner.fill(k, left - count, left);
    keepRates[k] = Math.min(separable.ideal[k] as number, limits[k]?.[count] as number);
    left -= count;
  }
  return { keepRates, lowerBound: least[slots] as number, assignment: { kind: "units", owner } };
}

/** Sets of participants looked at before the gap is reported as it is. */
const maxMarkets = 60;

/** Shares by one price ν of the link: each device minimises Φ(s) + ν·share(s), or stays out. The dual value at any
 *  ν bounds J from below, and meets it unless somebody is on the edge of staying out, where demand jumps: then both
 *  ways are followed. */
function dealShares(problem: AllocationProblem, link: MeasuredLink, separable: SeparableCosts): Answer {
  const [low] = keepRateRange(problem);
  const offers = problem.devices.map((load, k) =>
    offersOf(problem, link, load, k, separable.ideal[k] as number),
  );
  const market = new ShareMarket(separable, offers, low);
  let best = market.clear(offers.map(() => "out"));
  let lowerBound = Number.POSITIVE_INFINITY;
  const open: { choices: Choice[]; bound: number }[] = [
    { choices: offers.map((each) => (each.length > 0 ? "free" : "out")), bound: Number.NEGATIVE_INFINITY },
  ];
  for (let markets = 0; ; markets++) {
    open.sort((a, b) => b.bound - a.bound);
    const node = open.pop();
    // Best first: the first node that cannot improve bounds all that are left.
    if (node === undefined || markets === maxMarkets || node.bound >= best.cost * (1 - 1e-9)) {
      lowerBound = Math.min(lowerBound, node?.bound ?? Number.POSITIVE_INFINITY, best.cost);
      break;
    }
    const cleared = market.clear(node.choices);
    if (cleared.cost < best.cost) best = cleared;
    const edge = node.choices.findIndex(
      (choice, k) => choice === "free" && cleared.keepRates[k] === 0 && (cleared.generous[k] as number) > 0,
    );
    if (edge === -1) {
      lowerBound = Math.min(lowerBound, cleared.dual);
      continue;
    }
    for (const choice of ["in", "out"] as const) {
      open.push({ choices: node.choices.with(edge, choice), bound: Math.max(node.bound, cleared.dual) });
    }
  }
  return { keepRates: best.keepRates, lowerBound, assignment: { kind: "shares", shares: best.shares } };
}

function offersOf(
  problem: AllocationProblem,
  link: MeasuredLink,
  load: DeviceLoad,
  device: number,
  ideal: number,
): Offer[] {
  const [low] = keepRateRange(problem);
  return load.preparations.flatMap((preparation) => {
    const task = uploadTask(load, preparation, problem.deadlineSeconds);
    const top = keepRateAtShare(link, device, task, 1, low, ideal);
    if (top === 0) return [];
    const share = sharePerBitRate(link, device);
    const ratePull = task.bitsPerKeepRate * task.fixedSeconds + task.fixedBits * task.secondsPerKeepRate;
    return [{ task, top, sharePull: share * ratePull, sharePerBitRate: share }];
  });
}
