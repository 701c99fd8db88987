import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { seldom } from "./seldom.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("draws the first at once, later ones together, urgent ones at once, and the last one always", () => {
  const drawn: number[] = [];
  const changed = seldom(
    () => drawn.push(Date.now()),
    () => 400,
    () => Date.now(),
  );
  const start = Date.now();
  const after = () => drawn.map((at) => at - start);
  changed(false);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(50);
    changed(false);
  }
  expect(after()).toEqual([0, 400]);
  changed(true);
  expect(after()).toEqual([0, 400, 500]);
  // What was due has been drawn with it.
  vi.advanceTimersByTime(399);
  expect(after()).toEqual([0, 400, 500]);
  changed(false);
  vi.advanceTimersByTime(1);
  expect(after()).toEqual([0, 400, 500, 900]);
  vi.advanceTimersByTime(10_000);
  expect(after()).toHaveLength(4);
});
