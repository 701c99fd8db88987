/** How long processors have been at a device's work, so that a busy machine is not billed for waiting. */
import { readFileSync } from "node:fs";

/**
 * Of the calling thread, in seconds: Linux counts it in nanoseconds. Null where it cannot be had, as on other systems. Helper threads
 * are not in it.
 */
export function threadSeconds(): number | null {
  try {
    const [nanoseconds] = readFileSync("/proc/thread-self/schedstat", "utf8").split(" ");
    const seconds = Number(nanoseconds) / 1e9;
    return Number.isFinite(seconds) ? seconds : null;
  } catch {
    return null;
  }
}

/** Of the whole process, over the threads that its one device trains on. */
export function processSeconds(threads: number): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 / threads;
}
