/** Has rounds planned. A round without a plan would hang, so that a planner that fails pauses the run and says why. */
import type { PlanRequest, RoundPlan } from "@fedlodrop/federation";
import type { Planner } from "./planner.ts";

export interface Planning {
  /** Why the last plan has paused the run, or null. */
  readonly problem: string | null;
  /** Never rejects: without a plan nobody is admitted. */
  plan(request: PlanRequest): Promise<RoundPlan>;
}

export function createPlanning(planner: Planner, log: (line: string) => void): Planning {
  let problem: string | null = null;
  return {
    get problem() {
      return problem;
    },
    async plan(request) {
      const { round } = request;
      problem = null;
      const plan = await planner(request).catch((error: unknown): RoundPlan => {
        problem = `round ${round} cannot be planned: ${error instanceof Error ? error.message : String(error)}`;
        return { assignments: [], allocation: null };
      });
      if (plan.assignments.length === 0 && plan.allocation !== null) {
        const reasons = plan.allocation.devices.map(({ id, excludedBecause }) => `${id}: ${excludedBecause}`);
        problem = `round ${round} pauses the run, nobody can take part (${reasons.join("; ")})`;
      }
      if (problem !== null) log(problem);
      return plan;
    },
  };
}
