import type { FromWorker } from "@fedlodrop/device/page";
import type { RoundClosed, RoundStart } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { description as run } from "../../../../../packages/protocol/src/run-description.fixture.ts";
import { shownState, snapshot } from "./mirror.ts";
import { ownFigures } from "./own-figures.ts";
import { reduce } from "./reduce.ts";
import { screenOf } from "./screen.ts";
import {
  currentRound,
  epsilonSoFar,
  INITIAL_STATE,
  type ParticipantState,
  textsEpsilonSoFar,
} from "./state.ts";

const joined = { kind: "joined", participantId: "p1", token: "t", nickname: "n", run } satisfies FromWorker;
const ready: FromWorker = {
  kind: "ready",
  engine: "WebAssembly, SIMD, one thread, f32 weights",
  source: { kind: "assigned", device: "d" },
  sampleCount: 3,
  firstStepSeconds: 1,
  stepSeconds: 0.1,
};
const start = (round: number): RoundStart => ({
  round,
  dropoutRate: 0.5,
  deadlineSeconds: 10,
  training: DEFAULT_RUN_CONFIG.training,
  uploadBytesPerSecond: null,
  downloadBytesPerSecond: null,
  uploadWatts: null,
  rateSource: "measured",
  cohortSize: 2,
  roundsLeft: 3,
});
const started = (round: number): FromWorker => ({
  kind: "round-started",
  start: start(round),
  mask: [],
  keptValues: 4,
});
const step = (round: number, number: number, loss: number): FromWorker => ({
  kind: "step",
  round,
  step: { step: number, loss, gradientNorm: 1, seconds: 0.5, tokens: 100 },
});
const closed = (round: number) => ({
  kind: "round-closed" as const,
  closed: {
    round,
    outcome: "aggregated",
    contribution: 0.25,
    aggregatedCount: 4,
    cohortSize: 4,
  } satisfies RoundClosed,
});

const after = (...messages: readonly FromWorker[]): ParticipantState =>
  messages.reduce(reduce, INITIAL_STATE);

/** A round's last word from a device that is gone. */
const abandoned: FromWorker = {
  kind: "round-abandoned",
  round: 1,
  because: "left",
  why: "this device left",
};

