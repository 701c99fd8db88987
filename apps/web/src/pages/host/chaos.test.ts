import type { HostView, ParticipantView } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type RoundRecord, type Turn } from "@fedlodrop/run";
import { expect, it } from "vitest";
import "../../words/english.fixture.ts";
import { comingBack, type Inflicted, nameOf, observed, roundThatWaits, whatCameOfIt } from "./chaos.ts";

const record = (round: number, outcomes: Readonly<Record<string, string>>, turn?: Turn) =>
  ({
    ...{ round, turn, testLoss: null },
    participants: Object.entries(outcomes).map(([id, outcome]) => ({ id, outcome })),
  }) as unknown as RoundRecord;
const viewOf = (...rounds: RoundRecord[]) =>
  ({ config: DEFAULT_RUN_CONFIG, runId: "one", rounds }) as unknown as HostView;
const device = (id: string, state: ParticipantView["state"], nickname = id) =>
  ({ id, nickname, state }) as ParticipantView;
const frozen: Inflicted = {
  ...{ id: "p2", name: "Ben", fault: "freeze", atMs: 0, runId: "one" },
  ...{ roundsBefore: 1, roundsUntil: null, wasAway: false },
};
const before = record(1, { p1: "aggregated", p2: "aggregated" });
const uploaded = record(2, { p1: "aggregated", p2: "aggregated" });
const missed = record(3, { p1: "aggregated", p2: "missed-deadline" });
const without = record(4, { p1: "aggregated" });
const again = record(5, { p1: "aggregated", p2: "aggregated" });

it("tells the rounds since a fault as they close: the last one, and the last one that was missed", () => {
  const told = (...since: RoundRecord[]) => whatCameOfIt(frozen, viewOf(before, ...since));
  expect(told()).toEqual(["Its round has not closed yet."]);
  expect(told(uploaded)).toEqual(["Round 2: closed with it, 2 of 2 averaged in."]);
  const ofThird = "Round 3: closed without it, with 1 of 2; this device: missed the deadline.";
  expect(told(uploaded, missed)).toEqual([ofThird]);
  const ofFourth = "Round 4: closed without it, with 1 of 1; it was not in it.";
  expect(told(uploaded, missed, without)).toEqual([ofFourth]);
  expect(told(uploaded, missed, without, again)).toEqual([
    ofFourth,
    "Round 5: closed with it, 2 of 2 averaged in.",
  ]);
});

it("tells no more than the round that was open when it was undone, and nothing of another run's rounds then", () => {
  const undone = { ...frozen, roundsUntil: 2 };
  expect(whatCameOfIt(undone, viewOf(before, uploaded))).toHaveLength(1);
  expect(whatCameOfIt(undone, viewOf(before, uploaded, missed, without, again))).toEqual([
    "Round 3: closed without it, with 1 of 2; this device: missed the deadline.",
  ]);
  const other = { ...viewOf(missed), runId: "two" };
  expect(whatCameOfIt(undone, other)).toEqual([]);
  expect(whatCameOfIt(frozen, other)).toHaveLength(1);
});

it("numbers the rounds of two arms as the rest of the screen does", () => {
  const config = { ...DEFAULT_RUN_CONFIG, compareWith: { method: "fedlora", dropoutRate: 0 } } as const;
  const closed = [
    record(1, { p1: "aggregated", p2: "aggregated" }, { arm: 0, number: 1 }),
    record(2, { p1: "aggregated", p2: "missed-deadline" }, { arm: 1, number: 1 }),
  ];
  expect(whatCameOfIt(frozen, { ...viewOf(...closed), config })).toEqual([
    "Round 1, without dropout: closed without it, with 1 of 2; this device: missed the deadline.",
  ]);
  const open = { ...viewOf(...closed), config, phase: "training", round: 3 } as const;
  const participants = [device("p1", "waiting"), device("p2", "training")];
  expect(roundThatWaits(frozen, { ...open, participants })).toMatch(/^2, with .* dropped$/);
});

it("knows when the open round waits for nobody but the device", () => {
  const open = { ...viewOf(before, uploaded), phase: "training", round: 3 } as const;
  const waits = (first: ParticipantView["state"], second: ParticipantView["state"], inflicted = frozen) =>
    roundThatWaits(inflicted, { ...open, participants: [device("p1", first), device("p2", second)] });
  expect(waits("waiting", "training")).toBe("3");
  expect(waits("training", "training")).toBeNull();
  expect(waits("training", "waiting")).toBeNull();
  expect(waits("waiting", "training", { ...frozen, roundsUntil: 2 })).toBeNull();
  // A link that was lost in this round, and one that had been lost in the last.
  expect(waits("waiting", "away")).toBe("3");
  const later = { ...open, rounds: [before, without], participants: [device("p2", "away")] };
  expect(roundThatWaits(frozen, later)).toBeNull();
});

it("counts down to the return of a link that was cut, and sees it", () => {
  const cut = { ...frozen, fault: "cut" } as const;
  const at = (seconds: number, state: ParticipantView["state"], inflicted: Inflicted = cut) =>
    comingBack(inflicted, [device("p2", state)], 1000 * seconds);
  expect(at(0, "training")).toBe("It comes back by itself in 20 seconds.");
  expect(at(19, "away")).toBe("It comes back by itself in 1 second.");
  expect(at(21, "away")).toBe("It is on its way back.");
  expect(at(21, "loading")).toBe("It is on its way back.");
  expect(at(25, "ready")).toBe("It is back.");
  const seen = observed(cut, [device("p2", "away")]);
  expect(at(5, "ready", seen), "brought back by hand").toBe("It is back.");
  expect(observed(cut, [device("p2", "ready")])).toBe(cut);
  expect(at(5, "training", frozen)).toBeNull();
});

it("tells devices of the same name apart by their ids", () => {
  const all = [device("p1", "ready", "Ann"), device("p2", "ready", "Ann"), device("p3", "ready", "Ben")];
  expect(all.map((each) => nameOf(each, all))).toEqual(["Ann (p1)", "Ann (p2)", "Ben"]);
});
