/** Events of a small run at a glance, and where a run is after them; the clock is whatever a test says. */
import type { UpdateStatistics } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import { device, statistics as told } from "../../../protocol/src/told-by-device.fixture.ts";
import { expectedBytes } from "./refusal.ts";
import { transition } from "./round.ts";
import type { Effect, MemberTraffic, MemberUpdate, RunCommand, RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";

export const adapter = {
  rank: 2,
  alpha: 4,
  modules: [{ name: "m", inFeatures: 10, outFeatures: 20 }],
  dense: [],
};
export const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  rounds: 2,
  minParticipants: 2,
  deadlineSeconds: 30,
};
export { device };
export const statistics: UpdateStatistics = {
  ...told,
  secondsUpload: 1.5,
  uplinkBytesPerSecond: 2e6,
  uploadLimitedBy: "link",
};

export const joined = (participantId: string, resumesRound: number | null = null, atMs = 0): RunEvent => ({
  kind: "joined",
  participantId,
  nickname: participantId,
  resumesRound,
  atMs,
});
export const ready = (participantId: string): RunEvent => ({ kind: "ready", participantId, device, atMs: 0 });
export const command = (command: RunCommand, atMs = 0): RunEvent => ({ kind: "command", command, atMs });
export const begun = (
  participantId: string,
  round = 1,
  bytes = expectedBytes(createRun(config, adapter), 0.3),
  atMs = 0,
) => ({ kind: "upload-begun", participantId, round, bytes, atMs }) as const;
export const arrived = (participantId: string, round = 1, atMs = 0) =>
  ({ kind: "update-arrived", participantId, round, statistics, atMs }) as const;
export const gone = (participantId: string) => ({ kind: "left", participantId, atMs: 0 }) as const;
export const deadline = (round = 1) => ({ kind: "deadline-passed", round, atMs: 30_000 }) as const;
export const closed = (
  round = 1,
  traffic: readonly MemberTraffic[] = [],
  updates: readonly MemberUpdate[] = [],
) => ({ kind: "closed", round, traffic, updates, atMs: 31_000 }) as const;
export const evaluated = (round = 1) =>
  ({
    kind: "evaluated",
    round,
    evaluation: {
      testLoss: 3,
      trainLoss: 2.5,
      testAccuracy: null,
      testF1: null,
      exampleLossSpread: null,
    },
    atMs: 40_000,
  }) as const;
export const planned = (ids: readonly string[], round = 1, probes: readonly string[] = []) =>
  ({
    kind: "planned",
    round,
    plan: {
      assignments: ids.map((participantId) => ({
        participantId,
        dropoutRate: config.dropoutRate,
        uploadBytesPerSecond: null,
        uploadWatts: null,
        downloadBytesPerSecond: null,
        rateSource: "measured" as const,
        probe: probes.includes(participantId),
        patienceSeconds: 0,
        localSteps: null,
      })),
      allocation: null,
    },
    atMs: 0,
  }) as const;

/** The base model has been evaluated. */
const fresh = createRun(config, adapter, { baseTestLoss: 5 });
export function after(events: readonly RunEvent[], from: RunState = fresh) {
  let effects: readonly Effect[] = [];
  let state = from;
  for (const event of events) ({ state, effects } = transition(state, event));
  return { state, effects };
}
export const two = [joined("p1"), joined("p2"), ready("p1"), ready("p2")];
export const planning = [...two, command({ kind: "start" })];
export const training = [...planning, planned(["p1", "p2"])];
export const closing = [...training, begun("p1"), arrived("p1"), begun("p2"), arrived("p2")];
/** In the second of three rounds, the first one not evaluated yet. */
export const second = [
  ...training,
  command({ kind: "change", change: { rounds: 3 } }),
  deadline(),
  closed(),
  planned(["p1", "p2"], 2),
];
/** At the end of the only round. */
export const only = [...training, command({ kind: "change", change: { rounds: 1 } }), deadline()];
/** What a record of two members does, and an evaluation. */
export const RECORDED = ["record-round", "announce-round", "announce-round", "evaluate"];
export const EVALUATED = ["amend-record", "announce-evaluation"];