describe("participant state", () => {
  it("follows a round from start to close", () => {
    const messages: readonly [FromWorker, string][] = [
      [joined, "loading"],
      [ready, "ready"],
      [started(1), "downloading"],
      [{ kind: "downloaded", round: 1, bytes: 32, seconds: 0.1 }, "training"],
      [step(1, 1, 4), "training"],
      [{ kind: "trained", round: 1, seconds: 1, textsEpsilon: null }, "uploading"],
      [{ kind: "uploading", round: 1, sentBytes: 32, totalBytes: 32 }, "uploading"],
      [{ kind: "uploaded", round: 1, seconds: 0.2, energy: { joules: 5, source: "modelled" } }, "waiting"],
      [closed(1), "ready"],
    ];
    let state = INITIAL_STATE;
    for (const [message, expected] of messages) {
      state = reduce(state, message);
      expect([message.kind, shownState(state)]).toEqual([message.kind, expected]);
    }
    expect(snapshot(state)).toMatchObject({
      round: 1,
      step: 1,
      loss: 4,
      tokensPerSecond: 200,
      bytesDown: 32,
      bytesUp: 32,
    });
    expect(currentRound(state)?.closed?.contribution).toBe(0.25);
  });

  it("is away without a connection, and keeps its place", () => {
    const training = after(joined, ready, started(1), {
      kind: "downloaded",
      round: 1,
      bytes: 32,
      seconds: 0.1,
    });
    const away = reduce(training, { kind: "connection", online: false });
    expect(shownState(away)).toBe("away");
    const back = [{ kind: "connection", online: true } as const, joined, ready].reduce(reduce, away);
    expect(shownState(back)).toBe("training");
    expect(back.rounds).toHaveLength(1);
  });

  it("says what the presenter does to it, a cut until it is back, and stops where its tab is killed", () => {
    const chaos = (fault: "freeze" | "cut" | "kill" | null): FromWorker => ({ kind: "chaos", fault });
    expect(after(joined, ready, chaos("freeze")).chaos).toBe("freeze");
    expect(after(joined, ready, chaos("freeze"), joined).chaos).toBe("freeze");
    expect(after(joined, ready, chaos("freeze"), chaos(null)).chaos).toBeNull();
    expect(after(joined, ready, chaos("cut"), joined).chaos).toBeNull();
    const killed = after(joined, ready, chaos("kill"));
    expect([screenOf(killed), killed.stop?.kind]).toEqual(["stopped", "killed"]);
  });

  it("says that the host has closed the run, until it is back", () => {
    const closedDown = after(joined, ready, { kind: "host-closed" }, { kind: "connection", online: false });
    expect(screenOf(closedDown)).toBe("closed");
    const back = [{ kind: "connection", online: true } as const, joined].reduce(reduce, closedDown);
    expect(screenOf(back)).toBe("lobby");
  });

  it("does not reopen a closed round with the device's own last word", () => {
    const state = after(joined, ready, started(1), closed(1), {
      kind: "round-abandoned",
      round: 1,
      because: null,
      why: "late",
    });
    expect(shownState(state)).toBe("ready");
    expect(currentRound(state)?.abandoned).toEqual({ because: null, why: "late" });
  });

  it("forgets the first attempt at a round that is played again", () => {
    const state = after(joined, ready, started(1), step(1, 1, 4), started(2), step(2, 1, 3), started(2));
    expect(state.rounds.map((round) => round.start.round)).toEqual([1, 2]);
    expect(state.losses).toEqual([{ round: 1, at: 1, loss: 4 }]);
  });

  it("ignores an older round's messages", () => {
    const state = after(joined, ready, started(1), started(2), {
      kind: "uploading",
      round: 1,
      sentBytes: 9,
      totalBytes: 9,
    });
    expect(shownState(state)).toBe("downloading");
    expect(currentRound(state)?.bytesUp).toBe(0);
  });

  it("forgets a run when the host sets up another, but not who it is", () => {
    const old = after(joined, ready, started(1), step(1, 1, 4), {
      kind: "run-ended",
      ended: { reason: "finished", roundsDone: 1, roundsMade: 1 },
    });
    const fresh = reduce(old, { kind: "run-changed", run: { ...run, runId: "r2" } });
    expect(fresh).toMatchObject({
      participantId: "p1",
      rounds: [],
      losses: [],
      ended: null,
      phase: "loading",
    });
  });

  it("keeps what it shows when only the limits change", () => {
    const old = after(joined, ready, started(1), step(1, 1, 4));
    const changed = reduce(old, {
      kind: "run-changed",
      run: { ...run, config: { ...run.config, deadlineSeconds: 5 } },
    });
    expect(changed.losses).toHaveLength(1);
    expect(changed.run?.config.deadlineSeconds).toBe(5);
  });

  it("shows the end of the run, told before or after it has loaded", () => {
    const ended: FromWorker = {
      kind: "run-ended",
      ended: { reason: "finished", roundsDone: 3, roundsMade: 3 },
    };
    expect(shownState(after(joined, ready, ended))).toBe("ended");
    expect(shownState(after({ kind: "connection", online: true }, ended, joined, ready))).toBe("ended");
  });

  it("stops at a refusal to join, and only tells of a later one", () => {
    const refused = { kind: "refused", reason: "run-locked", message: "locked" } as const;
    expect(shownState(after({ kind: "join-refused", refused }))).toBe("error");
    const later = after(joined, ready, { kind: "refused", refused });
    expect([shownState(later), later.notice]).toEqual(["ready", { kind: "refused", refused }]);
  });

  it("keeps news when it is ready and when a round begins until they have been read, and no refusal", () => {
    const told = after(joined, ready, { kind: "run-changed", run: { ...run, runId: "r2" } });
    const begun = [ready, started(1)].reduce(reduce, told);
    expect(begun.notice).toEqual({ kind: "new-run" });
    const isRead: ParticipantState = { ...begun, notice: { kind: "new-run", isRead: true } };
    expect(reduce(isRead, step(1, 1, 4)).notice).not.toBeNull();
    expect(reduce(isRead, started(2)).notice).toBeNull();
    const over: FromWorker = {
      kind: "run-ended",
      ended: { reason: "finished", roundsDone: 1, roundsMade: 1 },
    };
    expect(reduce(begun, over).notice).toBeNull();
    const refused = { kind: "refused", reason: "wrong-state", message: "m" } as const;
    expect(after(joined, { kind: "refused", refused }, ready).notice).toBeNull();
  });

  it("tells of other texts, and in a new run of the run until that has been read", () => {
    const dealt = { kind: "dealt" } as const;
    expect(after(joined, ready, dealt).notice).toEqual(dealt);
    const told = after(joined, ready, { kind: "run-changed", run: { ...run, runId: "r2" } });
    expect(reduce(told, dealt).notice).toEqual({ kind: "new-run" });
    expect(reduce({ ...told, notice: { kind: "new-run", isRead: true } }, dealt).notice).toEqual(dealt);
  });

  it("has left, and the round's last word changes nothing", () => {
    const state = after(joined, ready, started(1), { kind: "left" }, abandoned);
    expect([shownState(state), screenOf(state), state.stop?.kind]).toEqual(["kicked", "stopped", "left"]);
  });

  it("is removed by the host, whether connected or away", () => {
    const refused = { kind: "refused", reason: "kicked", message: "removed" } as const;
    for (const kind of ["dismissed", "join-refused"] as const) {
      const state = after(
        joined,
        ready,
        started(1),
        { kind: "connection", online: false },
        { kind, refused },
        abandoned,
      );
      expect([shownState(state), state.stop]).toEqual([
        "kicked",
        { kind: "dismissed", reason: "kicked", message: "removed" },
      ]);
    }
  });

  it("gathers both answers of a trial", () => {
    const asked: ParticipantState = {
      ...after(joined, ready),
      trial: {
        prompt: "p",
        note: { kind: "thinking" },
        base: null,
        tuned: null,
        untrained: false,
        ownTextLoss: {},
      },
    };
    const state = [
      { kind: "tried-text", side: "base", text: "a", done: true } as const,
      { kind: "tried-own-text", side: "base", loss: 4.5 } as const,
      { kind: "tried-labels", side: "tuned", probabilities: [0.1, 0.9] } as const,
      { kind: "tried-own-text", side: "tuned", loss: 4 } as const,
    ].reduce<ParticipantState>(reduce, asked);
    expect(state.trial).toEqual({
      prompt: "p",
      note: null,
      base: { kind: "text", text: "a", done: true },
      tuned: { kind: "labels", probabilities: [0.1, 0.9] },
      untrained: false,
      ownTextLoss: { base: 4.5, tuned: 4 },
    });
  });
});

