import { DEFAULT_RUN_CONFIG, type RoundRecord } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { announcer } from "./announcements.ts";
import type { ReceivedView } from "./connection.ts";
import "../../words/english.fixture.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const record = (round: number, contributors = 2): RoundRecord =>
  ({
    ...{ round, testLoss: 4 - round / 10, evaluation: null },
    participants: Array.from({ length: contributors }, () => ({ outcome: "aggregated" })),
  }) as never;
const participants = (count: number): ReceivedView["participants"] =>
  Array.from({ length: count }, () => ({ state: "ready" })) as never;

/** What is heard of views that come one after the other. */
function listener() {
  const heard: string[] = [];
  const tell = announcer(
    (words) => heard.push(words),
    () => Date.now(),
  );
  let view = {
    ...{ phase: "lobby", pausing: false, rounds: [], past: [], participants: [], baseTestLoss: 4 },
    ...{ config: DEFAULT_RUN_CONFIG, taskKind: "language-model" },
  } as unknown as ReceivedView;
  return {
    heard,
    see(changes: Partial<ReceivedView>): void {
      view = { ...view, ...changes };
      tell(view);
    },
  };
}

it("says each moment of a run at once, and of its rounds no more than somebody can listen to", () => {
  const { heard, see } = listener();
  see({});
  see({ phase: "planning" });
  // Twelve seconds of rounds that take one each.
  for (let round = 1; round <= 12; round++)
    for (const phase of ["training", "closing", "evaluating", "planning"] as const) {
      vi.advanceTimersByTime(250);
      see({ phase, ...(phase === "planning" && { rounds: [...Array(round)].map((_, k) => record(k + 1)) }) });
    }
  expect(heard).toEqual(["Lobby: devices may join. 0 joined, 0 ready", "The run has begun."]);
  // What there was no time for is told when there is, as it is by then.
  vi.advanceTimersByTime(8_000);
  const atTwelve = "Better than the base model by 1.200 on texts that nobody trained on.";
  expect(heard.slice(2)).toEqual([`After round 12. ${atTwelve}`]);
  see({ pausing: true });
  see({ pausing: false, phase: "paused" });
  see({ phase: "ended" });
  expect(heard.slice(3)).toEqual(["Pausing after this round", "Paused", `The run is over. ${atTwelve}`]);
  vi.advanceTimersByTime(60_000);
  expect(heard).toHaveLength(6);
});

it("counts who has come to the lobby now and then, and is silent while nobody does", () => {
  const { heard, see } = listener();
  for (let count = 0; count <= 64; count++) {
    see({ participants: participants(count) });
    vi.advanceTimersByTime(100);
  }
  vi.advanceTimersByTime(60_000);
  see({ participants: participants(64) });
  vi.advanceTimersByTime(60_000);
  expect(heard.map((words) => words.replace(/^.*\. /, ""))).toEqual([
    "0 joined, 0 ready",
    "64 joined, 64 ready",
  ]);
});

it("tells of a round that gives a device's update away", () => {
  const { heard, see } = listener();
  see({ phase: "training" });
  see({ rounds: [record(1, 1)] });
  vi.advanceTimersByTime(20_000);
  expect(heard.at(-1)).toMatch(/^After round 1\. .* Round 1 gives away what its only contributor sent\.$/);
});

it("names the round that both arms of a comparison have had", () => {
  const { heard, see } = listener();
  const compareWith = { method: "fedlora", dropoutRate: 0 } as const;
  see({ phase: "training", config: { ...DEFAULT_RUN_CONFIG, compareWith } });
  const byTurns = [1, 2, 3].map((round) => ({
    ...record(round),
    turn: { arm: round === 2 ? (1 as const) : (0 as const), number: Math.ceil(round / 2) },
  }));
  see({ rounds: byTurns });
  vi.advanceTimersByTime(20_000);
  expect(heard.at(-1)).toMatch(/^After round 1\. .*: 3\.900; without dropout: 3\.800/);
});
