/** A round's sub-adapter on its way down, over HTTP: resumed where it broke off, and its link read as it comes. */
import type { Refused } from "@fedlodrop/protocol";
import { readAll } from "./download.ts";
import { type Link, RefusedError } from "./link.ts";
import { sleep } from "./pacing.ts";

export interface DownloadRequest {
  /** That the pages stand under, with a slash at its end. */
  readonly site: string;
  readonly round: number;
  readonly token: string;
  /** Follows from the dropout rate. */
  readonly totalBytes: number;
}

export interface Downloaded {
  readonly bytes: Uint8Array;
  readonly seconds: number;
  /** Between the first and the last piece; null when there was too little between them to tell. */
  readonly bytesPerSecond: number | null;
}

/** A body from which nothing comes for as long is given up and asked for again from there. */
const SILENCE_SECONDS = 15;
/** Waits before it is asked again, each time twice as long. */
const RETRY_SECONDS = { least: 0.1, most: 2 };
/** Less than this, in less than that, measures buffers. */
const LEAST_MEASURED_BYTES = 16 * 1024;
const LEAST_MEASURED_SECONDS = 0.02;

/** Rejects when `signal` aborts, or with a RefusedError when the coordinator does not give it. */
export async function downloadSubAdapter(
  link: Link,
  request: DownloadRequest,
  signal: AbortSignal,
): Promise<Downloaded> {
  const started = performance.now();
  const copy: Copy = { bytes: new Uint8Array(request.totalBytes), received: 0, etag: null, stretches: [] };
  let retrySeconds = RETRY_SECONDS.least;
  for (;;) {
    try {
      await receive(request, copy, signal);
      const seconds = (performance.now() - started) / 1000;
      return { bytes: copy.bytes, seconds, bytesPerSecond: rateOf(copy.stretches) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof DamagedError) throw error;
      const told = error instanceof RefusedError;
      if (told && error.refused.reason !== "rate-limited") throw error;
      await sleep(retrySeconds, signal);
      retrySeconds = Math.min(2 * retrySeconds, RETRY_SECONDS.most);
      // The line may be dead without knowing it; then the link takes a new one.
      if (!told) await link.persist(signal, (socket) => socket.emitWithAck("ping"));
    }
  }
}

/** What has come so far. */
interface Copy {
  readonly bytes: Uint8Array;
  received: number;
  /** Of what `received` counts. */
  etag: string | null;
  readonly stretches: Stretch[];
}

interface Stretch {
  readonly bytes: number;
  readonly seconds: number;
}

/** What came is not what was asked for, and would not be the next time. */
class DamagedError extends Error {
  override readonly name = "DamagedError";
}

/** One request's part of the body into `copy`. */
async function receive(
  { site, round, token, totalBytes }: DownloadRequest,
  copy: Copy,
  signal: AbortSignal,
): Promise<void> {
  const silence = new AbortController();
  const listen = () =>
    setTimeout(() => silence.abort(new Error("download: silence")), SILENCE_SECONDS * 1000);
  let timer = listen();
  const heard = (): void => {
    clearTimeout(timer);
    timer = listen();
  };
  try {
    const resumes = copy.received > 0 && copy.etag !== null;
    const response = await fetch(new URL(`api/sub-adapter?round=${round}`, site), {
      signal: AbortSignal.any([signal, silence.signal]),
      cache: "no-store",
      headers: {
        authorization: `Bearer ${token}`,
        ...(resumes && { range: `bytes=${copy.received}-`, "if-range": copy.etag as string }),
      },
    });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    if (response.status !== 206) copy.received = 0;
    copy.etag = response.headers.get("etag");
    let lastMs = 0;
    let first: { readonly received: number; readonly atMs: number } | null = null;
    try {
      for await (const piece of readAll(response.body)) {
        heard();
        if (copy.received + piece.byteLength > totalBytes)
          throw new DamagedError(`sub-adapter: expected ${totalBytes} bytes, got more`);
        copy.bytes.set(piece, copy.received);
        copy.received += piece.byteLength;
        lastMs = performance.now();
        first ??= { received: copy.received, atMs: lastMs };
      }
    } finally {
      if (first !== null)
        copy.stretches.push({ bytes: copy.received - first.received, seconds: (lastMs - first.atMs) / 1000 });
    }
    if (copy.received < totalBytes)
      throw new Error(`sub-adapter: expected ${totalBytes} bytes, got ${copy.received}`);
  } finally {
    clearTimeout(timer);
  }
}

/** The coordinator's reason where it gave one. */
async function refusalOf(response: Response): Promise<Error> {
  const body: unknown = await response.json().catch(() => null);
  const { kind, message } = (body ?? {}) as Partial<Refused>;
  return kind === "refused" && typeof message === "string"
    ? new RefusedError(body as Refused)
    : new Error(`sub-adapter: expected the file, got HTTP ${response.status}`);
}

function rateOf(stretches: readonly Stretch[]): number | null {
  const bytes = stretches.reduce((sum, stretch) => sum + stretch.bytes, 0);
  const seconds = stretches.reduce((sum, stretch) => sum + stretch.seconds, 0);
  if (bytes < LEAST_MEASURED_BYTES && seconds < LEAST_MEASURED_SECONDS) return null;
  return bytes > 0 ? bytes / Math.max(seconds, 1e-3) : null;
}
