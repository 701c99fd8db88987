/** J of keep rates, and the best keep rates under given limits. Device mode is separable; global mode couples the
 *  devices through one gap G(1 − Σ w s²), convex, whose tangents are separable minorants. */
import { generalisationGap, generalisationGapSlope, KeepRateCost, varianceFactor } from "./bound.ts";
import type { AllocationProblem, DeviceLoad } from "./problem.ts";
import { keepRateRange } from "./upload-task.ts";

/** J, given each device's keep rate or 0 for excluded ones. */
export function objectiveAt(problem: AllocationProblem, keepRates: ArrayLike<number>): number {
  const { mode, bound, varianceExponent, exclusionPenalty } = problem.objective;
  const [low] = keepRateRange(problem);
  let objective = 0;
  let kept = 0;
  problem.devices.forEach(({ weight, varianceCoefficient }, k) => {
    const s = Math.max(low, keepRates[k] as number);
    objective += varianceCoefficient * varianceFactor(s, varianceExponent);
    if (keepRates[k] === 0) objective += weight * exclusionPenalty;
    if (mode === "device") objective += weight * generalisationGap(bound, 1 - s * s);
    kept += weight * s * s;
  });
  return mode === "device" ? objective : objective + generalisationGap(bound, 1 - kept);
}

/** A separable objective: each device's cost as a function of its keep-rate limit. */
export interface SeparableCosts {
  readonly costs: readonly KeepRateCost[];
  /** Where each cost is least without any limit. */
  readonly ideal: readonly number[];
  readonly excluded: readonly number[];
  /** Σw s² at which the global gap is replaced by its tangent; null in device mode. */
  readonly tangentAt: number | null;
}

/** J itself in device mode; in global mode a minorant of J that touches it where Σ w s² = tangentAt. */
export function separableCosts(problem: AllocationProblem, tangentAt: number): SeparableCosts {
  const { mode, bound, varianceExponent, exclusionPenalty } = problem.objective;
  const [low, high] = keepRateRange(problem);
  const coupled = mode === "global";
  // y = Σ w s²; d/dy G(1 − y) = −G'(1 − y).
  const slope = coupled ? -generalisationGapSlope(bound, 1 - tangentAt) : 0;
  const rest = coupled ? generalisationGap(bound, 1 - tangentAt) - slope * tangentAt : 0;
  const costs = problem.devices.map(
    ({ weight, varianceCoefficient }) =>
      new KeepRateCost(
        varianceCoefficient,
        varianceExponent,
        coupled ? 0 : weight,
        bound,
        slope * weight,
        rest / problem.devices.length,
      ),
  );
  return {
    costs,
    ideal: costs.map((cost) => cost.minimiser(low, high)),
    excluded: costs.map(
      (cost, k) => cost.at(low) + (problem.devices[k] as DeviceLoad).weight * exclusionPenalty,
    ),
    tangentAt: coupled ? tangentAt : null,
  };
}

/** Cost of device k when its keep rate is limited to `limit`, 0 for excluded. */
export function costAtLimit(separable: SeparableCosts, device: number, limit: number): number {
  if (limit === 0) return separable.excluded[device] as number;
  const ideal = separable.ideal[device] as number;
  return (separable.costs[device] as KeepRateCost).at(Math.min(limit, ideal));
}

/** Keep rates of least J under each device's limit (0 for excluded). */
export function bestKeepRates(problem: AllocationProblem, limits: ArrayLike<number>): Float64Array {
  if (problem.objective.mode === "device") return keepRatesBelow(separableCosts(problem, 0), limits);
  // The tangent point y ↦ Σ w s² of the tangent's own optimum falls with y: bisect for the fixed point.
  let [left, right] = [0, problem.devices.reduce((sum, { weight }) => sum + weight, 0)];
  for (let i = 0; i < 60 && right - left > 1e-15; i++) {
    const middle = 0.5 * (left + right);
    const kept = keptShare(problem, keepRatesBelow(separableCosts(problem, middle), limits));
    if (kept > middle) left = middle;
    else right = middle;
  }
  return keepRatesBelow(separableCosts(problem, 0.5 * (left + right)), limits);
}

function keepRatesBelow(separable: SeparableCosts, limits: ArrayLike<number>): Float64Array {
  return Float64Array.from(separable.ideal, (ideal, k) => Math.min(ideal, limits[k] as number));
}

/** Σ w s², excluded devices at their most dropped. */
export function keptShare(problem: AllocationProblem, keepRates: ArrayLike<number>): number {
  const [low] = keepRateRange(problem);
  return problem.devices.reduce(
    (sum, { weight }, k) => sum + weight * Math.max(low, keepRates[k] as number) ** 2,
    0,
  );
}