describe("what a device has given", () => {
  const told = {
    ...{ roundsUsed: 2, contribution: 0.5, together: 4, bytes: 0, bytesWithoutDropout: 0 },
    ...{ joules: 6, batteryJoules: 0, upToRound: 3, epsilon: 2 },
    last: { round: 3, contribution: 0.25, aggregatedCount: 4 },
  };
  const back = { ...joined, given: told } satisfies FromWorker;

  it("is what the coordinator says when its page is opened anew, and the rounds after that", () => {
    const returned = after(back, ready);
    expect(ownFigures(returned, run)).toMatchObject({ roundsUsed: 2, contribution: 0.5, joules: 6 });
    expect(epsilonSoFar(returned)).toBe(2);
    const later = [started(4), closed(4)].reduce(reduce, returned);
    expect(ownFigures(later, run)).toMatchObject({ roundsUsed: 3, contribution: 0.75, last: { round: 4 } });
  });

  it("goes on with what its texts have given away, and is another run's no more", () => {
    const config = { ...run.config, examplePrivacy: { epsilon: 8, delta: 1e-5, clip: 1 } };
    const returned = after({ ...joined, run: { ...run, config }, textsEpsilon: 3 }, ready);
    expect(textsEpsilonSoFar(returned)).toBe(3);
    const trained = { kind: "trained", round: 4, seconds: 1, textsEpsilon: 4 } as const;
    expect(textsEpsilonSoFar([started(4), trained].reduce(reduce, returned))).toBe(4);
    const other = { kind: "run-changed", run: { ...run, runId: "another" } } as const;
    expect(textsEpsilonSoFar(reduce(returned, other))).toBe(0);
  });

  it("goes with how the model was last measured", () => {
    const evaluated = { round: 3, testLoss: 4, baseTestLoss: 5, isOwn: true };
    const { heldOutLosses } = after({ ...back, evaluated }, ready);
    expect([...heldOutLosses]).toEqual([
      [0, { turn: 0, loss: 5 }],
      [3, { turn: 3, loss: 4 }],
    ]);
  });

  it("counts a round once that the page has seen, and one whose end it has missed", () => {
    const away = after(joined, ready, started(2), closed(2), started(3));
    expect(ownFigures(away, run).roundsUsed).toBe(1);
    expect(ownFigures(reduce(away, back), run).roundsUsed).toBe(2);
  });

  it("is nothing in another run", () => {
    const fresh = reduce(after(back, ready), { kind: "run-changed", run: { ...run, runId: "r2" } });
    expect(ownFigures(fresh, run)).toMatchObject({ roundsUsed: 0, joules: 0, last: null });
  });

  it("is told with every round's end, also of one that the page was opened anew in", () => {
    const given = { ...told, roundsUsed: 3, joules: 9, upToRound: 4 };
    const end = { kind: "round-closed", closed: { ...closed(4).closed, given } } as const;
    expect(ownFigures(reduce(after(back, ready), end), run)).toMatchObject({ roundsUsed: 3, joules: 9 });
    const seen = [started(4), end].reduce<ParticipantState>(reduce, after(back, ready));
    expect(ownFigures(seen, run)).toMatchObject({ roundsUsed: 3, joules: 9 });
  });
});

