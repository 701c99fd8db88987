/** What a plan is made from: everything that is known before a round. */
import type { AdapterShape, RoundRecord, RunConfig } from "@fedlodrop/run";
import type { ReadyParticipant } from "../round/participant.ts";

export interface PlanRequest {
  readonly config: RunConfig;
  readonly adapter: AdapterShape;
  readonly round: number;
  /** Of the run, this one with it; where two arms take turns, those of both. */
  readonly roundsLeft: number;
  readonly participants: readonly ReadyParticipant[];
  /** The last rounds, the newest last; evaluations only as far as the rule lets a plan look (`EVALUATION_LAG`). */
  readonly records: readonly RoundRecord[];
}
