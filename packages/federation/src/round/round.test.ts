import { type DeviceFacts, MAX_SAMPLE_COUNT, type UpdateStatistics } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { expectedBytes } from "./refusal.ts";
import { transition } from "./round.ts";
import type { Effect, MemberTraffic, MemberUpdate, RunCommand, RunEvent } from "./run-event.ts";
import { createRun, pauseReason, type RunState } from "./run-state.ts";

const adapter = {
  rank: 2,
  alpha: 4,
  modules: [{ name: "m", inFeatures: 10, outFeatures: 20 }],
  dense: [],
};
const config: RunConfig = { ...DEFAULT_RUN_CONFIG, rounds: 2, minParticipants: 2, deadlineSeconds: 30 };
const device: DeviceFacts = {
  backend: "cpu",
  deviceDescription: "test",
  sampleCount: 10,
  firstStepSeconds: 0.1,
  stepSeconds: 0.1,
  roundTripSeconds: 0.01,
  energyProfile: { kind: "cpu", computeWatts: 15, radioWatts: 1, batteryWattHours: null, source: "modelled" },
};
const statistics: UpdateStatistics = {
  sampleCount: 10,
  trainLoss: 2,
  steps: 8,
  tokens: 100,
  secondsDownload: 1,
  secondsCompute: 2,
  secondsUpload: 1.5,
  roundTripSeconds: 0.01,
  downlinkBytesPerSecond: null,
  uplinkBytesPerSecond: 2e6,
  uploadLimitedBy: "link",
  energyJoules: 3,
  energySource: "modelled",
  gradientNorm95: 1,
  lossSpread: 1,
};

// Events at a glance; the clock is whatever the test says.
const joined = (participantId: string, resumesRound: number | null = null, atMs = 0): RunEvent => ({
  kind: "joined",
  participantId,
  nickname: participantId,
  resumesRound,
  atMs,
});
const ready = (participantId: string): RunEvent => ({ kind: "ready", participantId, device, atMs: 0 });
const command = (command: RunCommand, atMs = 0): RunEvent => ({ kind: "command", command, atMs });
const begun = (
  participantId: string,
  round = 1,
  bytes = expectedBytes(createRun(config, adapter), 0.3),
  atMs = 0,
) => ({ kind: "upload-begun", participantId, round, bytes, atMs }) as const;
const arrived = (participantId: string, round = 1, atMs = 0) =>
  ({ kind: "update-arrived", participantId, round, statistics, atMs }) as const;
const gone = (participantId: string) => ({ kind: "left", participantId, atMs: 0 }) as const;
const deadline = (round = 1) => ({ kind: "deadline-passed", round, atMs: 30_000 }) as const;
const closed = (round = 1, traffic: readonly MemberTraffic[] = [], updates: readonly MemberUpdate[] = []) =>
  ({ kind: "closed", round, traffic, updates, atMs: 31_000 }) as const;
const evaluated = (round = 1) =>
  ({
    kind: "evaluated",
    round,
    evaluation: {
      testLoss: 3,
      trainLoss: 2.5,
      testAccuracy: null,
      testF1: null,
      exampleLossSpread: null,
      contrast: null,
    },
    atMs: 40_000,
  }) as const;
const planned = (ids: readonly string[], round = 1, probes: readonly string[] = []) =>
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
        side: null,
        localSteps: null,
      })),
      allocation: null,
    },
    atMs: 0,
  }) as const;

