/** What a plan is made from: everything that is known before a round. */
import type { AdapterShape, RoundRecord, RunConfig } from "@fedlodrop/run";
import type { ReadyParticipant } from "../round/run-state.ts";

export interface PlanRequest {
  readonly config: RunConfig;
  readonly adapter: AdapterShape;
  readonly round: number;
  readonly participants: readonly ReadyParticipant[];
  readonly records: readonly RoundRecord[];
}
