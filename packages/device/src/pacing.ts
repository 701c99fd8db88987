/** Waiting: until a given rate allows more, or simply for a while. */

/** How long to wait until `bytes` are no more than the rate allows after `elapsedSeconds`. */
export function pauseSeconds(bytes: number, bytesPerSecond: number | null, elapsedSeconds: number): number {
  return bytesPerSecond === null ? 0 : Math.max(0, bytes / bytesPerSecond - elapsedSeconds);
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
