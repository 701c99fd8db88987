/** Where a run's messages go. */
import type { RoundClosed, RoundEvaluated, RoundStart, RunEnded } from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";

export interface Outbox {
  roundStart(participantId: string, message: RoundStart): void;
  roundClosed(participantId: string, message: RoundClosed): void;
  /** To everyone. */
  roundEvaluated(message: RoundEvaluated): void;
  runEnded(message: RunEnded): void;
  kicked(participantId: string): void;
  /** A newcomer is gone before it was in any round. */
  forgotten(participantId: string): void;
  /** A round is over and the adapter is the new one. */
  recorded(record: RoundRecord): void;
  /** The host went back to an earlier adapter. */
  restored(): void;
  /** The record of an earlier round has got its evaluation. */
  amended(record: RoundRecord): void;
  /** Something that a host can see has changed, of one participant or of anybody's (null). */
  changed(participantId: string | null): void;
  log(line: string): void;
}
