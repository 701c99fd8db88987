/** What members of the open round hold of the adapter, as it is asked for over HTTP where the run is. */
import { encodeSparseValues } from "@fedlodrop/protocol";
import { gatherInPieces, type Pieces } from "@fedlodrop/run";
import type { RunSide } from "../gateway/run-side.ts";
import type { LiveRun } from "../runs/live-run.ts";
import type { Turns } from "../turns.ts";
import type { SubAdapterDesk } from "./sub-adapters.ts";

export interface SubAdapterRooms {
  run(): LiveRun;
  readonly turns: Turns;
  readonly side: RunSide;
}

export const openSubAdapterDesk = ({ run, turns, side }: SubAdapterRooms): SubAdapterDesk => ({
  member: side.member,
  sent: side.sent,
  downloaded: side.downloaded,
  turn: turns.next,
  encode: (participantId, round, { dropoutRate }) =>
    turns.take(encodeFor(run(), participantId, round, dropoutRate)),
});

function* encodeFor(
  run: LiveRun,
  participantId: string,
  round: number,
  dropoutRate: number,
): Pieces<Uint8Array> {
  // As they are now: before the work is done the round may be over.
  const { roundAdapter, state } = run;
  if (state.kind !== "training" || state.round !== round)
    throw new Error(`sub-adapter: expected an open round, got ${round}, which is closed`);
  const { indices } = yield* run.subAdapter(round, participantId, dropoutRate);
  const values = yield* gatherInPieces(roundAdapter, indices);
  return encodeSparseValues(values, round, state.config.valueType);
}
