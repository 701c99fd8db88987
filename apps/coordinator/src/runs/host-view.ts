/** The run as the host page sees it: whole once, then what has changed, at the cost of what has changed. */
import { isDeepStrictEqual } from "node:util";
import {
  isAnnouncedOver,
  leastReady,
  type Participant,
  pauseReason,
  type RunState,
  shownPresence,
} from "@fedlodrop/federation";
import type { HostView, ParticipantView, SentView, ViewChanges } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import type { Lane, Lanes } from "./lanes.ts";
import type { LiveRun } from "./live-run.ts";

/** What a view shows that is not the run's. */
type HostViewFrame = Pick<HostView, "joinUrl" | "access" | "lesson" | "availableTasks">;

export interface HostViewOptions {
  frame(): HostViewFrame;
  run(): LiveRun;
  lanes(): Lanes;
  deviceName(participant: Participant): string | null;
  nowMs(): number;
  /** Why the run is not being kept, or null. */
  storageProblem(): string | null;
}

export interface HostViews {
  /** Something of this participant's has changed, or null: of anybody's. */
  touch(participantId: string | null): void;
  whole(): SentView;
  /** Since the last call; null when the run is another one by now, and `whole` has to be told. */
  changes(): ViewChanges | null;
}

export function createHostViews(options: HostViewOptions): HostViews {
  let touched = new Set<string>();
  let everyone = true;
  let told: ReturnType<typeof viewRun> | null = null;
  /** The last record's participants by id, made once a round. */
  let last: {
    readonly of: RoundRecord["participants"];
    readonly byId: ReadonlyMap<string, ParticipantRound>;
  } = {
    of: [],
    byId: new Map(),
  };

  function viewRun() {
    const run = options.run();
    const { state } = run;
    return {
      ...options.frame(),
      runId: run.runId,
      phase: state.kind,
      round: "round" in state ? state.round : state.records.length,
      basedOnRound: state.basedOnRound,
      config: state.config,
      taskKind: run.workload.task.kind,
      locked: state.locked,
      pausing: state.intent === "pause" && state.kind !== "paused" && !isAnnouncedOver(state),
      ...standstillOf(run, options.storageProblem()),
      secondsToDeadline:
        state.kind === "training" ? Math.max(0, state.endsAtMs - options.nowMs()) / 1000 : null,
      baseTestLoss: state.baseTestLoss,
    } satisfies Omit<SentView, "participants">;
  }

  function viewParticipant(participant: Participant): ParticipantView {
    const { state, traffic } = options.run();
    const { id, nickname, device } = participant;
    const lane = options.lanes().of(id);
    const member = "members" in state ? state.members.get(id) : undefined;
    const recorded = last.byId.get(id);
    const bytes = member ? traffic.of(id) : recorded;
    const asked = member ? member.assignment.localSteps : recorded?.steps;
    const localSteps = asked ?? state.config.training.localSteps;
    // The last steps before an update are taken between two reports.
    const hasTakenAll = member
      ? member.status.kind !== "working" && member.status.kind !== "left"
      : recorded !== undefined && (recorded.steps !== null || recorded.outcome === "late");
    return {
      id,
      nickname,
      state: laneState(state, participant, lane),
      backend: device?.backend ?? null,
      deviceDescription: device?.deviceDescription ?? null,
      deviceName: options.deviceName(participant),
      dropoutRate: (member?.assignment ?? recorded)?.dropoutRate ?? null,
      step: hasTakenAll ? localSteps : (lane?.progress?.step ?? 0),
      localSteps,
      loss: lane?.progress?.loss ?? recorded?.trainLoss ?? null,
      tokensPerSecond: lane?.progress?.tokensPerSecond ?? null,
      bytesDown: bytes?.bytesDown ?? 0,
      bytesUp: bytes?.bytesUp ?? 0,
    };
  }

  function indexLastRecord(): void {
    const of = options.run().state.records.at(-1)?.participants ?? [];
    if (of !== last.of) last = { of, byId: new Map(of.map((participant) => [participant.id, participant])) };
  }

  return {
    touch(participantId) {
      if (participantId === null) everyone = true;
      else touched.add(participantId);
    },
    whole() {
      indexLastRecord();
      const { participants } = options.run().state;
      return { ...viewRun(), participants: [...participants.values()].map(viewParticipant) };
    },
    changes() {
      const before = told;
      const run = viewRun();
      const { participants } = options.run().state;
      told = run;
      const ids = everyone ? participants.keys() : touched;
      const gone = [...touched].filter((id) => !participants.has(id));
      everyone = false;
      touched = new Set();
      if (before?.runId !== run.runId) return null;
      indexLastRecord();
      return {
        run: Object.fromEntries(
          Object.entries(run).filter(
            ([name, value]) => !isDeepStrictEqual(value, before[name as keyof typeof before]),
          ),
        ),
        participants: [...ids].flatMap((id) => {
          const participant = participants.get(id);
          return participant ? [viewParticipant(participant)] : [];
        }),
        gone,
      };
    },
  };
}

/** Why a run that was started does not go on: by its kind, and in a sentence. */
function standstillOf(
  { state, planProblem }: LiveRun,
  storageProblem: string | null,
): Pick<HostView, "notice" | "standstill"> {
  if (storageProblem !== null) return { notice: storageProblem, standstill: { kind: "not-stored" } };
  if (state.kind === "paused") {
    const reason = pauseReason(state);
    if (reason !== null) {
      const { sentence, ...standstill } = reason;
      return { notice: sentence, standstill };
    }
    if (planProblem !== null) return { notice: planProblem.sentence, standstill: planProblem.standstill };
  }
  if (state.kind === "lobby" && state.intent === "run") {
    const [ready, least] = [state.readyCount, leastReady(state.config)];
    return {
      notice: `the run waits for devices: ${ready} of at least ${least} are ready`,
      standstill: { kind: "waits-for-devices", ready, least },
    };
  }
  return { notice: null, standstill: null };
}

function laneState(
  state: RunState,
  participant: Participant,
  lane: Lane | undefined,
): ParticipantView["state"] {
  const presence = shownPresence(participant);
  if (presence !== "ready" || state.kind !== "training") return presence;
  switch (state.members.get(participant.id)?.status.kind) {
    case "working":
      return lane?.downloaded ? "training" : "downloading";
    case "uploading":
      return "uploading";
    default:
      return "waiting";
  }
}
