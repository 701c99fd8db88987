import { type DeviceFacts, MAX_SAMPLE_COUNT, type UpdateStatistics } from "@fedlodrop/protocol";
import { createRandom, DEFAULT_RUN_CONFIG, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { expectedBytes } from "./refusal.ts";
import { transition } from "./round.ts";
import type { Effect, RunCommand, RunEvent } from "./run-event.ts";
import { createRun, type RunState } from "./run-state.ts";

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
  roundTripSeconds: 0.01,
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
  ({ kind: "update-arrived", participantId, round, changes: new Float32Array(1), statistics, atMs }) as const;
const timed = (participantId: string, secondsUpload: number, energyJoules: number) =>
  ({ kind: "upload-timed", participantId, round: 1, secondsUpload, energyJoules, atMs: 0 }) as const;
const gone = (participantId: string) => ({ kind: "left", participantId, atMs: 0 }) as const;
const deadline = (round = 1) => ({ kind: "deadline-passed", round, atMs: 30_000 }) as const;
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
      curvature: null,
    },
    atMs: 40_000,
  }) as const;
const planned = (ids: readonly string[], round = 1) =>
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
      })),
      allocation: null,
    },
    atMs: 0,
  }) as const;

function after(events: readonly RunEvent[], from: RunState = createRun(config, adapter)) {
  let effects: readonly Effect[] = [];
  let state = from;
  for (const event of events) ({ state, effects } = transition(state, event));
  return { state, effects };
}
const two = [joined("p1"), joined("p2"), ready("p1"), ready("p2")];
const planning = [...two, command({ kind: "start" })];
const training = [...planning, planned(["p1", "p2"])];
const evaluating = [...training, begun("p1"), arrived("p1"), begun("p2"), arrived("p2")];

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
    [
      "the last update closes",
      evaluating,
      "evaluating",
      ["fold-update", "cancel-deadline", "close-round", "evaluate"],
    ],
    [
      "the deadline closes",
      [...training, deadline()],
      "evaluating",
      ["cancel-deadline", "close-round", "evaluate"],
    ],
    ["another round's deadline is nothing", [...training, deadline(2)], "training", []],
    [
      "a member leaving closes when the others are done",
      [...training, begun("p1"), arrived("p1"), gone("p2")],
      "evaluating",
      ["cancel-deadline", "close-round", "evaluate"],
    ],
    [
      "everyone leaving closes",
      [...training, gone("p1"), gone("p2")],
      "evaluating",
      ["cancel-deadline", "close-round", "evaluate"],
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
      [...training, joined("p3"), ready("p3"), deadline(), evaluated()],
      "planning",
      ["record-round", "announce-round", "announce-round", "plan"],
    ],
    [
      "evaluated with rounds left plans",
      [...evaluating, evaluated()],
      "planning",
      ["record-round", "announce-round", "announce-round", "plan"],
    ],
    [
      "evaluated with nobody there waits",
      [...evaluating, gone("p1"), gone("p2"), evaluated()],
      "lobby",
      ["record-round", "announce-round", "announce-round"],
    ],
    [
      "they return and the run goes on",
      [...evaluating, gone("p1"), gone("p2"), evaluated(), ...two],
      "planning",
      ["plan"],
    ],
    [
      "the last round ends the run",
      [...evaluating, command({ kind: "change", change: { rounds: 1 } }), evaluated()],
      "ended",
      ["record-round", "announce-round", "announce-round", "end-run"],
    ],
    ["pause waits for the round", [...training, command({ kind: "pause" })], "training", []],
    [
      "paused after the round",
      [...evaluating, command({ kind: "pause" }), evaluated()],
      "paused",
      ["record-round", "announce-round", "announce-round"],
    ],
    [
      "resume goes on",
      [...evaluating, command({ kind: "pause" }), evaluated(), command({ kind: "resume" })],
      "planning",
      ["plan"],
    ],
    [
      "stop closes the open round",
      [...training, command({ kind: "stop" })],
      "evaluating",
      ["cancel-deadline", "close-round", "evaluate"],
    ],
    [
      "then ends",
      [...training, command({ kind: "stop" }), evaluated()],
      "ended",
      ["record-round", "announce-round", "announce-round", "end-run"],
    ],
    ["stop waits for an evaluation under way", [...evaluating, command({ kind: "stop" })], "evaluating", []],
    [
      "a second stop does not wait",
      [...evaluating, command({ kind: "stop" }), command({ kind: "stop" })],
      "ended",
      ["record-round", "announce-round", "announce-round", "end-run"],
    ],
    ["stop in the lobby ends", [command({ kind: "stop" })], "ended", ["end-run"]],
    [
      "kick dismisses and forfeits",
      [...training, command({ kind: "kick", participantId: "p1" })],
      "training",
      ["dismiss"],
    ],
    ["upload-timed changes no state", [...evaluating, timed("p1", 9, 30)], "evaluating", []],
  ];
  it.each(cases)("%s", (_, events, kind, effects) => {
    const result = after(events);
    expect(result.state.kind).toBe(kind);
    expect(result.effects.map((effect) => effect.kind)).toEqual(effects);
  });
});

