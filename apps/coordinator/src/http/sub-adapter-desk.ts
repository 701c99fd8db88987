/** What members of the open round hold of the adapter, as it is asked for over HTTP. */
import { memberAtWork } from "@fedlodrop/federation";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { gatherInPieces, type Pieces } from "@fedlodrop/run";
import type { LiveRun } from "../runs/live-run.ts";
import type { Turns } from "../turns.ts";
import type { SubAdapterDesk } from "./sub-adapters.ts";

export interface SubAdapterRooms {
  run(): LiveRun;
  readonly turns: Turns;
  downloaded(participantId: string): void;
}

export const openSubAdapterDesk = ({ run, turns, downloaded }: SubAdapterRooms): SubAdapterDesk => ({
  get runId() {
    return run().runId;
  },
  refusal(participantId, round) {
    const member = memberAtWork(run().state, participantId, round);
    return member.kind === "refuse" ? member : null;
  },
  turn: turns.next,
  encode: (participantId, round) => turns.take(encodeFor(run(), participantId, round)),
  sent: (participantId, round, bytes) => run().traffic.sent(participantId, round, bytes),
  done: downloaded,
});

function* encodeFor(run: LiveRun, participantId: string, round: number): Pieces<Uint8Array> {
  const member = memberAtWork(run.state, participantId, round);
  if (member.kind === "refuse") throw new Error(`sub-adapter: expected a member, got ${member.message}`);
  // As they are now: before the work is done the round may be over.
  const { roundAdapter, state } = run;
  const { indices } = yield* run.subAdapter(round, participantId, member.assignment.dropoutRate);
  const values = yield* gatherInPieces(roundAdapter, indices);
  return encodeSparseValues(values, round, state.config.valueType);
}
