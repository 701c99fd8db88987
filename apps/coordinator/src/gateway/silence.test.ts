import { expect, it } from "vitest";
import { createSilence } from "./silence.ts";

it("counts what was listened to, and not a stall of its own", () => {
  let nowMs = 0;
  const silence = createSilence(() => nowMs);
  const after = (ms: number): number => {
    nowMs += ms;
    return silence.listened();
  };
  expect([after(1000), after(1000)]).toEqual([1000, 2000]);
  // Nine seconds in which this process did nothing: the other one may have spoken, and is read next.
  expect(after(9000)).toBe(3500);
  silence.heard();
  expect(after(1000)).toBe(1000);
});
