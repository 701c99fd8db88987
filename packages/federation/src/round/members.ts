/** Changes to who takes part and to what members have done, with the counts that go with them. */
import { hasPlace, isPresent, isReady, type Participant } from "./participant.ts";
import { recounted } from "./parts.ts";
import type { Member, MemberStatus, Run, RunState } from "./run-state.ts";

const one = (holds: boolean): number => (holds ? 1 : 0);

export function setParticipant<S extends Run>(state: S, participant: Participant): S {
  const before = state.participants.get(participant.id);
  return {
    ...state,
    participants: state.participants.with(participant.id, participant),
    presentCount:
      state.presentCount + one(isPresent(participant)) - one(before !== undefined && isPresent(before)),
    placedCount:
      state.placedCount + one(hasPlace(participant)) - one(before !== undefined && hasPlace(before)),
    readyCount: state.readyCount + one(isReady(participant)) - one(before !== undefined && isReady(before)),
    holders: recounted(state.holders, before, participant),
  };
}

/** Behind everybody else: those who left come in the order in which they did. */
export const lastInOrder = <S extends Run>(state: S, participant: Participant): S => ({
  ...state,
  participants: state.participants.without(participant.id).with(participant.id, participant),
});

/** Of someone who is not present. */
export const removeParticipant = <S extends Run>(state: S, participantId: string): S => ({
  ...state,
  participants: state.participants.without(participantId),
  holders: recounted(state.holders, state.participants.get(participantId), undefined),
});

/** Its answer is still to come. */
export const isOutstanding = ({ status: { kind } }: Pick<Member, "status">): boolean =>
  kind === "working" || kind === "uploading";

/** Of a member of the round that is open or closing; otherwise nothing changes. */
export function setStatus<S extends RunState>(state: S, participantId: string, status: MemberStatus): S {
  if (state.kind !== "training" && state.kind !== "closing") return state;
  const member = state.members.get(participantId);
  if (member === undefined) return state;
  const change = one(isOutstanding({ status })) - one(isOutstanding(member));
  return {
    ...state,
    members: state.members.with(participantId, { ...member, status } satisfies Member),
    aggregatedCount:
      state.aggregatedCount + one(status.kind === "aggregated") - one(member.status.kind === "aggregated"),
    outstandingCount: state.outstandingCount + change,
    probingCount: state.probingCount + (member.assignment.probe ? change : 0),
  };
}
