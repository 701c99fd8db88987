import { expect, it } from "vitest";
import { createTurns, workInOrder } from "./turns.ts";

it("gives one piece of work a turn, in order, and lets others in between", async () => {
  const turns = createTurns();
  const log: string[] = [];
  const work = async (name: string): Promise<void> => {
    await turns.next();
    log.push(name);
  };
  const between = new Promise<void>((resolve) => {
    let left = 3;
    const tick = (): void => {
      log.push("io");
      if (--left > 0) setImmediate(tick);
      else resolve();
    };
    setImmediate(tick);
  });
  await Promise.all([work("a"), work("b"), work("c"), between]);
  expect(log.filter((entry) => entry !== "io")).toEqual(["a", "b", "c"]);
  expect(log.join()).not.toMatch(/a,b|b,c/);
  await work("later");
  expect(log.at(-1)).toBe("later");
});

/** The clock of these tests, which only work moves. */
let nowMs = 0;
function* pieces(name: string, count: number, log: string[], milliseconds: number) {
  for (let piece = 1; piece <= count; piece++) {
    nowMs += milliseconds;
    log.push(`${name}${piece}`);
    yield;
  }
  return name;
}

it("breaks long work off for others, and short work not", async () => {
  const turns = createTurns(() => nowMs);
  const log: string[] = [];
  const [a, b] = await Promise.all([
    turns.take(pieces("a", 4, log, 6)),
    turns.take(pieces("b", 4, log, 6)),
    turns.take(pieces("c", 3, log, 0)),
  ]);
  expect([a, b]).toEqual(["a", "b"]);
  expect(log.slice(0, 5)).toEqual(["a1", "b1", "c1", "c2", "c3"]);
  expect(log.slice(5)).toEqual(["a2", "b2", "a3", "b3", "a4", "b4"]);
});

it("does a run's work in the order of the calls, also after one that failed", async () => {
  const work = workInOrder(createTurns(() => nowMs));
  const log: string[] = [];
  const failing = work<void>(
    (function* () {
      yield;
      throw new Error("broken");
    })(),
  );
  const all = [work(pieces("a", 2, log, 6)), work(pieces("b", 2, log, 0))];
  await expect(failing).rejects.toThrow("broken");
  expect(await Promise.all(all)).toEqual(["a", "b"]);
  expect(log).toEqual(["a1", "a2", "b1", "b2"]);
});
