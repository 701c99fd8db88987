/** Of a chunk's bytes, from which on it costs its sender nothing. */
const FREE_CHUNK_BYTES = 16 * 1024;

/** A large chunk brings its upload nearer to its end at next to no cost to others; a byte at a time costs everybody. */
export const chunkCost = (bytes: number): number => Math.max(0, 1 - bytes / FREE_CHUNK_BYTES);

/** A token bucket per connection: bursts pass, floods do not. */
export interface RateLimit {
  /** False, and nothing taken, when the sender has to slow down. */
  take(nowMs: number, cost?: number): boolean;
}

export function createRateLimit(perSecond: number, burst: number): RateLimit {
  let tokens = burst;
  let lastMs: number | null = null;
  return {
    take(nowMs, cost = 1) {
      tokens = Math.min(burst, tokens + ((nowMs - (lastMs ?? nowMs)) / 1000) * perSecond);
      lastMs = nowMs;
      if (tokens < cost) return false;
      tokens -= cost;
      return true;
    },
  };
}