/** The base model has been evaluated. */
const fresh = createRun(config, adapter, { baseTestLoss: 5 });
function after(events: readonly RunEvent[], from: RunState = fresh) {
  let effects: readonly Effect[] = [];
  let state = from;
  for (const event of events) ({ state, effects } = transition(state, event));
  return { state, effects };
}
const two = [joined("p1"), joined("p2"), ready("p1"), ready("p2")];
const planning = [...two, command({ kind: "start" })];
const training = [...planning, planned(["p1", "p2"])];
const closing = [...training, begun("p1"), arrived("p1"), begun("p2"), arrived("p2")];
/** In the second of three rounds, the first one not evaluated yet. */
const second = [
  ...training,
  command({ kind: "change", change: { rounds: 3 } }),
  deadline(),
  closed(),
  planned(["p1", "p2"], 2),
];
/** At the end of the only round. */
const only = [...training, command({ kind: "change", change: { rounds: 1 } }), deadline()];
/** What a record of two members does, and an evaluation. */
const RECORDED = ["record-round", "announce-round", "announce-round", "evaluate"];
const EVALUATED = ["amend-record", "announce-evaluation"];

it("goes back behind a round while none is open, and says in the next record on which round it is based", () => {
  const back = (round: number) => command({ kind: "rollback", round });
  expect(after([...second, back(1)]).effects.at(-1)).toMatchObject({ kind: "refuse", reason: "wrong-state" });
  const paused = after([...second, deadline(2), command({ kind: "pause" }), closed(2)]);
  expect(paused.state).toMatchObject({ kind: "paused", basedOnRound: 2 });
  expect(after([back(3)], paused.state).effects).toMatchObject([{ kind: "refuse" }]);
  const restored = after([back(2)], paused.state);
  expect(restored.effects).toEqual([{ kind: "restore", beforeRound: 2 }]);
  expect(restored.state.basedOnRound).toBe(1);
  // What was undone cannot be undone again, the round before it can.
  expect(after([back(2)], restored.state).effects).toMatchObject([{ kind: "refuse" }]);
  const onward = [
    command({ kind: "resume" }),
    evaluated(),
    evaluated(2),
    planned(["p1"], 3),
    deadline(3),
    closed(3),
  ];
  const { records, basedOnRound } = after(onward, restored.state).state;
  expect(records.map((record) => record.basedOnRound)).toEqual([0, 1, 1]);
  expect(basedOnRound).toBe(3);
});

it("discards a round with fewer contributors than the host wants, and begins none that it would", () => {
  const from = createRun({ ...config, minParticipants: 1, minContributors: 2 }, adapter, { baseTestLoss: 5 });
  expect(after([joined("p1"), ready("p1"), command({ kind: "start" })], from).state.kind).toBe("lobby");
  const one = after([...training, begun("p1"), arrived("p1"), gone("p2")], from);
  expect(one.effects).toContainEqual({ kind: "close-round", round: 1, discard: true });
  const { state, effects } = after([closed()], one.state);
  expect(state.records[0]?.participants.map(({ outcome }) => outcome)).toEqual(["discarded", "left"]);
  expect(state.records[0]?.trainLoss).toBeNull();
  expect(effects).toContainEqual(
    expect.objectContaining({
      kind: "announce-round",
      participantId: "p1",
      message: expect.objectContaining({ outcome: "discarded", aggregatedCount: 0, contribution: 0 }),
    }),
  );
  const both = after([...training, begun("p1"), arrived("p1"), begun("p2"), arrived("p2")], from);
  expect(both.effects).toContainEqual({ kind: "close-round", round: 1, discard: false });
});

it("lets a removed participant in again at the host's word", () => {
  const kicked = [...two, command({ kind: "kick", participantId: "p1" })];
  const { state } = after([...kicked, command({ kind: "readmit", participantId: "p1" }), joined("p1")]);
  expect(state.participants.get("p1")?.presence).toBe("loading");
});

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
      [...planning, gone("p2"), planned(["p1", "p2"])],
      "training",
      ["arm-deadline", "start-round"],
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
    ["the last round waits for its evaluation", [...only, closed()], "evaluating", RECORDED],
    ["with it the run ends", [...only, closed(), evaluated()], "ended", [...EVALUATED, "end-run"]],
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
      RECORDED,
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
      [],
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
    ["stop in the lobby ends", [command({ kind: "stop" })], "ended", ["end-run"]],
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
  expect(pauseReason(state)).toMatch(/^everybody left rounds 1 to 3/);
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

