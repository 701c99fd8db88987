import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { createTurns } from "../turns.ts";
import { readInTurns } from "./reading-in-turns.ts";

/** A connection on which so many messages are ready; what is done about one is done behind all that are read with it. */
function connection(name: string, handled: string[], work: () => void) {
  const socket = new EventEmitter();
  let left = 40;
  let paused = false;
  const read = (): void => {
    if (paused || left === 0) return;
    left -= 1;
    process.nextTick(() => {
      handled.push(name);
      work();
    });
    socket.emit("message");
    // What comes next is ready in the next turn of the loop.
    setImmediate(read);
  };
  return Object.assign(socket, {
    read,
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      process.nextTick(read);
    },
  });
}

it("reads no further in a turn that has lasted long enough, and then from everybody in turn", async () => {
  let nowMs = 0;
  let inThisTurn = 0;
  let most = 0;
  const engine = new EventEmitter();
  readInTurns(
    engine,
    createTurns(() => nowMs),
  );
  const handled: string[] = [];
  const all = Array.from({ length: 60 }, (_, k) =>
    connection(`p${k}`, handled, () => {
      // A message costs 2 ms, a turn 5 of reading.
      nowMs += 2;
      inThisTurn += 1;
      most = Math.max(most, inThisTurn);
    }),
  );
  for (const socket of all)
    engine.emit("connection", Object.assign(new EventEmitter(), { transport: { socket } }));
  const eachTurn = (): void => {
    inThisTurn = 0;
    if (handled.length < 60 * 40) setImmediate(eachTurn);
  };
  eachTurn();
  for (const socket of all) setImmediate(socket.read);
  await expect.poll(() => handled.length, { timeout: 30_000, interval: 5 }).toBe(60 * 40);
  // Nobody is passed over: whoever was read from has all others before it again.
  const last = new Map<string, number>();
  for (const [at, name] of handled.entries()) {
    expect(at - (last.get(name) ?? 0)).toBeLessThan(2 * 60);
    last.set(name, at);
  }
  expect(most).toBeLessThan(20);
});
