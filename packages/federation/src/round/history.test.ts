import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
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
  device,
  evaluated,
  gone,
  joined,
  planned,
  planning,
  ready,
  second,
  statistics,
  training,
  two,
} from "./round.fixture.ts";
import type { RunEvent } from "./run-event.ts";
import { createRun } from "./run-state.ts";

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
  // What was taken back no plan looks back on.
  const resumed = after([command({ kind: "resume" }), evaluated()], restored.state);
  const asked = resumed.effects.flatMap((effect) => (effect.kind === "plan" ? [effect.request] : []));
  expect(asked.map(({ round, records }) => [round, records.map((record) => record.round)])).toEqual([
    [3, [1]],
  ]);
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
    expect(state.participants.get("p1")?.given).toMatchObject({
      roundsUsed: 1,
      contribution: 0.75,
      together: 1,
    });
    expect(state.participants.get("p2")?.given).toMatchObject({ roundsUsed: 0, contribution: 0, last: null });
    const messages = effects.flatMap((effect) => (effect.kind === "announce-round" ? [effect.message] : []));
    expect(messages).toMatchObject([
      {
        ...{ outcome: "aggregated", contribution: 0.75, aggregatedCount: 1, cohortSize: 2 },
        given: { roundsUsed: 1, contribution: 0.75, upToRound: 1 },
      },
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
