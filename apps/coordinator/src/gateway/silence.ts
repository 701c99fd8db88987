/** How long another process has not been heard, as far as this one was listening: a stall of its own is no silence. */
export interface Silence {
  heard(): void;
  /** All that had come was heard. @returns ms without a word */
  listened(): number;
}

/** What one look adds at most: looks are a second apart unless this process could not look. */
const LOOK_MS = 1_500;

export function createSilence(nowMs: () => number = () => performance.now()): Silence {
  let silentMs = 0;
  let lastMs = nowMs();
  return {
    heard() {
      silentMs = 0;
      lastMs = nowMs();
    },
    listened() {
      const now = nowMs();
      silentMs += Math.min(LOOK_MS, now - lastMs);
      lastMs = now;
      return silentMs;
    },
  };
}
