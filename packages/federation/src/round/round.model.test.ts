/**
 * The machine against a model that knows only what a run promises: whatever happens in whatever order, every round that
 * starts closes once, an accepted update is in the record and no other is, each member has one outcome, and nothing waits
 * for ever. fast-check draws the happenings and shrinks a failure to the few that matter.
 */
import { DEFAULT_RUN_CONFIG, type RoundEvaluation } from "@fedlodrop/run";
import fc from "fast-check";
import { expect, it } from "vitest";
import { device, statistics } from "../../../protocol/src/told-by-device.fixture.ts";
import { expectedBytes } from "./refusal.ts";
import { transition } from "./round.ts";
import type { RunCommand, RunEvent } from "./run-event.ts";
import { checkCounts, follow, nothingPromised } from "./run-promises.fixture.ts";
import { createRun, type RunState } from "./run-state.ts";

const adapter = { rank: 2, alpha: 4, modules: [{ name: "m", inFeatures: 10, outFeatures: 20 }], dense: [] };
const config = {
  ...DEFAULT_RUN_CONFIG,
  rounds: 5,
  minParticipants: 2,
  maxParticipants: 6,
  devices: 3,
  deadlineSeconds: 30,
};
const evaluation: RoundEvaluation = {
  testLoss: 3,
  trainLoss: 2.5,
  testAccuracy: null,
  testF1: null,
  exampleLossSpread: null,
};

// ---- what can happen; rounds are named from the open one, so that most of it fits

const participantId = fc.integer({ min: 0, max: 7 }).map((n) => `p${n}`);
const offset = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 2 }) },
);

type Happening = (state: RunState, atMs: number) => RunEvent | null;
const happening = (weight: number, arbitrary: fc.Arbitrary<Happening>) => ({ weight, arbitrary });
const roundOf = (state: RunState, by: number): number => Math.max(1, state.records.length + 1 + by);

const hostCommand: fc.Arbitrary<RunCommand> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<RunCommand>({ kind: "start" }, { kind: "resume" }) },
  { weight: 2, arbitrary: fc.constant<RunCommand>({ kind: "pause" }) },
  { weight: 1, arbitrary: fc.constant<RunCommand>({ kind: "stop" }) },
  { weight: 1, arbitrary: participantId.map((id): RunCommand => ({ kind: "kick", participantId: id })) },
  { weight: 1, arbitrary: fc.boolean().map((locked): RunCommand => ({ kind: "lock", locked })) },
  {
    weight: 2,
    arbitrary: fc
      .double({ min: 0.1, max: 1, noNaN: true })
      .map((quorum): RunCommand => ({ kind: "change", change: { quorum } })),
  },
);

const happenings = fc.array(
  fc.oneof(
    // Whoever plans, averages and evaluates does so sooner or later.
    happening(
      25,
      fc.constant((state, atMs) => (state.kind === "training" ? null : owed(state, atMs))),
    ),
    happening(
      6,
      fc.tuple(participantId, fc.option(offset, { nil: null })).map(
        ([id, by]): Happening =>
          (state, atMs) => ({
            kind: "joined",
            participantId: id,
            nickname: id,
            resumesRound: by === null ? null : roundOf(state, by),
            atMs,
          }),
      ),
    ),
    happening(
      8,
      participantId.map(
        (id): Happening =>
          (state, atMs) => {
            const part = state.participants.get(id)?.part;
            return { kind: "ready", participantId: id, device: { ...device, part }, atMs };
          },
      ),
    ),
    happening(
      4,
      fc.tuple(fc.constantFrom("disconnected", "grace-passed", "left"), participantId).map(
        ([kind, id]): Happening =>
          (_, atMs) =>
            ({ kind, participantId: id, atMs }) as RunEvent,
      ),
    ),
    happening(
      10,
      fc.tuple(participantId, offset, fc.option(fc.nat(400), { nil: null, freq: 6 })).map(
        ([id, by, bytes]): Happening =>
          (state, atMs) => ({
            kind: "upload-begun",
            participantId: id,
            round: roundOf(state, by),
            bytes: bytes ?? expectedBytes(state, config.dropoutRate),
            atMs,
          }),
      ),
    ),
    happening(
      10,
      fc.tuple(participantId, offset).map(
        ([id, by]): Happening =>
          (state, atMs) => ({
            kind: "update-arrived",
            participantId: id,
            round: roundOf(state, by),
            statistics,
            atMs,
          }),
      ),
    ),
    happening(
      2,
      fc.tuple(participantId, offset).map(
        ([id, by]): Happening =>
          (state, atMs) => ({
            kind: "update-unusable",
            participantId: id,
            round: roundOf(state, by),
            reason: "non-finite",
            message: "NaN",
            atMs,
          }),
      ),
    ),
    happening(
      1,
      offset.map(
        (by): Happening =>
          (state, atMs) => ({ kind: "deadline-passed", round: roundOf(state, by), atMs }),
      ),
    ),
    happening(
      5,
      fc.tuple(fc.subarray(["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"], { minLength: 0 }), offset).map(
        ([ids, by]): Happening =>
          (state, atMs) =>
            planned(ids, roundOf(state, by), atMs),
      ),
    ),
    happening(
      6,
      offset.map(
        (by): Happening =>
          (state, atMs) => ({ kind: "closed", round: roundOf(state, by), traffic: [], updates: [], atMs }),
      ),
    ),
    happening(
      6,
      fc.tuple(fc.integer({ min: 0, max: 6 }), fc.boolean()).map(
        ([round, known]): Happening =>
          (_, atMs) => ({ kind: "evaluated", round, evaluation: known ? evaluation : null, atMs }),
      ),
    ),
    happening(
      5,
      hostCommand.map(
        (command): Happening =>
          (_, atMs) => ({ kind: "command", command, atMs }),
      ),
    ),
  ),
  { minLength: 20, maxLength: 160, size: "max" },
);

