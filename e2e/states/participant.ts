/** The participant's page, with no device behind it, in states that a run gets into seldom. */
import type { OwnTexts } from "@fedlodrop/device/page";
import { OUTCOMES } from "@fedlodrop/run";
import { signal } from "@preact/signals";
import { h } from "preact";
import { ParticipantPage } from "../../apps/web/src/pages/participant/page.tsx";
import type { Session } from "../../apps/web/src/pages/participant/session.ts";
import {
  INITIAL_STATE,
  type ParticipantState,
  type RoundProgress,
} from "../../apps/web/src/pages/participant/state.ts";
import { NOTES, NOTICES, SENT } from "../../apps/web/src/words/kinds.fixture.ts";
import { participantWords } from "../../apps/web/src/words/participant.ts";
import { openWords } from "../../apps/web/src/words/words.ts";
import { description } from "../../packages/protocol/src/run-description.fixture.ts";
import { kindsOf, offer } from "./shown.ts";

const { config } = description;
const joined: ParticipantState = {
  ...INITIAL_STATE,
  phase: "ready",
  choice: {
    ...{ backend: "wasm", reason: "", wasAsked: false },
    webgpu: { kind: "absent", detail: "", missing: "https" },
  },
  ...{ participantId: "p1", nickname: "Ada", engine: "WebAssembly", sampleCount: 12, stepSeconds: 0.1 },
  run: { ...description, task: { ...description.task, prompts: ["Once upon a time"] } },
  source: { kind: "own", fileName: "diary.txt" },
};
const round: RoundProgress = {
  start: {
    ...{ round: 1, dropoutRate: 0.5, deadlineSeconds: 60, training: config.training, rateSource: "measured" },
    ...{ uploadBytesPerSecond: null, downloadBytesPerSecond: null, uploadWatts: null },
    ...{ cohortSize: 2, roundsLeft: 3 },
  },
  mask: [{ keptColumns: Uint32Array.of(0, 1), keptRows: Uint32Array.of(2, 3) }],
  ...{ keptValues: 4, bytesDown: 16, bytesUp: 16 },
  ...{ secondsDownload: 1, secondsCompute: 4, secondsUpload: 1, textsEpsilon: null },
  step: { step: 1, loss: 4, gradientNorm: 1, seconds: 0.5, tokens: 100 },
  energy: { joules: 5, source: "modelled" },
  ...{ abandoned: null, closed: null },
};
const training: ParticipantState = { ...joined, phase: "training", rounds: [round] };
const closed = { round: 1, contribution: 0.5, aggregatedCount: 1, cohortSize: 2 };
const trial = {
  ...{ prompt: "Once", note: null, base: null, tuned: null, untrained: false, ownTextLoss: {} },
};
const own: OwnTexts = { id: "1", fileName: "diary.txt", rows: [{ line: 1, text: "Dear diary" }] };

const page = (state: ParticipantState, ownTexts: OwnTexts | null = null) => {
  const nothing = (): void => {};
  const session: Session = {
    ...{ state: signal(state), ownTexts: signal(ownTexts), draft: signal(""), correction: signal({}) },
    ...{ token: () => null, deviceKind: () => "cpu" },
    ...{ join: nothing, useOwnTexts: nothing, correctProfile: nothing, tryPrompt: nothing },
    ...{ guess: nothing, leave: nothing },
  };
  return h(ParticipantPage, { session, offeredNickname: "Ada", madeUpNickname: "Amber Otter" });
};

const loading: ParticipantState = { ...joined, phase: "loading" };

await openWords(participantWords);
offer({
  welcome: () => page({ ...INITIAL_STATE, phase: "welcome" }),
  "warm-up": () => page({ ...loading, warmingUp: true }),
  "memory unknown": () => page({ ...loading, warmingUp: true, unsureBytes: 5e8 }),
  ...Object.fromEntries(
    kindsOf(NOTICES).flatMap((notice) => [
      [`loading, told: ${notice.kind}`, () => page({ ...loading, notice })],
      [`in a round, told: ${notice.kind}`, () => page({ ...training, notice })],
    ]),
  ),
  ...Object.fromEntries(
    Object.values(NOTES).map((note) => [
      `asked, and answered: ${note.kind}`,
      () => page({ ...joined, trial: { ...trial, note } }),
    ]),
  ),
  "own text in a round": () =>
    page(
      {
        ...training,
        trial: {
          ...trial,
          base: { kind: "text", text: " upon", done: true },
          tuned: { kind: "text", text: " upon a", done: false },
          ownTextLoss: { base: 4.5, tuned: 4 },
        },
      },
      own,
    ),
  ...Object.fromEntries(
    OUTCOMES.map((outcome) => [
      `round: ${outcome}`,
      () => page({ ...training, phase: "ready", rounds: [{ ...round, closed: { ...closed, outcome } }] }),
    ]),
  ),
  ...Object.fromEntries(
    ([null, "deadline"] as const).map((because) => [
      `round given up: ${because ?? "failed"}`,
      () =>
        page({ ...training, phase: "waiting", rounds: [{ ...round, abandoned: { because, why: SENT } }] }),
    ]),
  ),
});
