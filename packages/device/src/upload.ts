/**
 * An update on its way up: chunks through a window, from where the coordinator's copy ends. A lost connection goes on
 * where it broke off; a coordinator that has the whole update already says so, and that is success.
 */
import type { Received, Refused, UpdateStatistics } from "@fedlodrop/protocol";
import { accepted, type Link, RefusedError } from "./link.ts";
import { pauseSeconds, sleep } from "./pacing.ts";
import { type LinkReading, openSendWindow } from "./send-window.ts";

export interface UploadRequest {
  readonly round: number;
  readonly bytes: Uint8Array;
  /** Null goes as fast as the link does. */
  readonly paceBytesPerSecond: number | null;
  readonly roundTripSeconds: number;
}

export interface SentUpload extends LinkReading {
  /** From the first attempt's beginning to the last byte's acknowledgement. */
  readonly seconds: number;
  /** Of those, waited for the pace. */
  readonly secondsPaused: number;
}

/** A line on which nothing is acknowledged for as long counts as lost. A window may take a slow link a while. */
const SILENCE_SECONDS = 30;

/** Resolves when the coordinator has accepted the update; `describe` is asked when all bytes are there.
 *  Rejects when `signal` aborts or on a refusal. */
export async function sendUpload(
  link: Link,
  request: UploadRequest,
  describe: (sent: SentUpload) => UpdateStatistics,
  onProgress: (acknowledgedBytes: number) => void,
  signal: AbortSignal,
): Promise<SentUpload> {
  const { round, bytes } = request;
  const [attempt = 0] = crypto.getRandomValues(new Uint32Array(1));
  const started = performance.now();
  let secondsPaused = 0;
  let sent: SentUpload | null = null;
  return link.persist(signal, async (socket, connection) => {
    const end = AbortSignal.any([signal, connection]);
    try {
      const { received } = accepted(
        await socket.emitWithAck("upload-begin", { round, bytes: bytes.byteLength, attempt }),
      );
      const reading = await sendFrom(link, request, received, onProgress, end, (seconds) => {
        secondsPaused += seconds;
      });
      sent ??= { ...reading, seconds: (performance.now() - started) / 1000, secondsPaused };
      accepted(await socket.emitWithAck("upload-end", { round, statistics: describe(sent) }));
      return sent;
    } catch (error) {
      // The acceptance was on its way when the connection broke.
      const isThere = error instanceof RefusedError && error.refused.reason === "duplicate";
      if (isThere && sent !== null) return sent;
      throw error;
    }
  });
}

/** One connection's part: from byte `from` to the last one's acknowledgement, and to the end of its time at the pace. */
async function sendFrom(
  link: Link,
  { round, bytes, paceBytesPerSecond, roundTripSeconds }: UploadRequest,
  from: number,
  onProgress: (acknowledgedBytes: number) => void,
  end: AbortSignal,
  onPause: (seconds: number) => void,
): Promise<LinkReading> {
  const now = (): number => performance.now() / 1000;
  const startedAt = now();
  const totalBytes = bytes.byteLength;
  const window = openSendWindow({ from, totalBytes, paceBytesPerSecond, roundTripSeconds, startedAt });
  let failure: RefusedError | null = null;
  let heardAt = startedAt;
  let wake = (): void => {};

  const take = (reply: Received | Refused): void => {
    if (reply.kind === "refused") failure ??= new RefusedError(reply);
    else {
      heardAt = now();
      window.acknowledged(reply.received, heardAt);
      onProgress(window.acknowledgedBytes);
    }
    wake();
  };
  const pause = async (seconds: number): Promise<void> => {
    const since = now();
    await sleep(seconds, end);
    onPause(now() - since);
  };
  /** Until something is heard, or the line has been silent for too long. */
  const news = async (): Promise<void> => {
    const heard = new AbortController();
    wake = () => heard.abort();
    const silence = heardAt + SILENCE_SECONDS - now();
    if (silence <= 0) throw new Error(`upload: nothing was acknowledged for ${SILENCE_SECONDS} s`);
    await sleep(silence, AbortSignal.any([heard.signal, end])).catch(() => end.throwIfAborted());
  };

  for (;;) {
    end.throwIfAborted();
    if (failure !== null) throw failure;
    const step = window.next(now());
    switch (step.kind) {
      case "send": {
        const chunk = bytes.slice(step.offset, step.offset + step.bytes);
        link.socket.emit("upload-chunk", { round, offset: step.offset }, chunk, take);
        window.sent(now());
        break;
      }
      case "wait":
        await pause(step.seconds);
        break;
      case "await-acknowledgement":
        await news();
        break;
      case "done":
        await pause(pauseSeconds(totalBytes - from, paceBytesPerSecond, now() - startedAt));
        return window.reading();
      default:
        step satisfies never;
    }
  }
}
