/** The run as the host page sees it. */
import { isReady, type Member, type Participant, type RunState } from "@fedlodrop/federation";
import type { HostView, ParticipantView } from "@fedlodrop/protocol";
import type { Lane, Lanes } from "../sockets/lanes.ts";

export type HostViewFrame = Pick<HostView, "runId" | "joinUrl" | "code" | "availableTasks">;

export function buildHostView(
  frame: HostViewFrame,
  state: RunState,
  planProblem: string | null,
  lanes: Lanes,
  deviceName: (participantId: string) => string,
  nowMs: number,
): HostView {
  const members: ReadonlyMap<string, Member> = "members" in state ? state.members : new Map();
  return {
    ...frame,
    phase: state.kind,
    round: "round" in state ? state.round : state.records.length,
    config: state.config,
    locked: state.locked,
    pausing: state.intent === "pause" && state.kind !== "paused",
    notice: state.kind === "paused" ? planProblem : waitingNotice(state),
    secondsToDeadline:
      state.kind === "training"
        ? Math.max(0, state.deadlineSeconds - (nowMs - state.startedAtMs) / 1000)
        : null,
    baseTestLoss: state.baseTestLoss,
    participants: [...state.participants.values()].map((participant) =>
      viewParticipant(state, participant, members.get(participant.id), lanes.of(participant.id), deviceName),
    ),
    rounds: state.records,
  };
}

function waitingNotice({ kind, intent, participants, config }: RunState): string | null {
  if (kind !== "lobby" || intent !== "run") return null;
  const ready = [...participants.values()].filter(isReady).length;
  return `the run waits for devices: ${ready} of at least ${config.minParticipants} are ready`;
}

function viewParticipant(
  state: RunState,
  participant: Participant,
  member: Member | undefined,
  lane: Lane | undefined,
  deviceName: (participantId: string) => string,
): ParticipantView {
  const { id, nickname, device } = participant;
  const last = state.records.at(-1)?.participants.find((record) => record.id === id);
  return {
    id,
    nickname,
    state: stateOf(state, participant, member, lane),
    backend: device?.backend ?? null,
    deviceDescription: device?.deviceDescription ?? null,
    deviceName: deviceName(id),
    dropoutRate: (member?.assignment ?? last)?.dropoutRate ?? null,
    step: lane?.progress?.step ?? 0,
    localSteps: state.config.training.localSteps,
    loss: lane?.progress?.loss ?? last?.trainLoss ?? null,
    tokensPerSecond: lane?.progress?.tokensPerSecond ?? null,
    bytesDown: (member ?? last)?.bytesDown ?? 0,
    bytesUp: (member ?? last)?.bytesUp ?? 0,
  };
}

function stateOf(
  state: RunState,
  { presence }: Participant,
  member: Member | undefined,
  lane: Lane | undefined,
): ParticipantView["state"] {
  if (presence !== "ready" || state.kind !== "training") return presence;
  switch (member?.status.kind) {
    case "working":
      return lane?.downloaded ? "training" : "downloading";
    case "uploading":
      return "uploading";
    default:
      return "waiting";
  }
}