/** A run under way, or one that nobody has joined. */
const beginnings = fc.boolean().map((underWay): readonly RunEvent[] => [
  { kind: "evaluated", round: 0, evaluation, atMs: 0 },
  ...(underWay
    ? [
        ...["p0", "p1", "p2"].flatMap((id): RunEvent[] => [
          { kind: "joined", participantId: id, nickname: id, resumesRound: null, atMs: 0 },
          { kind: "ready", participantId: id, device, atMs: 0 },
        ]),
        { kind: "command", command: { kind: "start" }, atMs: 0 } as const,
      ]
    : []),
]);

const planned = (ids: readonly string[], round: number, atMs: number): RunEvent => ({
  kind: "planned",
  round,
  plan: {
    assignments: ids.map((id) => ({
      participantId: id,
      dropoutRate: config.dropoutRate,
      uploadBytesPerSecond: null,
      uploadWatts: null,
      downloadBytesPerSecond: null,
      rateSource: "measured",
      probe: false,
      patienceSeconds: 0,
      localSteps: null,
    })),
    allocation: null,
  },
  atMs,
});

/** Plain data: what a reader of this state sees now. */
const seen = (state: RunState): string =>
  JSON.stringify(state, (_, value: unknown) =>
    value instanceof Object && Symbol.iterator in value && !Array.isArray(value) && "keys" in value
      ? [...(value as ReadonlyMap<string, unknown>)]
      : value,
  );

/** The event that whoever carries out effects owes the machine in this state; null where it waits for people. */
function owed(state: RunState, atMs: number): RunEvent | null {
  const round = state.records.length + 1;
  switch (state.kind) {
    case "planning":
      return planned([...state.participants.keys()], round, atMs);
    case "training":
      return { kind: "deadline-passed", round, atMs };
    case "closing":
      return { kind: "closed", round, traffic: [], updates: [], atMs };
    case "evaluating":
      return { kind: "evaluated", round: state.evaluatedRounds + 1, evaluation: null, atMs };
    case "lobby":
    case "paused":
    case "ended":
      return null;
    default:
      return state satisfies never;
  }
}

it("keeps its promises whatever happens", { timeout: 240_000 }, () => {
  let recorded = 0;
  let ended = 0;
  fc.assert(
    fc.property(beginnings, happenings, (beginning, steps) => {
      let state = createRun(config, adapter) as RunState;
      const model = nothingPromised();
      const events: RunEvent[] = [];
      const earlier: { readonly state: RunState; readonly asSeen: string }[] = [];
      const step = (event: RunEvent): void => {
        const before = state;
        const result = transition(before, event);
        if (events.length % 30 === 0) earlier.push({ state: before, asSeen: seen(before) });
        events.push(event);
        state = result.state;
        follow(model, event, result.effects, before);
        checkCounts(state);
        expect(state.kind === "training").toBe(model.open !== null);
        expect(state.kind === "closing").toBe(model.closing !== null);
        expect(state.records.map(({ round }) => round)).toEqual(state.records.map((_, i) => i + 1));
        expect(model.asked, "every round is evaluated once").toEqual(state.records.map(({ round }) => round));
      };
      beginning.forEach(step);
      steps.forEach((happen, i) => {
        const event = happen(state, 100 * i);
        if (event !== null) step(event);
      });
      recorded += state.records.length;
      if (state.kind === "ended") ended += 1;
      // What the events were is all that a run is: told again from plain data it is the same.
      const again = events.reduce<RunState>(
        (told, event) => transition(told, JSON.parse(JSON.stringify(event)) as RunEvent).state,
        createRun(config, adapter),
      );
      expect(seen(again)).toBe(seen(state));
      for (const { state: old, asSeen } of earlier) expect(seen(old), "no state is changed").toBe(asSeen);
      // Nothing is stuck: if nobody moves but those who owe an event, the run comes to rest.
      for (let left = 60; ; left--) {
        const event = owed(state, 1e6);
        if (event === null) break;
        expect(left, `the run is stuck in ${state.kind}`).toBeGreaterThan(0);
        step(event);
      }
    }),
    { numRuns: 200 },
  );
  expect(recorded, "the happenings drawn do close rounds").toBeGreaterThan(100);
  expect(ended).toBeGreaterThan(0);
});