it("does not count a round that everyone walked out of", () => {
  const one = createRun({ ...config, rounds: 1 }, adapter);
  const walkedOut = [...training, gone("p1"), gone("p2"), evaluated()];
  expect(after(walkedOut, one).state).toMatchObject({ kind: "lobby", records: [{ round: 1 }] });
  expect(after([...walkedOut, ...two], one).state).toMatchObject({ kind: "planning", round: 2 });
  expect(after([...training, deadline(), evaluated()], one).state.kind).toBe("ended");
});

describe("refusals change nothing but the sender's own status", () => {
  const cases: readonly [string, readonly RunEvent[], RunEvent][] = [
    ["unknown-participant", training, begun("p9")],
    ["unknown-participant", [], ready("p9")],
    ["not-running", two, begun("p1")],
    ["not-running", training.slice(0, -1), begun("p1", 1)],
    ["stale-round", [...evaluating, evaluated(), planned(["p1", "p2"], 2)], begun("p1", 1)],
    ["stale-round", evaluating, begun("p1", 1)],
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
      [command({ kind: "change", change: {} }), ...Array.from({ length: 64 }, (_, i) => joined(`p${i}`))],
      joined("late"),
    ],
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
      { kind: "payload-sent", participantId: "p1", round: 1, bytes: 184, atMs: 0 },
      begun("p1", 1, undefined, 2000),
      { kind: "payload-received", participantId: "p1", round: 1, bytes: 100, atMs: 0 },
      { kind: "payload-received", participantId: "p1", round: 1, bytes: 84, atMs: 0 },
      arrived("p1", 1, 3500),
      begun("p2", 1, undefined, 4000),
      { ...arrived("p2", 1, 4250), statistics: { ...statistics, trainLoss: 4 } },
      timed("p2", 0.4, 7),
      gone("p3"),
      begun("p4", 1, 17),
      begun("p5"),
      deadline(),
      begun("p6"),
      { kind: "base-evaluated", testLoss: 5, atMs: 0 },
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
      bytesUp: 184,
      secondsUpload: 1.5,
    });
    // Its own word, after the upload, in place of what was timed here and foreseen there.
    expect(record.participants[1]).toMatchObject({ secondsUpload: 0.4, energyJoules: 7 });
    expect(record.participants[2]).toMatchObject({ bytesUp: 0, secondsUpload: null, trainLoss: null });
  });

  it("tells each member its contribution", () => {
    const { effects } = after([...training, begun("p1"), arrived("p1"), deadline(), evaluated()]);
    const messages = effects.flatMap((effect) => (effect.kind === "announce-round" ? [effect.message] : []));
    expect(messages).toMatchObject([
      { outcome: "aggregated", contribution: 1, aggregatedCount: 1, cohortSize: 2, testLoss: 3 },
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
    expect(after([...evaluating, change, evaluated(), planned(["p1"], 2)]).state).toMatchObject({
      deadlineSeconds: 5,
      method: "fedlora",
    });
  });

  it("closes at the quorum", () => {
    const half = createRun({ ...config, quorum: 0.5 }, adapter);
    expect(after([...training, begun("p1"), arrived("p1")], half).state.kind).toBe("evaluating");
  });
});

