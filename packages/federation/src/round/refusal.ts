/** Why a participant may not do what it asks: pure checks, answered as values. */
import { payloadBytes, type RefusalReason } from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import type { Member, RunState } from "./run-state.ts";

export interface Refusal {
  readonly kind: "refuse";
  readonly reason: RefusalReason;
  readonly message: string;
}

export const refuse = (reason: RefusalReason, message: string): Refusal => ({
  kind: "refuse",
  reason,
  message,
});

/** A member of the open round that still owes it an update, or why `participantId` is none. */
export function memberAtWork(state: RunState, participantId: string, round: number): Member | Refusal {
  const participant = state.participants.get(participantId);
  if (participant === undefined)
    return refuse("unknown-participant", `participant: expected one that has joined, got ${participantId}`);
  if (participant.presence === "kicked") return refuse("kicked", "the host has removed you from this run");
  if (state.kind !== "training")
    return round <= state.records.length + (state.kind === "closing" ? 1 : 0)
      ? refuse("stale-round", `round: ${round} is closed`)
      : refuse("not-running", `round: expected an open one, got ${round} while the run is ${state.kind}`);
  if (round !== state.round) return refuse("stale-round", `round: expected ${state.round}, got ${round}`);
  const member = state.members.get(participantId);
  if (member === undefined || member.status.kind === "left")
    return refuse("not-in-cohort", `round ${round}: you are not in its cohort; the next round takes you in`);
  if (member.status.kind === "aggregated")
    return refuse("duplicate", `round ${round}: your update has been aggregated already`);
  return member;
}

/** Bytes a sub-adapter and its update have at this dropout rate, header included. */
export function expectedBytes(state: RunState, dropoutRate: number): number {
  return payloadBytes(keptValueCount(state.adapter, dropoutRate), state.config.valueType);
}

export function sizeRefusal(state: RunState, member: Member, bytes: number): Refusal | null {
  const expected = expectedBytes(state, member.assignment.dropoutRate);
  if (bytes === expected) return null;
  return refuse(
    bytes > expected ? "too-large" : "wrong-length",
    `upload: expected ${expected} bytes, got ${bytes}`,
  );
}
