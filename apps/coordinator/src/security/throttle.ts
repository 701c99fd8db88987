/** Counts something per sender and minute. It keeps real time, also where a test moves the coordinator's clock. */
import { RateLimiterMemory } from "rate-limiter-flexible";

export interface Throttle {
  /** Counts one; false when `most` were counted in this minute already. */
  take(sender: string, most: number): Promise<boolean>;
  /** Whether one more would be refused. Counts nothing. */
  exhausted(sender: string, most: number): Promise<boolean>;
}

export function createThrottle(): Throttle {
  const counter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 60 });
  return {
    take: async (sender, most) => (await counter.consume(sender)).consumedPoints <= most,
    exhausted: async (sender, most) => ((await counter.get(sender))?.consumedPoints ?? 0) >= most,
  };
}
