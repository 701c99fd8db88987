import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { beforeEach, expect, it, vi } from "vitest";
import { connectHost } from "./connection.ts";

/** What the coordinator says, by event, and what it is asked. */
const { listeners, asked } = vi.hoisted(() => ({
  listeners: new Map<string, (sent: unknown) => void>(),
  asked: [] as { readonly command: unknown; readonly answer: (reply: unknown) => void }[],
}));
vi.mock("socket.io-client", () => ({
  io: () => ({
    on: (event: string, listener: (sent: unknown) => void) => listeners.set(event, listener),
    timeout: () => ({
      emitWithAck: (_: string, command: unknown) => new Promise((answer) => asked.push({ command, answer })),
    }),
  }),
}));
const says = (event: string, sent: unknown): void => listeners.get(event)?.(sent);

beforeEach(() => {
  vi.stubGlobal("location", { href: "http://localhost/host" });
  listeners.clear();
  asked.length = 0;
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
  expect(view.value?.earlier).toMatchObject([{ runId: "a", arms: [{ losses: [4, 3.9, 3.8] }] }]);
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

const REFUSED = { kind: "refused", reason: "wrong-state", message: "not now" };
const changed = (run: object): void => says("changes", { run, participants: [], gone: [] });

it("sends a command once until it can be seen what came of it", async () => {
  const { command, problem } = connectHost("key");
  says("view", { ...viewOf("a"), phase: "lobby", notice: null });
  const start = command({ kind: "start" });
  expect(command({ kind: "start" })).toBe(start);
  asked[0]?.answer({ kind: "done" });
  await vi.advanceTimersByTimeAsync(100);
  command({ kind: "start" });
  expect(asked).toHaveLength(1);
  changed({ phase: "planning" });
  await start;
  expect(problem.value).toBeNull();
  command({ kind: "pause" });
  expect(asked.map(({ command }) => command)).toEqual([{ kind: "start" }, { kind: "pause" }]);
});

it("sends it again after a refusal, or when the run has moved on too fast for it to be seen", async () => {
  const { command } = connectHost("key");
  says("view", { ...viewOf("a"), phase: "paused", notice: null });
  const first = command({ kind: "resume" });
  asked[0]?.answer(REFUSED);
  await first;
  const second = command({ kind: "resume" });
  asked[1]?.answer({ kind: "done" });
  await vi.advanceTimersByTimeAsync(5_000);
  await second;
  command({ kind: "resume" });
  expect(asked).toHaveLength(3);
});

it("lets a refusal go when the run is as it was to be, and not before", async () => {
  const { command, problem } = connectHost("key");
  says("view", { ...viewOf("a"), phase: "lobby", notice: null });
  const refuse = async (): Promise<void> => {
    const settled = command({ kind: "start" });
    asked.at(-1)?.answer(REFUSED);
    await settled;
  };
  await refuse();
  changed({ locked: true });
  expect(problem.value).toMatchObject({ kind: "command-refused", command: "start" });
  changed({ phase: "training" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(problem.value).toBeNull();
  await refuse();
  changed({ phase: "closing" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(problem.value, "of what was so already, until it has been read").not.toBeNull();
  await vi.advanceTimersByTimeAsync(10_000);
  changed({ phase: "training" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(problem.value).toBeNull();
});

it("lets a refusal go with its run", async () => {
  const { command, problem } = connectHost("key");
  says("view", viewOf("a"));
  const settled = command({ kind: "kick", participantId: "p9" });
  asked[0]?.answer(REFUSED);
  await settled;
  expect(problem.value).toMatchObject({ command: "kick" });
  changed({ round: 2 });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(problem.value).not.toBeNull();
  says("view", viewOf("b"));
  expect(problem.value).toBeNull();
});
