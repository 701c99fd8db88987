/** The run as the host page sees it. */

import type { Member, MemberTraffic, Participant, RunState } from "@fedlodrop/federation";
import { leastReady } from "@fedlodrop/federation";
import type { HostView, ParticipantView } from "@fedlodrop/protocol";
import type { ParticipantRound } from "@fedlodrop/run";
import type { Lane, Lanes } from "../sockets/lanes.ts";
import type { Traffic } from "./traffic.ts";

export type HostViewFrame = Pick<HostView, "runId" | "joinUrl" | "access" | "availableTasks">;

export function buildHostView(
  frame: HostViewFrame,
  state: RunState,
  planProblem: string | null,
  lanes: Lanes,
  traffic: Traffic,
  deviceName: (participantId: string) => string,
  nowMs: number,
): HostView {
  const members: ReadonlyMap<string, Member> = "members" in state ? state.members : new Map();
  const last = new Map(state.records.at(-1)?.participants.map((record) => [record.id, record]));
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
      viewParticipant(
        state,
        participant,
        members.get(participant.id),
        last.get(participant.id),
        lanes.of(participant.id),
        traffic.of(participant.id),
        deviceName,
      ),
    ),
    rounds: state.records,
  };
}

function waitingNotice({ kind, intent, readyCount, config }: RunState): string | null {
  return kind === "lobby" && intent === "run"
    ? `the run waits for devices: ${readyCount} of at least ${leastReady(config)} are ready`
    : null;
}

function viewParticipant(
  state: RunState,
  participant: Participant,
  member: Member | undefined,
  last: ParticipantRound | undefined,
  lane: Lane | undefined,
  carried: MemberTraffic | undefined,
  deviceName: (participantId: string) => string,
): ParticipantView {
  const { id, nickname, device } = participant;
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
    bytesDown: (member ? carried : last)?.bytesDown ?? 0,
    bytesUp: (member ? carried : last)?.bytesUp ?? 0,
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
