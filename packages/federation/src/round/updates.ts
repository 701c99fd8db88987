/** Uploads begin, and end as an update, as something unusable, or too late. Only their headers come by here. */
import { setStatus } from "./members.ts";
import { memberAtWork, type Refusal, refuse, sizeRefusal } from "./refusal.ts";
import { settle } from "./rounds.ts";
import type { RunEvent } from "./run-event.ts";
import type { Member, Run, RunState } from "./run-state.ts";
import { refused, type Transition, unchanged, withEffects } from "./step.ts";

export function beginUpload(state: RunState, event: Extract<RunEvent, { kind: "upload-begun" }>): Transition {
  const { participantId, round, bytes } = event;
  const member = memberAtWork(state, participantId, round);
  if (member.kind === "refuse") return refuseUpload(state, event, member);
  // What a masked input weighs depends on who shares masks with whom, which is known where it arrives.
  const refusal = state.config.secureAggregation ? null : sizeRefusal(state, member, bytes);
  if (refusal !== null) return refuseUpload(state, event, refusal);
  return unchanged(setStatus(state, participantId, { kind: "uploading" }));
}

export function takeUnusable(
  state: RunState,
  event: Extract<RunEvent, { kind: "update-unusable" }>,
): Transition {
  const member = memberAtWork(state, event.participantId, event.round);
  return refuseUpload(state, event, member.kind === "refuse" ? member : refuse(event.reason, event.message));
}

export function takeUpdate(
  state: RunState,
  event: Extract<RunEvent, { kind: "update-arrived" }>,
): Transition {
  const { participantId, round, statistics, atMs } = event;
  const member = memberAtWork(state, participantId, round);
  if (member.kind === "refuse") return refuseUpload(state, event, member);
  if (member.status.kind !== "uploading")
    return refuseUpload(state, event, refuse("wrong-order", "upload: expected upload-begin first"));
  const next = setStatus(state, participantId, { kind: "aggregated", statistics });
  const { dropoutRate } = member.assignment;
  const weight = weightOf(state, member);
  return withEffects(settle(next, atMs), [
    { kind: "fold-update", round, participantId, dropoutRate, weight },
  ]);
}

/** Samples that an update counts for. Noise is measured against one device: there none may weigh more than another. */
export const weightOf = ({ config }: Run, { participant }: Member): number =>
  config.differentialPrivacy === null ? participant.device.sampleCount : 1;

/** An unusable upload counts as an answer, so that it cannot stall the round; a tardy one is marked late. */
function refuseUpload(
  state: RunState,
  { participantId, round, atMs }: { participantId: string; round: number; atMs: number },
  refusal: Refusal,
): Transition {
  if (memberAtWork(state, participantId, round).kind !== "refuse")
    return withEffects(settle(setStatus(state, participantId, { kind: "refused" }), atMs), [refusal]);
  const status =
    state.kind === "closing" && state.round === round && state.members.get(participantId)?.status;
  const tardy = status && (status.kind === "working" || status.kind === "uploading");
  return refused(tardy ? setStatus(state, participantId, { kind: "late" }) : state, refusal);
}
