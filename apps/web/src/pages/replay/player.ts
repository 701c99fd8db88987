/** Where a replay is, and how fast it goes. */
import type { RunReport } from "@fedlodrop/run";
import { type ReadonlySignal, signal } from "@preact/signals";
import { beginningsOf, durationOf } from "./view-at.ts";

export const SPEEDS = [0.5, 1, 2, 4, 8, 16, 64] as const;

export interface Player {
  readonly report: RunReport;
  readonly seconds: ReadonlySignal<number>;
  readonly playing: ReadonlySignal<boolean>;
  readonly speed: ReadonlySignal<number>;
  play(): void;
  pause(): void;
  goTo(seconds: number): void;
  /** To the beginning of the next round, or of this or the one before. */
  step(rounds: 1 | -1): void;
  setSpeed(speed: number): void;
}

/** Views a second: enough for steps to be seen, and little to draw. */
const FRAMES = 12;
/** Going back within this is going to the round before. */
const JUST_BEGUN_SECONDS = 0.5;

export function openPlayer(report: RunReport, nowMs: () => number = () => performance.now()): Player {
  const duration = durationOf(report);
  const beginnings = beginningsOf(report);
  const seconds = signal(0);
  const playing = signal(false);
  const speed = signal(1);
  let timer: ReturnType<typeof setInterval> | undefined;
  let before = 0;

  const goTo = (to: number): void => {
    seconds.value = Math.min(duration, Math.max(0, to));
  };
  const pause = (): void => {
    clearInterval(timer);
    playing.value = false;
  };
  return {
    report,
    seconds,
    playing,
    speed,
    pause,
    goTo,
    play() {
      pause();
      if (seconds.value >= duration) seconds.value = 0;
      before = nowMs();
      playing.value = true;
      timer = setInterval(() => {
        const now = nowMs();
        goTo(seconds.value + (speed.value * (now - before)) / 1000);
        before = now;
        if (seconds.value >= duration) pause();
      }, 1000 / FRAMES);
    },
    step(rounds) {
      const at = seconds.value;
      goTo(
        rounds === 1
          ? (beginnings.find((begun) => begun > at) ?? duration)
          : (beginnings.findLast((begun) => begun < at - JUST_BEGUN_SECONDS) ?? 0),
      );
    },
    setSpeed(to) {
      speed.value = to;
    },
  };
}
