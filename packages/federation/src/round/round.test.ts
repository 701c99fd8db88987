import { describe, expect, it } from "vitest";
import { expectedBytes } from "./refusal.ts";
import {
  adapter,
  after,
  arrived,
  begun,
  closed,
  closing,
  command,
  config,
  deadline,
  EVALUATED,
  evaluated,
  gone,
  joined,
  only,
  planned,
  planning,
  RECORDED,
  ready,
  second,
  training,
  two,
} from "./round.fixture.ts";
import type { RunEvent } from "./run-event.ts";
import { createRun, pauseReason, type RunState, roundsLeft } from "./run-state.ts";

describe("transition, one case a row", () => {
  const cases: readonly [string, readonly RunEvent[], RunState["kind"], readonly string[]][] = [
    ["nobody has asked to start", two, "lobby", []],
    [
      "start with too few waits in the lobby",
      [joined("p1"), ready("p1"), command({ kind: "start" })],
      "lobby",
      [],
    ],
    ["the last ready one starts a waiting run", [command({ kind: "start" }), ...two], "planning", ["plan"]],
    ["start plans", planning, "planning", ["plan"]],
    ["a plan starts the round", training, "training", ["arm-deadline", "start-round", "start-round"]],
    [
      "someone who left during planning is not started",
      [joined("p3"), ready("p3"), ...planning, gone("p2"), planned(["p1", "p2", "p3"])],
      "training",
      ["arm-deadline", "start-round", "start-round"],
    ],
    [
      "too few are left when the plan is there",
      [...planning, { kind: "disconnected", participantId: "p2", atMs: 0 }, planned(["p1", "p2"])],
      "lobby",
      [],
    ],
    [
      "everyone left during planning",
      [...planning, gone("p1"), gone("p2"), planned(["p1", "p2"])],
      "lobby",
      [],
    ],
    ["a plan that admits nobody pauses", [...planning, planned([])], "paused", []],
    ["pause during planning", [...planning, command({ kind: "pause" }), planned(["p1", "p2"])], "paused", []],
    ["an upload may begin", [...training, begun("p1")], "training", []],
    ["a first update is folded", [...training, begun("p1"), arrived("p1")], "training", ["fold-update"]],
    ["the last update closes", closing, "closing", ["fold-update", "cancel-deadline", "close-round"]],
    ["the deadline closes", [...training, deadline()], "closing", ["cancel-deadline", "close-round"]],
    ["another round's deadline is nothing", [...training, deadline(2)], "training", []],
    [
      "a member leaving closes when the others are done",
      [...training, begun("p1"), arrived("p1"), gone("p2")],
      "closing",
      ["cancel-deadline", "close-round"],
    ],
    [
      "everyone leaving closes",
      [...training, gone("p1"), gone("p2")],
      "closing",
      ["cancel-deadline", "close-round"],
    ],
    [
      "a lost connection has its grace",
      [...training, { kind: "disconnected", participantId: "p1", atMs: 1 }],
      "training",
      ["arm-grace"],
    ],
    [
      "a reconnect keeps the work",
      [...training, { kind: "disconnected", participantId: "p1", atMs: 1 }, joined("p1", 1), begun("p1")],
      "training",
      [],
    ],
    ["a reload gives the work up", [...training, joined("p1"), begun("p1")], "training", ["refuse"]],
    ["a later joiner waits", [...training, joined("p3"), ready("p3")], "training", []],
    [
      "the next round takes the later joiner in",
      [...training, joined("p3"), ready("p3"), deadline(), closed()],
      "planning",
      [...RECORDED, "plan"],
    ],
    [
      "closed with rounds left plans, evaluated or not",
      [...closing, closed()],
      "planning",
      [...RECORDED, "plan"],
    ],
    ["another round's close is nothing", [...closing, closed(2)], "closing", []],
    ["closed with nobody there waits", [...closing, gone("p1"), gone("p2"), closed()], "lobby", RECORDED],
    [
      "they return and the run goes on",
      [...closing, gone("p1"), gone("p2"), closed(), ...two],
      "planning",
      ["plan"],
    ],
    [
      "an evaluation beside the next round amends the record",
      [...second, evaluated()],
      "training",
      EVALUATED,
    ],
    ["an evaluation out of turn is nothing", [...second, evaluated(2)], "training", []],
    [
      "a third round waits for the first one's evaluation",
      [...second, deadline(2), closed(2)],
      "evaluating",
      RECORDED,
    ],
    [
      "and goes on with it",
      [...second, deadline(2), closed(2), evaluated()],
      "planning",
      [...EVALUATED, "plan"],
    ],
    [
      "and without it, if nobody will know it",
      [...second, deadline(2), closed(2), { ...evaluated(), evaluation: null }],
      "planning",
      [...EVALUATED, "plan"],
    ],
    [
      "the last round waits for its evaluation, devices do not",
      [...only, closed()],
      "evaluating",
      [...RECORDED, "announce-end"],
    ],
    ["with it the run ends", [...only, closed(), evaluated()], "ended", [...EVALUATED, "end-run"]],
    [
      "what devices know to be over stays over",
      [...only, closed(), command({ kind: "change", change: { rounds: 9 } })],
      "evaluating",
      ["refuse"],
    ],
    ["and is not paused", [...only, closed(), command({ kind: "pause" })], "evaluating", ["refuse"]],
    [
      "stop then waits for no evaluation",
      [...only, closed(), command({ kind: "stop" })],
      "ended",
      ["end-run"],
    ],
    [
      "nor is a run that has ended made longer",
      [...only, closed(), evaluated(), command({ kind: "change", change: { rounds: 9 } })],
      "ended",
      ["refuse"],
    ],
    ["pause waits for the round", [...training, command({ kind: "pause" })], "training", []],
    ["paused after the round", [...closing, command({ kind: "pause" }), closed()], "paused", RECORDED],
    [
      "a paused run takes evaluations",
      [...closing, command({ kind: "pause" }), closed(), evaluated()],
      "paused",
      EVALUATED,
    ],
    [
      "resume goes on",
      [...closing, command({ kind: "pause" }), closed(), command({ kind: "resume" })],
      "planning",
      ["plan"],
    ],
    [
      "pause where the run waits for an evaluation",
      [...second, deadline(2), closed(2), command({ kind: "pause" })],
      "paused",
      [],
    ],
    [
      "stop closes the open round",
      [...training, command({ kind: "stop" })],
      "closing",
      ["cancel-deadline", "close-round"],
    ],
    [
      "then waits for its evaluation",
      [...training, command({ kind: "stop" }), closed()],
      "evaluating",
      [...RECORDED, "announce-end"],
    ],
    [
      "then ends",
      [...training, command({ kind: "stop" }), closed(), evaluated()],
      "ended",
      [...EVALUATED, "end-run"],
    ],
    [
      "stop during planning waits for the evaluation under way",
      [...closing, closed(), command({ kind: "stop" })],
      "evaluating",
      ["announce-end"],
    ],
    [
      "a second stop does not wait",
      [...closing, closed(), command({ kind: "stop" }), command({ kind: "stop" })],
      "ended",
      ["end-run"],
    ],
    [
      "after which no evaluation is taken",
      [...closing, closed(), command({ kind: "stop" }), command({ kind: "stop" }), evaluated()],
      "ended",
      [],
    ],
    ["stop in the lobby ends", [command({ kind: "stop" })], "ended", ["announce-end", "end-run"]],
    [
      "kick dismisses and forfeits",
      [...training, command({ kind: "kick", participantId: "p1" })],
      "training",
      ["dismiss"],
    ],
  ];
  it.each(cases)("%s", (_, events, kind, effects) => {
    const result = after(events);
    expect(result.state.kind).toBe(kind);
    expect(result.effects.map((effect) => effect.kind)).toEqual(effects);
  });
});