it("does not count a round that everyone walked out of", () => {
  const one = createRun({ ...config, rounds: 1 }, adapter, { baseTestLoss: 5 });
  const walkedOut = [...training, gone("p1"), gone("p2"), closed()];
  expect(after(walkedOut, one).state).toMatchObject({ kind: "lobby", records: [{ round: 1 }] });
  expect(after([...walkedOut, ...two], one).state).toMatchObject({ kind: "planning", round: 2 });
  expect(after([...training, deadline(), closed(), evaluated()], one).state.kind).toBe("ended");
});

describe("refusals change nothing but the sender's own status", () => {
  const cases: readonly [string, readonly RunEvent[], RunEvent][] = [
    ["unknown-participant", training, begun("p9")],
    ["unknown-participant", [], ready("p9")],
    ["not-running", two, begun("p1")],
    ["not-running", training.slice(0, -1), begun("p1", 1)],
    ["stale-round", [...closing, closed(), planned(["p1", "p2"], 2)], begun("p1", 1)],
    ["stale-round", closing, begun("p1", 1)],
    ["not-in-cohort", [...training, joined("p3"), ready("p3")], begun("p3")],
    ["duplicate", [...training, begun("p1"), arrived("p1")], begun("p1")],
    ["duplicate", [...training, begun("p1"), arrived("p1")], arrived("p1")],
    ["too-large", training, begun("p1", 1, 1e6)],
    ["wrong-length", training, begun("p1", 1, 17)],
    ["wrong-order", training, arrived("p1")],
    [
      "non-finite",
      training,
      {
        kind: "update-unusable",
        participantId: "p1",
        round: 1,
        reason: "non-finite",
        message: "NaN",
        atMs: 0,
      },
    ],
    ["run-locked", [command({ kind: "lock", locked: true })], joined("p1")],
    [
      "run-full",
      Array.from({ length: 64 }, (_, i) => [joined(`p${i}`), ready(`p${i}`)]).flat(),
      joined("late"),
    ],
    ["run-full", Array.from({ length: 96 }, (_, i) => joined(`p${i}`)), joined("late")],
    [
      "run-full",
      [joined("late"), ...Array.from({ length: 64 }, (_, i) => [joined(`p${i}`), ready(`p${i}`)]).flat()],
      ready("late"),
    ],
    ["unknown-participant", two, command({ kind: "readmit", participantId: "p1" })],
    ["kicked", [joined("p1"), command({ kind: "kick", participantId: "p1" })], joined("p1")],
    ["kicked", [...training, command({ kind: "kick", participantId: "p1" })], begun("p1")],
    ["wrong-state", training, command({ kind: "start" })],
    ["wrong-state", two, command({ kind: "pause" })],
    ["wrong-state", training, command({ kind: "resume" })],
    ["wrong-state", [command({ kind: "stop" })], command({ kind: "stop" })],
  ];
  it.each(cases)("%s", (reason, events, event) => {
    const before = after(events).state;
    const result = transition(before, event);
    expect(result.effects).toEqual([expect.objectContaining({ kind: "refuse", reason })]);
    expect(result.state.kind).toBe(before.kind);
    expect(result.state.records).toBe(before.records);
    if (before.kind === "training" && result.state.kind === "training")
      for (const [id, member] of before.members)
        if (!("participantId" in event) || id !== event.participantId)
          expect(result.state.members.get(id)).toBe(member);
  });

  it("lets a refused member try again while the round is open", () => {
    const { effects } = after([...training, begun("p1", 1, 17), begun("p1"), arrived("p1")]);
    expect(effects.map(({ kind }) => kind)).toEqual(["fold-update"]);
  });
});

