/** Keeps a transfer to a given rate: a share of the uplink, or an emulated radio link. */

/** Also what a coordinator must at least accept as one message. */
export const LARGEST_CHUNK_BYTES = 64 * 1024;
const SMALLEST_CHUNK_BYTES = 1024;
/** A chunk lasts at most this long at the given rate, so that a paced link is smooth. */
const CHUNK_SECONDS = 0.1;

export function chunkBytes(bytesPerSecond: number | null): number {
  if (bytesPerSecond === null) return LARGEST_CHUNK_BYTES;
  const smooth = Math.floor(bytesPerSecond * CHUNK_SECONDS);
  return Math.min(LARGEST_CHUNK_BYTES, Math.max(SMALLEST_CHUNK_BYTES, smooth));
}

/** How long to wait until `sentBytes` are no more than the rate allows after `elapsedSeconds`. */
export function pauseSeconds(
  sentBytes: number,
  bytesPerSecond: number | null,
  elapsedSeconds: number,
): number {
  return bytesPerSecond === null ? 0 : Math.max(0, sentBytes / bytesPerSecond - elapsedSeconds);
}

/** Resolves after `seconds`; rejects with the signal's reason when it aborts. */
export function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });
}