it("tells devices that measure the last round of its end only once they have", () => {
  const measuring = { ...config, rounds: 1, evaluateOn: { kind: "devices", every: 1 } } as const;
  const before = after([...closing, closed()], createRun(measuring, adapter, { baseTestLoss: 5 }));
  expect(before.state).toMatchObject({ kind: "evaluating", isAnnounced: false });
  expect(before.effects.map(({ kind }) => kind)).toEqual(RECORDED);
  const measured = after([evaluated()], before.state);
  expect(measured.effects.map(({ kind }) => kind)).toEqual([...EVALUATED, "announce-end", "end-run"]);
  const seldom = { ...measuring, evaluateOn: { kind: "devices", every: 2 } } as const;
  const unmeasured = after([...closing, closed()], createRun(seldom, adapter, { baseTestLoss: 5 }));
  expect(unmeasured.effects.map(({ kind }) => kind)).toEqual([...RECORDED, "announce-end"]);
  expect(after([command({ kind: "stop" })], unmeasured.state).state).toMatchObject({ reason: "finished" });
});

it("pauses a run whose rounds everybody leaves, says why, and goes on when the host says so", () => {
  const round = (n: number): RunEvent[] => [planned(["p1", "p2"], n), gone("p1"), gone("p2"), closed(n)];
  const again = [ready("p1"), ready("p2")];
  const deserted = [
    ...planning,
    ...[1, 2].flatMap((n) => [...round(n), evaluated(n - 1), evaluated(n), ...again]),
  ];
  expect(after(deserted).state).toMatchObject({ kind: "planning", round: 3 });
  const { state } = after([...deserted, ...round(3), evaluated(3), ...again]);
  expect(state.kind).toBe("paused");
  expect(pauseReason(state)).toMatchObject({
    ...{ kind: "deserted", first: 1, last: 3 },
    sentence: expect.stringMatching(/^everybody left rounds 1 to 3/),
  });
  const resumed = after([command({ kind: "resume" })], state).state;
  expect(resumed).toMatchObject({ kind: "planning", round: 4 });
  expect(pauseReason(resumed)).toBeNull();
  // One round that somebody stays in, and the count begins anew.
  const stayed = [
    planned(["p1", "p2"], 3),
    begun("p1", 3),
    arrived("p1", 3),
    gone("p2"),
    closed(3),
    evaluated(3),
  ];
  expect(after([...deserted, ...stayed]).state).toMatchObject({ kind: "lobby", desertedCount: 0 });
});

