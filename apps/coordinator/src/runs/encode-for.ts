import { memberAtWork } from "@fedlodrop/federation";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { gatherInPieces, type Pieces } from "@fedlodrop/run";
import type { LiveRun } from "./live-run.ts";

/** What a member of the open round holds of the adapter, as it travels. */
export function* encodeFor(run: LiveRun, participantId: string, round: number): Pieces<Uint8Array> {
  const member = memberAtWork(run.state, participantId, round);
  if (member.kind === "refuse") throw new Error(`sub-adapter: expected a member, got ${member.message}`);
  // As they are now: before the work is done the round may be over.
  const { roundAdapter, state } = run;
  const { indices } = yield* run.subAdapter(round, participantId, member.assignment.dropoutRate);
  const values = yield* gatherInPieces(roundAdapter, indices);
  return encodeSparseValues(values, round, state.config.valueType);
}
