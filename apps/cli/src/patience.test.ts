import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { whileWaiting } from "./patience.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("says within a second what a wait is for, and again when it takes long", async () => {
  const lines: string[] = [];
  let done = (_: string): void => {};
  const waiting = whileWaiting(
    (line) => lines.push(line),
    "the browser starts",
    new Promise<string>((resolve) => (done = resolve)),
  );
  await vi.advanceTimersByTimeAsync(1000);
  expect(lines).toEqual(["the browser starts …"]);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(lines).toHaveLength(3);
  expect(lines[2]).toMatch(/^the browser starts, for 3\d s now …$/);
  done("there");
  expect(await waiting).toBe("there");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toHaveLength(3);
});

it("says nothing of what is quick, and passes failures on", async () => {
  const lines: string[] = [];
  await expect(
    whileWaiting(
      (line) => lines.push(line),
      "nothing",
      async () => {
        throw new Error("no");
      },
    ),
  ).rejects.toThrow("no");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual([]);
});
