/** Has rounds planned. A round without a plan would hang, so that a planner that fails pauses the run and says why. */
import type { PlanRequest, RoundPlan } from "@fedlodrop/federation";
import type { Standstill } from "@fedlodrop/protocol";
import type { Planner } from "./planner.ts";

/** By its kind, and in a sentence. */
export interface PlanProblem {
  readonly standstill: Standstill;
  readonly sentence: string;
}

export interface Planning {
  /** Why the last plan has paused the run, or null. */
  readonly problem: PlanProblem | null;
  /** Never rejects: without a plan nobody is admitted. */
  plan(request: PlanRequest): Promise<RoundPlan>;
}

export function createPlanning(planner: Planner, log: (line: string) => void): Planning {
  let problem: PlanProblem | null = null;
  return {
    get problem() {
      return problem;
    },
    async plan(request) {
      const { round } = request;
      problem = null;
      const plan = await planner(request).catch((error: unknown): RoundPlan => {
        const why = error instanceof Error ? error.message : String(error);
        problem = {
          standstill: { kind: "no-plan" },
          sentence: `round ${round} cannot be planned: ${why}`,
        };
        return { assignments: [], allocation: null };
      });
      if (plan.assignments.length === 0 && plan.allocation !== null) {
        const { devices } = plan.allocation;
        const reasons = devices.map(({ id, excludedBecause }) => `${id}: ${excludedBecause}`);
        problem = {
          standstill: {
            kind: "nobody-fits",
            exclusions: devices.flatMap(({ exclusion }) => exclusion ?? []),
          },
          sentence: `round ${round} pauses the run, nobody can take part (${reasons.join("; ")})`,
        };
      }
      if (problem !== null) log(problem.sentence);
      return plan;
    },
  };
}
