/**
 * When an upload's bytes may go, and what their acknowledgements tell of the link. Pure: times come in as seconds of
 * one monotone clock.
 *
 * Bytes in flight are bounded by a window, so that a long round trip costs nothing but itself. The rate is taken
 * between acknowledgements of chunks that followed each other on the link without a gap: the round trip cancels, and
 * time in which this side sent nothing, for its pace or for any other reason, is never counted against the link.
 */

export interface SendTerms {
  /** Bytes that the receiver has already. */
  readonly from: number;
  readonly totalBytes: number;
  /** Null goes as fast as the link does. */
  readonly paceBytesPerSecond: number | null;
  readonly roundTripSeconds: number;
  readonly startedAt: number;
}

type SendStep =
  | { readonly kind: "send"; readonly offset: number; readonly bytes: number }
  /** The pace allows no more yet. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** Only an acknowledgement makes room, or ends the transfer. */
  | { readonly kind: "await-acknowledgement" }
  | { readonly kind: "done" };

/** What the transfer has shown of the link. */
export interface LinkReading {
  /** What the link carried while it was busy; null when it never was, or too briefly to tell. */
  readonly bytesPerSecond: number | null;
  /** `sender`: its pace, its own slowness, or that there was little to send. */
  readonly limitedBy: "link" | "sender";
}

export interface SendWindow {
  next(now: number): SendStep;
  /** Takes note of what `next` said to send. */
  sent(now: number): void;
  /** The receiver has all bytes before `received`. Old and repeated news changes nothing. */
  acknowledged(received: number, now: number): void;
  readonly acknowledgedBytes: number;
  reading(): LinkReading;
}

/** Also what a coordinator must at least accept as one message. */
export const LARGEST_CHUNK_BYTES = 32 * 1024;
const SMALLEST_CHUNK_BYTES = 1024;
/** A small update still makes this many chunks, or there would be nothing between acknowledgements. */
const LEAST_CHUNKS = 8;
/** A paced chunk lasts at most this long, so that a paced link is smooth. */
const CHUNK_SECONDS = 0.1;

/** In flight before the first acknowledgement tells anything: a slow link must not drown its own heartbeat. */
const FIRST_WINDOW_BYTES = 64 * 1024;
const USUAL_WINDOW_BYTES = 256 * 1024;
const LARGEST_WINDOW_BYTES = 4 * 2 ** 20;
/** A window is sent within this time, well below the 20 s after which Socket.IO gives up a silent connection. */
const WINDOW_SECONDS = 4;

/** Less than this, in less than that, measures clocks and buffers. */
const LEAST_MEASURED_BYTES = 16 * 1024;
const LEAST_MEASURED_SECONDS = 0.02;
/** Acknowledgements that come this much slower than the bytes went mean that a queue grew on the way. */
const SLOWER_THAN_SENT = 1.25;
/** Shorter runs are an answer that was late, and the next ones that were not. */
const LEAST_RUN_CHUNKS = 3;

interface Chunk {
  readonly end: number;
  readonly sentAt: number;
  /** Its pace was what it waited for, and not the window. */
  readonly onSchedule: boolean;
  ackedAt: number | null;
}

export function chunkBytes(totalBytes: number, paceBytesPerSecond: number | null): number {
  const smooth = paceBytesPerSecond === null ? Number.POSITIVE_INFINITY : paceBytesPerSecond * CHUNK_SECONDS;
  const most = Math.max(
    SMALLEST_CHUNK_BYTES,
    Math.min(LARGEST_CHUNK_BYTES, smooth, totalBytes / LEAST_CHUNKS),
  );
  // Even pieces, so that the last one is no exception among what is measured.
  return Math.ceil(totalBytes / Math.ceil(totalBytes / most));
}

