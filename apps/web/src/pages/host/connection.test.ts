import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { beforeEach, expect, it, vi } from "vitest";
import { connectHost } from "./connection.ts";

/** What the coordinator says, by event. */
const listeners = vi.hoisted(() => new Map<string, (sent: unknown) => void>());
vi.mock("socket.io-client", () => ({
  io: () => ({ on: (event: string, listener: (sent: unknown) => void) => listeners.set(event, listener) }),
}));
const says = (event: string, sent: unknown): void => listeners.get(event)?.(sent);

beforeEach(() => {
  vi.stubGlobal("location", { href: "http://localhost/host" });
  listeners.clear();
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const viewOf = (runId: string) => ({
  ...{ runId, config: DEFAULT_RUN_CONFIG, baseTestLoss: 4, participants: [], phase: "training" },
});
const roundsOf = (runId: string, from: number, ...losses: number[]) => ({
  ...{ runId, from, records: losses.map((testLoss, k) => ({ round: from + k + 1, testLoss })) },
});

it("leaves all that was known of a run as its ghost, also what there was no time to draw", () => {
  const { view } = connectHost("key");
  says("rounds", roundsOf("a", 0, 3.9));
  says("view", viewOf("a"));
  // Not urgent, so it waits for the next drawing; the new run comes first, its rounds ahead of its view.
  says("rounds", roundsOf("a", 1, 3.8));
  says("changes", { run: { round: 2 }, participants: [], gone: [] });
  expect(view.value?.rounds).toHaveLength(1);
  says("rounds", roundsOf("b", 0));
  says("view", viewOf("b"));
  expect(view.value?.runId).toBe("b");
  expect(view.value?.rounds).toEqual([]);
  expect(view.value?.earlier).toMatchObject([{ runId: "a", losses: [4, 3.9, 3.8] }]);
  vi.advanceTimersByTime(5_000);
  expect(view.value?.earlier).toHaveLength(1);
});

it("keeps a new run's rounds for its view where the old one is drawn in between", () => {
  const { view } = connectHost("key");
  says("rounds", roundsOf("a", 0, 3.9));
  says("view", viewOf("a"));
  says("changes", { run: { round: 2 }, participants: [], gone: [] });
  says("rounds", roundsOf("b", 0, 3.7));
  vi.advanceTimersByTime(5_000);
  expect(view.value).toMatchObject({ runId: "a", round: 2, rounds: [{ testLoss: 3.9 }] });
  says("view", viewOf("b"));
  expect(view.value).toMatchObject({ runId: "b", rounds: [{ testLoss: 3.7 }] });
});