/** Draws an event that could come next, sensible or not. */
function randomEvent(state: RunState, random: ReturnType<typeof createRandom>, atMs: number): RunEvent {
  const participantId = `p${random.below(6)}`;
  const round = state.records.length + (random.below(5) === 0 ? 1 + random.below(2) : 1);
  const hostCommands: RunCommand[] = [
    { kind: "start" },
    { kind: "pause" },
    { kind: "resume" },
    { kind: "kick", participantId: "p5" },
    { kind: "lock", locked: random.below(4) === 0 },
    { kind: "change", change: { quorum: 0.3 + 0.7 * random.uniform() } },
    ...(random.below(20) === 0 ? [{ kind: "stop" } as const] : []),
  ];
  const events: RunEvent[] = [
    // Often, since who left before a round has to join anew.
    ...Array.from(
      { length: 3 },
      () => ({ ...joined(participantId, random.below(2) === 0 ? round : null), atMs }) as RunEvent,
    ),
    ready(participantId),
    ready(participantId),
    { kind: "disconnected", participantId, atMs },
    { kind: "grace-passed", participantId, atMs },
    { ...gone(participantId), atMs },
    { ...begun(participantId, round), atMs },
    { ...begun(participantId, round, random.below(400)), atMs },
    arrived(participantId, round, atMs),
    arrived(participantId, round, atMs),
    { kind: "update-unusable", participantId, round, reason: "non-finite", message: "NaN", atMs },
    ...(random.below(8) === 0 ? [{ ...deadline(round), atMs } as const] : []),
    { ...evaluated(round), atMs },
    planned(["p0", "p1", "p2", "p3", "p4", "p5"].slice(0, 1 + random.below(6)), round),
    command(hostCommands[random.below(hostCommands.length)]!, atMs),
  ];
  return events[random.below(events.length)]!;
}

it("holds its invariants over seeded random event sequences", () => {
  let roundsClosed = 0;
  for (let seed = 0; seed < 120; seed++) {
    const random = createRandom("events", seed);
    let state: RunState = createRun({ ...config, rounds: 6 }, adapter);
    let open: number | null = null;
    let cohort = new Set<string>();
    let folded = new Set<string>();
    for (let step = 0; step < 250; step++) {
      const event = randomEvent(state, random, step * 100);
      const before = seed < 3 ? structuredClone(state) : state;
      const result = transition(state, event);
      if (seed < 3) expect(state, "the state given is not changed").toEqual(before);
      for (const effect of result.effects) {
        if (effect.kind === "arm-deadline") {
          expect(open, "one open round at a time").toBeNull();
          open = effect.round;
          cohort = new Set();
          folded = new Set();
        } else if (effect.kind === "start-round") {
          expect(effect.round).toBe(open);
          cohort.add(effect.assignment.participantId);
        } else if (effect.kind === "fold-update") {
          expect(effect.round, "folded into the open round").toBe(open);
          expect(cohort).toContain(effect.assignment.participantId);
          expect(folded, "an update is counted once").not.toContain(effect.assignment.participantId);
          folded.add(effect.assignment.participantId);
        } else if (effect.kind === "close-round") {
          expect(effect.round, "closes the round that was open").toBe(open);
          open = null;
          roundsClosed += 1;
        } else if (effect.kind === "record-round") {
          const aggregated = effect.record.participants.filter(({ outcome }) => outcome === "aggregated");
          expect(new Set(aggregated.map(({ id }) => id))).toEqual(folded);
        }
      }
      state = result.state;
      expect(state.kind === "training").toBe(open !== null);
      expect(state.records.map(({ round }) => round)).toEqual(state.records.map((_, i) => i + 1));
    }
    // Whatever happened, the deadline and an evaluation close what is open.
    if (state.kind === "training") {
      const closed = transition(state, { ...deadline(state.round), atMs: 1e6 });
      expect(closed.state.kind).toBe("evaluating");
    }
  }
  expect(roundsClosed).toBeGreaterThan(100);
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
    { kind: "plan", participants: [{ device: { sampleCount: 10 } }, { device: { sampleCount: 12 } }] },
  ]);
  const folded = after(
    [planned(["p1", "p2"]), begun("p1"), arrived("p1"), begun("p2"), arrived("p2")],
    start.state,
  );
  expect(folded.effects[0]).toMatchObject({ kind: "fold-update", weight: 12 });
  const [record] = after([evaluated()], folded.state).state.records;
  expect(record?.participants.map(({ sampleCount }) => sampleCount)).toEqual([10, 12]);
});
