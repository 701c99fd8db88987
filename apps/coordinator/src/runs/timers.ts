/** The times that a run waits for: one deadline, and grace for each connection that is gone. */
import type { Clock } from "../clock.ts";

export interface Timers {
  /** Replaces the timer of this name that is running. */
  start(name: string, ms: number, callBack: () => void): void;
  stop(name: string): void;
  stopAll(): void;
}

export function createTimers(clock: Clock): Timers {
  const running = new Map<string, () => void>();
  const stop = (name: string): void => {
    running.get(name)?.();
    running.delete(name);
  };
  return {
    start(name, ms, callBack) {
      stop(name);
      const cancel = clock.after(Math.max(0, ms), () => {
        running.delete(name);
        callBack();
      });
      running.set(name, cancel);
    },
    stop,
    stopAll() {
      for (const name of [...running.keys()]) stop(name);
    },
  };
}
