/** The host's page, with no coordinator behind it, in states that a run gets into seldom. */
import { MAX_NICKNAME_CHARACTERS } from "@fedlodrop/protocol";
import {
  DEFAULT_RUN_CONFIG,
  type ParticipantRound,
  type RoundRecord,
  type RoundSample,
  type RunConfig,
} from "@fedlodrop/run";
import { signal } from "@preact/signals";
import { h } from "preact";
import type { HostConnection, HostProblem, ReceivedView } from "../../apps/web/src/pages/host/connection.ts";
import { HostPage } from "../../apps/web/src/pages/host/page.tsx";
import { openLesson } from "../../apps/web/src/pages/lesson/lesson.ts";
import { viewAt } from "../../apps/web/src/pages/replay/view-at.ts";
import { hostWords } from "../../apps/web/src/words/host.ts";
import { PROBLEMS, SENT, STANDSTILLS } from "../../apps/web/src/words/kinds.fixture.ts";
import { openWords } from "../../apps/web/src/words/words.ts";
import { kindsOf, offer } from "./shown.ts";

const NAMES = ["Ada Lovelace", "Blaise", "Chen Jingrun", "Dorothy Vaughan", "Emmy", "Florence Nightingale"];
const WRITTEN =
  ", and to the people of the United States, I have the honour to say that the country has never been so well at peace with itself as it is today";
const UNSEEN = {
  text: "We are met together in the name of a free people, and it is for them that this House has to answer.",
  ...{ tokens: 24, baseNats: 4.1, tunedNats: 3.7 },
};

const device = (id: string, nickname: string, outcome: ParticipantRound["outcome"]): ParticipantRound => ({
  ...{ id, nickname, backend: "wasm", dropoutRate: 0.5, keptValues: 4, fullValues: 8 },
  ...{ bytesDown: 16, bytesUp: 16, secondsDownload: 1, secondsCompute: 4, steps: 8, secondsUpload: 1 },
  ...{ uploadBytesPerSecond: null, downlinkBytesPerSecond: 1e6, uplinkBytesPerSecond: 1e6 },
  ...{ uploadLimitedBy: "link", rateSource: "measured", sampleCount: 12, trainLoss: 4 },
  ...{ energyJoules: 5, energySource: "modelled", tokens: 400, roundTripSeconds: 0.1 },
  ...{ gradientNorm95: 1, lossSpread: 1, outcome, update: null },
});
const record = (round: number, outcome: ParticipantRound["outcome"]): RoundRecord => ({
  ...{ round, basedOnRound: 0, method: "fixed", deadlineSeconds: 60, trainLoss: 4, testLoss: 4 },
  ...{ evaluation: null, seconds: 8, allocation: null },
  participants: [device("p1", "Ada", outcome), device("p2", "Ben", "late")],
});

const viewOf = (rounds: readonly RoundRecord[]): ReceivedView => ({
  ...viewAt(
    {
      ...{ format: 1, runId: "r", seed: "0", task: "presidents", model: "m", method: "fixed" },
      ...{ adapterSha256: "", finalTestLoss: 4, baseTestLoss: 5, config: DEFAULT_RUN_CONFIG, rounds },
    },
    1e9,
  ),
  ...{ phase: "paused", locked: false, joinUrl: "http://192.0.2.7:7860/" },
});
const after = (...outcomes: readonly ParticipantRound["outcome"][]): ReceivedView =>
  viewOf(outcomes.map((outcome, i) => record(i + 1, outcome)));
const lobby: ReceivedView = { ...viewOf([]), phase: "lobby" };
const present = (count: number, nickname: string, deviceName: string | null): ReceivedView["participants"] =>
  Array.from({ length: count }, (_, k) => ({
    ...{ id: `p${k + 1}`, nickname, state: "ready", backend: "wasm", deviceDescription: null, deviceName },
    ...{ dropoutRate: null, step: 0, localSteps: 8, loss: null, tokensPerSecond: null },
    ...{ bytesDown: 0, bytesUp: 0 },
  }));
/** As many as are still shown large, with names as long as they may be: more than there is room for. */
const crowded: ReceivedView = {
  ...lobby,
  participants: present(24, "Ada ".repeat(MAX_NICKNAME_CHARACTERS / 4), null),
};
/** The end of a comparison in a full room, with an answer to show. */
const concluded = (count: number): ReceivedView => {
  const sample: RoundSample = {
    ...{ kind: "text" as const, prompt: "My fellow Americans", unseen: UNSEEN },
    ...{ base: WRITTEN, tuned: WRITTEN },
  };
  const rounds = [1, 2, 3, 4].map((round): RoundRecord => {
    const arm = round % 2 === 1 ? 0 : 1;
    return {
      ...{ ...record(round, "aggregated"), turn: { arm, number: Math.ceil(round / 2) } },
      evaluation: {
        ...{ testLoss: 4 + arm / 10, trainLoss: 3.6, baseTrainLoss: 4.9, testAccuracy: null, testF1: null },
        ...{ exampleLossSpread: null, sample },
      },
      participants: Array.from({ length: count }, (_, k) =>
        device(`p${k + 1}`, NAMES[k % NAMES.length] as string, "aggregated"),
      ),
    };
  });
  const shown = viewOf(rounds);
  const config: RunConfig = {
    ...{ ...shown.config, method: "fixed", dropoutRate: 0.5 },
    compareWith: { method: "fedlora", dropoutRate: 0 },
  };
  return { ...shown, config, phase: "ended" };
};
/** All that a lobby ever says, at once. */
const talkative: ReceivedView = {
  ...lobby,
  access: { ...lobby.access, roomCode: "PLUM42" },
  participants: present(64, "Ada Lovelace", "Lincoln"),
};

const page = (view: ReceivedView, problem: HostProblem | null = null) => {
  const host: HostConnection = {
    ...{ key: "", view: signal(view), online: signal(true), problem: signal(problem) },
    command: () => Promise.resolve(),
  };
  return h(HostPage, { host, lesson: openLesson(host) });
};

await openWords(hostWords);
offer({
  "lobby over plain http": () => page(lobby),
  "lobby whose names scroll": () => page(crowded),
  "lobby with all to say": () => page(talkative),
  "podium of a full room": () => page(concluded(64)),
  ...Object.fromEntries(
    STANDSTILLS.flatMap((standstill) => {
      const told = { standstill, notice: SENT };
      const kind = standstill?.kind ?? "unknown";
      return [
        [`lobby, stands still: ${kind}`, () => page({ ...lobby, ...told })],
        [`stage, stands still: ${kind}`, () => page({ ...after("aggregated"), ...told })],
      ];
    }),
  ),
  ...Object.fromEntries(
    kindsOf(PROBLEMS).map((problem) => [`told: ${problem.kind}`, () => page(after("left"), problem)]),
  ),
  "round discarded": () => page(after("aggregated", "discarded")),
  "round tried again": () => {
    const secureAggregation = { counted: 0, problem: SENT, sent: true };
    return page(viewOf([record(1, "aggregated"), { ...record(2, "left"), secureAggregation }]));
  },
});
