/** The planner's thread: solvers may compute for as long as their budget without holding up a round's messages. */
import { type PlanOptions, type PlanRequest, planRound, type RoundPlan } from "@fedlodrop/federation";
import { answerCalls } from "./thread.ts";

export const plannerCalls = {
  async plan({
    request,
    options,
  }: {
    readonly request: PlanRequest;
    readonly options: Omit<PlanOptions, "now" | "estimate">;
  }): Promise<RoundPlan> {
    return planRound(request, { ...options, now: () => performance.now() });
  },
};
export type PlannerCalls = typeof plannerCalls;

answerCalls(plannerCalls);
