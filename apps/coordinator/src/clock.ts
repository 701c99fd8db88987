/** Time as the coordinator reads it; tests bring one that they move themselves. */
export interface Clock {
  /** Monotone milliseconds. */
  nowMs(): number;
  /** Calls back once after `ms`, unless the returned function cancels it. */
  after(ms: number, callBack: () => void): () => void;
}

/** setTimeout counts in 32 bits and fires at once beyond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, callBack) {
    const timer = setTimeout(callBack, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Goes on from `fromMs`, as if no time had passed between two processes. */
export function continuedClock(clock: Clock, fromMs: number): Clock {
  const startMs = clock.nowMs();
  return { nowMs: () => fromMs + clock.nowMs() - startMs, after: clock.after };
}
