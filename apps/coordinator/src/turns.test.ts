import { expect, it } from "vitest";
import { createTurns } from "./turns.ts";

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
