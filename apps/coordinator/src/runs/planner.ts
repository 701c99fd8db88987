/** Who does what in a round, decided in this process; a program that minds its event loop gives a threaded one. */
import { type PlanRequest, planRound, type RoundPlan } from "@fedlodrop/federation";

export type Planner = (request: PlanRequest) => Promise<RoundPlan>;

export const planHere: Planner = async (request) => planRound(request, { now: () => performance.now() });