describe("the record", () => {
  it("says what became of every member, with the weighted mean loss", () => {
    const heavy: RunEvent = {
      kind: "ready",
      participantId: "p2",
      device: { ...device, sampleCount: 30 },
      atMs: 0,
    };
    const cohort = ["p1", "p2", "p3", "p4", "p5", "p6"];
    const { state } = after([
      ...cohort.map((id) => joined(id)),
      ...cohort.map((id) => (id === "p2" ? heavy : ready(id))),
      command({ kind: "start" }),
      planned(cohort),
      begun("p1", 1, undefined, 2000),
      arrived("p1", 1, 3500),
      begun("p2", 1, undefined, 4000),
      { ...arrived("p2", 1, 4250), statistics: { ...statistics, trainLoss: 4 } },
      gone("p3"),
      begun("p4", 1, 17),
      begun("p5"),
      deadline(),
      begun("p6"),
      closed(1, [{ participantId: "p1", bytesDown: 184, bytesUp: 284 }]),
      evaluated(),
    ]);
    const record = state.records[0]!;
    expect(record.participants.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["p1", "aggregated"],
      ["p2", "aggregated"],
      ["p3", "left"],
      ["p4", "refused"],
      ["p5", "late"],
      ["p6", "late"],
    ]);
    expect(record.trainLoss).toBeCloseTo((10 * 2 + 30 * 4) / 40, 12);
    expect(record).toMatchObject({ round: 1, method: "fixed", seconds: 30, testLoss: 3 });
    // ⌈0.7·10⌉ = 7 columns and ⌈0.7·20⌉ = 14 rows of rank 2, in f32 after a 16-byte header.
    expect(record.participants[0]).toMatchObject({
      keptValues: 42,
      fullValues: 60,
      bytesDown: 184,
      bytesUp: 284,
      // Its own word, whatever the clock here says.
      secondsUpload: 1.5,
      uplinkBytesPerSecond: 2e6,
      uploadLimitedBy: "link",
    });
    expect(record.participants[2]).toMatchObject({ bytesUp: 0, secondsUpload: null, trainLoss: null });
  });

  it("tells each member its contribution", () => {
    const update = { rms: 0.1, product: 2, factor: 0.5, agreement: null, contribution: 0.75 };
    const folded = closed(1, [], [{ participantId: "p1", update }]);
    const { effects, state } = after([...training, begun("p1"), arrived("p1"), deadline(), folded]);
    expect([...state.records].map(({ participants }) => participants.map((own) => own.update))).toEqual([
      [update, null],
    ]);
    const messages = effects.flatMap((effect) => (effect.kind === "announce-round" ? [effect.message] : []));
    expect(messages).toMatchObject([
      { outcome: "aggregated", contribution: 0.75, aggregatedCount: 1, cohortSize: 2 },
      { outcome: "missed-deadline", contribution: 0 },
    ]);
  });

  it("keeps the terms a round was planned with; a change counts from the next", () => {
    const change = command({ kind: "change", change: { deadlineSeconds: 5, method: "fedlora" } });
    expect(after([...planning, change, planned(["p1"])]).state).toMatchObject({
      deadlineSeconds: 30,
      method: "fixed",
      config: { deadlineSeconds: 5 },
    });
    expect(after([...closing, change, closed(), planned(["p1"], 2)]).state).toMatchObject({
      deadlineSeconds: 5,
      method: "fedlora",
    });
  });

  it("closes at the quorum", () => {
    const half = createRun({ ...config, quorum: 0.5 }, adapter);
    expect(after([...training, begun("p1"), arrived("p1")], half).state.kind).toBe("closing");
  });
});

it("weighs a claimed sample count by what a device can have, in the plan, the aggregate and the record", () => {
  const boast: RunEvent = {
    kind: "ready",
    participantId: "p2",
    device: { ...device, sampleCount: MAX_SAMPLE_COUNT },
    atMs: 0,
  };
  const from = createRun({ ...config, rounds: 1 }, adapter, { largestSplit: 12 });
  const start = after([...two, boast, command({ kind: "start" })], from);
  expect(start.effects).toMatchObject([
    {
      kind: "plan",
      request: { participants: [{ device: { sampleCount: 10 } }, { device: { sampleCount: 12 } }] },
    },
  ]);
  const folded = after(
    [planned(["p1", "p2"]), begun("p1"), arrived("p1"), begun("p2"), arrived("p2")],
    start.state,
  );
  expect(folded.effects[0]).toMatchObject({ kind: "fold-update", weight: 12 });
  const [record] = after([closed()], folded.state).state.records;
  expect(record?.participants.map(({ sampleCount }) => sampleCount)).toEqual([10, 12]);
});

