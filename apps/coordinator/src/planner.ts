/** Who does what in a round. */
import { isDirect, planDirectly, type ReadyParticipant, type RoundPlan } from "@fedlodrop/federation";
import type { RoundRecord, RunConfig } from "@fedlodrop/protocol";

export interface PlanRequest {
  readonly config: RunConfig;
  readonly round: number;
  readonly participants: readonly ReadyParticipant[];
  readonly records: readonly RoundRecord[];
}

export type Planner = (request: PlanRequest) => Promise<RoundPlan>;

export const planRound: Planner = async ({ config, round, participants }) => {
  if (!isDirect(config.method))
    throw new Error(`method: expected fedlora, fixed or random, got ${config.method}`);
  const ids = participants.map(({ id }) => id);
  return { assignments: planDirectly(config.method, config, round, ids), allocation: null };
};
