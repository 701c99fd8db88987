/** P-SCA answers within milliseconds, and stands in where a run's own method fails or is behind it when its time is up. */
import type { RoundPlan } from "../round/run-state.ts";
import type { PlanRequest } from "./plan-request.ts";

/** What the plan that may stand in is asked for. */
export const asksPSca = (request: PlanRequest): PlanRequest => ({
  ...request,
  config: { ...request.config, method: "p-sca" },
});

/** @param own null where the method gave none. @param quick P-SCA's of the same request */
export const orQuick = (own: RoundPlan | null, quick: RoundPlan): RoundPlan =>
  own !== null && !beats(quick, own) ? own : asFallback(quick);

/** Branch and bound that had to stop early may be behind P-SCA; baselines are meant to be what they are. */
function beats(quick: RoundPlan, own: RoundPlan): boolean {
  if (quick.allocation === null || own.allocation === null) return false;
  const stoppedEarly = own.allocation.method === "branch-and-bound" && !own.allocation.certified;
  return stoppedEarly && quick.allocation.objective < own.allocation.objective;
}

const asFallback = (plan: RoundPlan): RoundPlan => ({
  ...plan,
  allocation: plan.allocation && { ...plan.allocation, fallback: true },
});