describe("a probe", () => {
  const three = [...two, joined("p3"), ready("p3"), command({ kind: "start" })];
  const probing = [...three, planned(["p1", "p2", "p3"], 1, ["p3"])];
  const others = [begun("p1"), arrived("p1", 1, 2000), begun("p2"), arrived("p2", 1, 5000)];

  it("gets as long again as the others took, and no longer than the deadline", () => {
    const { state, effects } = after([...probing, ...others]);
    expect(state).toMatchObject({ kind: "training", quorumCount: 2, probingCount: 1 });
    expect(effects).toContainEqual({ kind: "hasten-deadline", round: 1, atMs: 10_000 });
    const slow = after([
      ...probing,
      begun("p1"),
      arrived("p1", 1, 2000),
      begun("p2"),
      arrived("p2", 1, 20_000),
    ]);
    expect(slow.state).toMatchObject({ kind: "training", endsAtMs: 30_000 });
    expect(after([deadline(), closed()], state).state.records[0]?.participants[2]).toMatchObject({
      outcome: "missed-deadline",
    });
  });

  it("closes the round with its update, its leave, or something unusable", () => {
    for (const last of [[begun("p3"), arrived("p3", 1, 6000)], [gone("p3")], [begun("p3", 1, 17)]]) {
      const { state, effects } = after([...probing, ...others, ...last]);
      expect(state.kind).toBe("closing");
      expect(effects).toContainEqual({ kind: "cancel-deadline", round: 1 });
    }
  });

  it("that is faster than the others counts, and shuts nobody out", () => {
    const early = after([...probing, begun("p3"), arrived("p3", 1, 1000), ...others.slice(0, 2)]);
    expect(early.effects).toContainEqual({ kind: "hasten-deadline", round: 1, atMs: 3000 });
    const { state } = after([begun("p2"), arrived("p2", 1, 2500)], early.state);
    expect(state).toMatchObject({ kind: "closing", aggregatedCount: 3 });
  });
});

it("gives both arms of a comparison as many rounds as were asked for, whoever walked out of which", () => {
  const compareWith = { method: "fedlora", dropoutRate: 0 } as const;
  const started = after(planning, createRun({ ...config, compareWith }, adapter, { baseTestLoss: 5 }));
  const deserted = [2, 3, 5];
  let state: RunState = started.state;
  const evaluations: unknown[] = [];
  expect(started.effects).toContainEqual(
    expect.objectContaining({ kind: "plan", request: expect.objectContaining({ roundsLeft: 4 }) }),
  );
  const left: number[] = [];
  for (let round = 1; state.kind === "planning"; round++) {
    const { terms } = state;
    left.push(roundsLeft(state));
    const stays = deserted.includes(round)
      ? [gone("p1"), gone("p2")]
      : ["p1", "p2"].flatMap((id) => [begun(id, round, expectedBytes(state, 0.3)), arrived(id, round)]);
    const events = [planned(["p1", "p2"], round), ...stays, closed(round)];
    const again = deserted.includes(round) ? [ready("p1"), ready("p2")] : [];
    const { effects, state: next } = after([...events, ...again, evaluated(round)], state);
    state = next;
    expect(state.records.at(-1)).toMatchObject({ round, method: terms.method });
    evaluations.push(...effects.filter(({ kind }) => kind === "announce-evaluation"));
  }
  expect(state.kind).toBe("ended");
  expect(state.records.map(({ method, turn, basedOnRound }) => [method, turn?.number, basedOnRound])).toEqual(
    [
      ["fixed", 1, 0],
      ["fedlora", 1, 0],
      ["fedlora", 1, 2],
      ["fedlora", 1, 3],
      ["fixed", 2, 1],
      ["fixed", 2, 5],
      ["fedlora", 2, 4],
    ],
  );
  expect(evaluations, "devices hear whose the evaluated adapter is").toMatchObject(
    state.records.map(({ round, turn }) => ({ round, turn })),
  );
  expect(left, "plans know how many are still to come, whoever walked out").toEqual([4, 3, 3, 3, 2, 2, 1]);
});

it("does not count a round that everyone walked out of", () => {
  const one = createRun({ ...config, rounds: 1 }, adapter, { baseTestLoss: 5 });
  const walkedOut = [...training, gone("p1"), gone("p2"), closed()];
  expect(after(walkedOut, one).state).toMatchObject({ kind: "lobby", records: [{ round: 1 }] });
  expect(after([...walkedOut, ...two], one).state).toMatchObject({ kind: "planning", round: 2 });
  expect(after([...training, deadline(), closed(), evaluated()], one).state.kind).toBe("ended");
});
