import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { READING_MS, stillTold, watchReading } from "./notice.ts";
import type { Notice } from "./state.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("leaves news on the page until they can have been read, each for its own time", () => {
  const notice = signal<Notice | null>({ kind: "renamed", nickname: "Ben" });
  const end = watchReading(notice, (read) => {
    notice.value = read;
  });
  vi.advanceTimersByTime(READING_MS - 1);
  expect(stillTold(notice.value)).toEqual({ kind: "renamed", nickname: "Ben" });
  notice.value = { kind: "new-run" };
  vi.advanceTimersByTime(READING_MS - 1);
  expect(stillTold(notice.value)).toEqual({ kind: "new-run" });
  vi.advanceTimersByTime(1);
  expect([notice.value.kind, stillTold(notice.value)]).toEqual(["new-run", null]);
  end();
  expect(vi.getTimerCount()).toBe(0);
});