it("keeps one mask, and curve and list within bounds, however long the run", () => {
  let state = after(joined, ready);
  const rounds = 3000;
  for (let round = 1; round <= rounds; round++) {
    state = reduce(state, started(round));
    for (let number = 1; number <= 10; number++) state = reduce(state, step(round, number, round));
    state = reduce(state, closed(round));
    state = reduce(state, {
      kind: "round-evaluated",
      evaluated: { round, testLoss: round, baseTestLoss: 9, isOwn: true },
    });
  }
  expect(state.rounds.filter(({ mask }) => mask !== null)).toEqual([currentRound(state)]);
  expect(state.rounds).toHaveLength(200);
  expect(state.rounds.at(-1)?.start.round).toBe(rounds);
  expect(state.losses.length).toBeLessThanOrEqual(1024);
  // In order, from the first steps to the very last one.
  expect(state.losses.at(-1)).toEqual({ round: rounds, at: 10 * rounds, loss: rounds });
  expect(state.losses[0]!.at).toBeLessThan(100);
  const evaluated = [...state.heldOutLosses.keys()];
  expect(evaluated.length).toBeLessThanOrEqual(1024);
  expect(evaluated).toEqual(evaluated.toSorted((a, b) => a - b));
  expect(evaluated.slice(-200)).toEqual(Array.from({ length: 200 }, (_, i) => rounds - 199 + i));
  expect(evaluated[0]).toBe(0);
  expect(evaluated[1]).toBeLessThan(100);
  expect(state.losses.every(({ at }, i) => i === 0 || at > state.losses[i - 1]!.at)).toBe(true);
});

describe("a lesson on the page", () => {
  const slide = (id: string, answer: number | null = null) => ({
    ...{ id, title: "t", caption: "" },
    question: { text: "?", options: ["a", "b"], answer },
  });
  const guessed = { ...reduce(after(joined, ready), { kind: "lesson", slide: slide("q1") }), guess: 1 };

  it("keeps what was chosen while its question stands, also when the right answer is told", () => {
    const told = reduce(guessed, { kind: "lesson", slide: slide("q1", 0) });
    expect([told.guess, told.lesson?.question?.answer]).toEqual([1, 0]);
    expect(reduce(guessed, { kind: "lesson", slide: slide("q2") }).guess).toBeNull();
    expect(reduce(guessed, { kind: "lesson", slide: null })).toMatchObject({ lesson: null, guess: null });
  });

  it("outlives a new run, which the teacher sets up in the middle of it", () => {
    const changed = reduce(guessed, { kind: "run-changed", run: { ...run, runId: "r2" } });
    expect(changed).toMatchObject({ guess: 1, lesson: { id: "q1" } });
  });
});

it("says that nobody answers only while it tries to join, and not of a door that wants a code", () => {
  const gone: FromWorker = { kind: "connection", online: false };
  const joining: ParticipantState = { ...INITIAL_STATE, phase: "joining" };
  expect(reduce(joining, gone).online).toBe(false);
  const refused = { kind: "refused", reason: "wrong-code", message: "" } as const;
  for (const order of [
    [{ kind: "join-refused", refused }, gone],
    [gone, { kind: "join-refused", refused }],
  ] as const) {
    const state = order.reduce<ParticipantState>(reduce, joining);
    expect(state).toMatchObject({ phase: "welcome", online: true, codeWanted: "needed" });
  }
});

it("knows with how many it shares its texts from the coordinator, in the lobby and in rounds", () => {
  const lobby = after(joined, ready, { kind: "sharing", sharedWith: 2 });
  expect(lobby.sharedWith).toBe(2);
  expect(reduce(lobby, { kind: "dealt" }).sharedWith, "of other texts it has not heard").toBe(0);
  const round: FromWorker = {
    kind: "round-started",
    start: { ...start(1), sharedWith: 1 },
    mask: [],
    keptValues: 4,
  };
  expect(reduce(lobby, round).sharedWith).toBe(1);
  expect(reduce(lobby, started(1)).sharedWith).toBe(0);
});
