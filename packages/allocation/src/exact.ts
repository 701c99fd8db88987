/** Slow, plain reference answers for tests: every assignment tried, and dynamic programming over subsets. */
import { linkModel } from "./link-model.ts";
import { bestKeepRates, costAtLimit, objectiveAt, separableCosts } from "./objective.ts";
import type { AllocationProblem } from "./problem.ts";

export interface ExactAnswer {
  readonly objective: number;
  readonly owner: Int32Array;
  readonly keepRates: Float64Array;
}

/** Least J over all K^M assignments. Leaving a unit unused never helps, so none is. */
export function enumerateAssignments(problem: AllocationProblem): ExactAnswer {
  const model = linkModel(problem);
  const devices = problem.devices.length;
  const owner = new Int32Array(model.units);
  let best: ExactAnswer | undefined;
  for (let code = 0; code < devices ** model.units; code++) {
    for (let m = 0, rest = code; m < model.units; m++, rest = Math.floor(rest / devices))
      owner[m] = rest % devices;
    const limits = problem.devices.map((_, k) => model.keepRateLimit(k, owner));
    const keepRates = bestKeepRates(problem, limits);
    const objective = objectiveAt(problem, keepRates);
    if (best === undefined || objective < best.objective)
      best = { objective, owner: owner.slice(), keepRates };
  }
  if (best === undefined) throw new Error("enumeration: expected at least one device, got none");
  return best;
}

/** Least J in device mode by dynamic programming over which units the first k devices use: K·3^M steps, M ≤ 14. */
export function subsetDynamicProgramme(problem: AllocationProblem): ExactAnswer {
  const model = linkModel(problem);
  const separable = separableCosts(problem, 0);
  const subsets = 1 << model.units;
  const devices = problem.devices.length;
  const owner = new Int32Array(model.units);
  const costOf = problem.devices.map((_, k) =>
    Float64Array.from({ length: subsets }, (_, set) => {
      for (let m = 0; m < model.units; m++) owner[m] = (set >> m) & 1 ? k : -1;
      return costAtLimit(separable, k, model.keepRateLimit(k, owner));
    }),
  );
  let least = new Float64Array(subsets);
  const choice = costOf.map((cost) => {
    const chosen = new Int32Array(subsets);
    const next = new Float64Array(subsets).fill(Number.POSITIVE_INFINITY);
    for (let set = 0; set < subsets; set++) {
      for (let part = set; ; part = (part - 1) & set) {
        const total = (least[set ^ part] as number) + (cost[part] as number);
        if (total < (next[set] as number)) {
          next[set] = total;
          chosen[set] = part;
        }
        if (part === 0) break;
      }
    }
    least = next;
    return chosen;
  });
  for (let k = devices - 1, rest = subsets - 1; k >= 0; k--) {
    const part = choice[k]?.[rest] as number;
    for (let m = 0; m < model.units; m++) if ((part >> m) & 1) owner[m] = k;
    rest ^= part;
  }
  const keepRates = bestKeepRates(
    problem,
    problem.devices.map((_, k) => model.keepRateLimit(k, owner)),
  );
  return { objective: objectiveAt(problem, keepRates), owner, keepRates };
}
