/** How far a download is, in one line: bytes, speed, time left. */
import { bytes } from "../live-table.ts";

/** Over which its speed is taken: the last seconds say more of the next than the whole does. */
const SPEED_SECONDS = 10;

export interface DownloadProgress {
  add(bytes: number): void;
  /** At this moment. */
  line(): string;
}

/** @param clock seconds of a steady clock */
export function startProgress(
  what: string,
  totalBytes: number,
  clock: () => number = () => performance.now() / 1000,
): DownloadProgress {
  let done = 0;
  let marks: readonly { readonly at: number; readonly done: number }[] = [{ at: clock(), done: 0 }];
  return {
    add(count) {
      done += count;
      const now = clock();
      const kept = marks.findLastIndex(({ at }) => now - at >= SPEED_SECONDS);
      marks = [
        ...marks.slice(Math.max(0, kept)),
        ...(now > (marks.at(-1)?.at ?? 0) + 0.25 ? [{ at: now, done }] : []),
      ];
    },
    line() {
      const oldest = marks[0] as { at: number; done: number };
      const seconds = clock() - oldest.at;
      const rate = seconds > 0 ? (done - oldest.done) / seconds : 0;
      const left = rate > 0 ? `, ${bytes(rate)}/s, ${duration((totalBytes - done) / rate)} left` : "";
      return `${what}: ${bytes(done)} of ${bytes(totalBytes)}${left}`;
    },
  };
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