export function openSendWindow(terms: SendTerms): SendWindow {
  const { from, totalBytes, paceBytesPerSecond, roundTripSeconds, startedAt } = terms;
  const size = chunkBytes(totalBytes, paceBytesPerSecond);
  const chunks: Chunk[] = [];
  let sentBytes = from;
  let acked = 0; // chunks
  let ackedBytes = from;
  let held = false;

  const windowOf = (rate: number, lately: number): number => {
    const most = Math.max(FIRST_WINDOW_BYTES, Math.min(LARGEST_WINDOW_BYTES, WINDOW_SECONDS * rate));
    return Math.min(most, Math.max(USUAL_WINDOW_BYTES, 2 * lately));
  };

  /** Twice what came back within the last round trip: grows while the link takes more, and then holds two of them. */
  function windowBytes(): number {
    const last = chunks[acked - 1];
    const first = chunks[0];
    if (last?.ackedAt == null || first === undefined)
      return paceBytesPerSecond === null
        ? FIRST_WINDOW_BYTES
        : windowOf(paceBytesPerSecond, paceBytesPerSecond * roundTripSeconds);
    const since = last.ackedAt - roundTripSeconds;
    let i = acked - 1;
    while (i > 0 && (chunks[i - 1]?.ackedAt ?? 0) > since) i -= 1;
    const lately = last.end - (chunks[i - 1]?.end ?? from);
    return windowOf((last.end - from) / Math.max(last.ackedAt - first.sentAt, 1e-3), lately);
  }

  const step = (): number => Math.min(size, totalBytes - sentBytes);

  return {
    next(now) {
      if (ackedBytes >= totalBytes) return { kind: "done" };
      const bytes = step();
      if (bytes === 0) return { kind: "await-acknowledgement" };
      const dueAt =
        paceBytesPerSecond === null ? startedAt : startedAt + (sentBytes - from) / paceBytesPerSecond;
      if (now < dueAt) return { kind: "wait", seconds: dueAt - now };
      if (sentBytes - ackedBytes + bytes > windowBytes()) {
        held = true;
        return { kind: "await-acknowledgement" };
      }
      return { kind: "send", offset: sentBytes, bytes };
    },
    sent(now) {
      sentBytes += step();
      chunks.push({
        end: sentBytes,
        sentAt: now,
        onSchedule: paceBytesPerSecond !== null && !held,
        ackedAt: null,
      });
      held = false;
    },
    acknowledged(received, now) {
      for (let chunk = chunks[acked]; chunk && chunk.end <= received; chunk = chunks[acked]) {
        chunk.ackedAt = now;
        ackedBytes = chunk.end;
        acked += 1;
      }
    },
    get acknowledgedBytes() {
      return ackedBytes;
    },
    reading() {
      const runs = busyRuns(chunks.slice(0, acked), roundTripSeconds).flatMap((run) => readRun(run));
      const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
      const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
      return runs.length > 0
        ? { bytesPerSecond: bytes / seconds, limitedBy: "link" }
        : { bytesPerSecond: null, limitedBy: "sender" };
    },
  };
}

/** Chunks that followed each other on the link without a gap: each went before the one ahead of it had got through. */
function busyRuns(chunks: readonly Chunk[], roundTripSeconds: number): readonly (readonly Chunk[])[] {
  const runs: Chunk[][] = [];
  chunks.forEach((chunk, i) => {
    const ahead = chunks[i - 1];
    const follows = ahead !== undefined && chunk.sentAt <= throughAt(ahead, roundTripSeconds);
    if (follows) runs.at(-1)?.push(chunk);
    else runs.push([chunk]);
  });
  return runs;
}

const throughAt = ({ ackedAt }: Chunk, roundTripSeconds: number): number =>
  (ackedAt as number) - roundTripSeconds;

/** Bytes and seconds between a run's acknowledgements; none when they do not show what the link can do. */
function readRun(run: readonly Chunk[]): readonly { readonly bytes: number; readonly seconds: number }[] {
  const [first, last] = [run[0], run.at(-1)];
  if (first?.ackedAt == null || last?.ackedAt == null || run.length < LEAST_RUN_CHUNKS) return [];
  const bytes = last.end - first.end;
  const seconds = Math.max(last.ackedAt - first.ackedAt, 1e-3);
  if (bytes < LEAST_MEASURED_BYTES && seconds < LEAST_MEASURED_SECONDS) return [];
  const sentSeconds = last.sentAt - first.sentAt;
  // Sent by a schedule to the end, with answers no slower than that: each was late by as much, and nothing piled up.
  if (last.onSchedule && seconds <= SLOWER_THAN_SENT * sentSeconds) return [];
  return [{ bytes, seconds }];
}
