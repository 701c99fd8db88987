import { DEFAULT_RUN_CONFIG, type RoundRecord, type RunReport } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openPlayer } from "./player.ts";

const report: RunReport = {
  format: 1,
  ...{ runId: "r", seed: "0", task: "t", model: "m", method: "fixed", adapterSha256: "", finalTestLoss: 3 },
  ...{ config: DEFAULT_RUN_CONFIG, baseTestLoss: 4 },
  rounds: [1, 2, 3].map(
    (round) => ({ round, seconds: 9, participants: [] as const }) as unknown as RoundRecord,
  ),
};
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("plays at the speed that is set, to the end, and from the beginning again", () => {
  const player = openPlayer(report, () => Date.now());
  player.play();
  vi.advanceTimersByTime(2000);
  expect(player.seconds.value).toBeCloseTo(2, 1);
  player.setSpeed(8);
  vi.advanceTimersByTime(1000);
  expect(player.seconds.value).toBeCloseTo(10, 0);
  player.pause();
  vi.advanceTimersByTime(5000);
  expect(player.seconds.value).toBeCloseTo(10, 0);
  player.play();
  vi.advanceTimersByTime(10_000);
  expect([player.seconds.value, player.playing.value]).toEqual([30, false]);
  player.play();
  expect(player.seconds.value).toBe(0);
  player.pause();
});

it("steps from round to round", () => {
  const player = openPlayer(report);
  const steps = ([1, 1, 1, 1, -1, -1] as const).map((step) => {
    player.step(step);
    return player.seconds.value;
  });
  expect(steps).toEqual([10, 20, 30, 30, 20, 10]);
  player.goTo(15);
  player.step(-1);
  expect(player.seconds.value).toBe(10);
});