describe("what a plan may look at", () => {
  const records = (events: readonly RunEvent[]) => {
    const plan = after(events).effects.find((effect) => effect.kind === "plan");
    return plan?.request.records.map(({ round, testLoss, evaluation }) => [
      round,
      testLoss,
      evaluation !== null,
    ]);
  };
  const secondClosed = [...second, deadline(2), closed(2)];

  it("is every round, but evaluations only up to two rounds back", () => {
    expect(records([...secondClosed, evaluated()])).toEqual([
      [1, 3, true],
      [2, null, false],
    ]);
  });

  it("does not depend on evaluations being faster", () => {
    // Round 1 is evaluated before its plan for round 2 is asked for: paused meanwhile.
    const early = [
      ...closing,
      command({ kind: "pause" }),
      closed(),
      evaluated(),
      command({ kind: "resume" }),
    ];
    expect(records(early)).toEqual([[1, null, false]]);
    expect(records([...closing, closed()])).toEqual([[1, null, false]]);
  });
});

it("goes on where a stored run stopped: with its counts, and the last round still to evaluate", () => {
  const { records } = after([...closing, closed()]).state;
  const participants = ["p1", "p2", "p3"].map(
    (id) => ({ id, nickname: id, presence: "away", device: null }) as const,
  );
  const stored = createRun(config, adapter, { records, baseTestLoss: 5, participants });
  expect(stored).toMatchObject({ evaluatedRounds: 0, triedCount: 1, presentCount: 0, readyCount: 0 });
  // Who was in a round is not forgotten when it goes.
  expect(after([joined("p1"), gone("p1")], stored).effects).toEqual([]);
  expect(after([joined("p3"), gone("p3")], stored).effects.map(({ kind }) => kind)).toEqual(["forget"]);
  expect(after([evaluated()], stored).state).toMatchObject({
    evaluatedRounds: 1,
    records: [{ testLoss: 3 }],
  });
});

it("forgets who left first once many have come and gone, and nobody who is here", () => {
  const places = 20; // 80 are remembered
  let state: RunState = createRun({ ...config, rounds: 1e6, maxParticipants: places }, adapter, {
    baseTestLoss: 5,
  });
  const forgotten: string[] = [];
  const play = (...events: readonly RunEvent[]): void => {
    for (const event of events) {
      const step = transition(state, event);
      ({ state } = step);
      for (const effect of step.effects) if (effect.kind === "forget") forgotten.push(effect.participantId);
    }
  };
  play(joined("stays"), ready("stays"), joined("naps"), ready("naps"), command({ kind: "start" }));
  let most = 0;
  for (let round = 1; round <= 300; round++) {
    const visitor = `v${round}`;
    play(joined(visitor), ready(visitor));
    const cohort = ["stays", "naps", visitor];
    play(planned(cohort, round), gone(visitor), { kind: "disconnected", participantId: "naps", atMs: 0 });
    play(begun("stays", round), arrived("stays", round), joined("naps", round), ready("naps"));
    play(deadline(round), closed(round), evaluated(round));
    expect(state.records).toHaveLength(round);
    most = Math.max(most, state.participants.size);
  }
  expect(most).toBeLessThanOrEqual(2 + 80 + 1);
  // In the order of leaving, and each once.
  expect(forgotten).toEqual(Array.from({ length: forgotten.length }, (_, k) => `v${k + 1}`));
  expect(state.participants.size).toBe(302 - forgotten.length);
  expect(state).toMatchObject({ presentCount: 2, readyCount: 2 });
  // It was in a round, but it is a newcomer now.
  play(joined("v1"));
  expect(state.participants.get("v1")).toMatchObject({ known: false });
});
