/**
 * Writes the log: entries that come while a write is going on are written and synced together by the next one. The log
 * is a chain of segments, one behind each checkpoint: the first entry of a segment says whose log it is, the last one
 * which segment comes next.
 */
import type { Disk, DiskFile } from "./disk.ts";
import { encodeFrame, type LogEntry } from "./log-frames.ts";

/** First entry of a segment. */
export interface SegmentHeader {
  readonly kind: "segment";
  readonly format: number;
  readonly runId: string;
  readonly number: number;
}
/** Last entry of a segment that is complete. */
export interface SegmentEnd {
  readonly kind: "sealed";
  readonly next: number;
}

type Item =
  | { readonly kind: "entry"; readonly entry: LogEntry<unknown>; readonly done: () => void }
  | { readonly kind: "turn"; readonly header: SegmentHeader; readonly done: () => void };

export interface LogWriter {
  /** Resolves once the entry is synced, or once the log has failed. */
  append(entry: unknown, payload: Uint8Array): Promise<void>;
  /** Seals the segment; entries from now on go to a new one, also after a failure. False when that failed. */
  turn(header: SegmentHeader): Promise<boolean>;
  /** Why nothing is written: the error that ended the last segment; null while all is well. */
  readonly failure: Error | null;
  /** What is written from now on cannot be read in order, so nothing is, until the next turn. */
  fail(error: Error): void;
  close(): Promise<void>;
}

const NOTHING = new Uint8Array(0);
const whole = (entry: SegmentHeader | SegmentEnd): LogEntry<unknown> => ({ entry, payload: NOTHING });

/** Payload bytes after which a frame ends: copying and checking it must not hold up everybody. */
const FRAME_BYTES = 4 * 2 ** 20;

/** How many of the first items are written together: all, up to a turn or until they are large. */
function batchLength(queue: readonly Item[]): number {
  let bytes = 0;
  for (const [i, item] of queue.entries()) {
    if (item.kind === "turn") return i + 1;
    bytes += item.entry.payload.byteLength;
    if (bytes >= FRAME_BYTES) return i + 1;
  }
  return queue.length;
}

/** @param first a segment to go on with; without one the log begins at the first turn. */
export function openLogWriter(
  disk: Disk,
  directory: string,
  pathOf: (segment: number) => string,
  first: DiskFile | null,
): LogWriter {
  let file = first;
  let failure: Error | null = null;
  const queue: Item[] = [];
  let writing: Promise<void> | null = null;

  function add(item: Item): void {
    queue.push(item);
    writing ??= writeAll();
  }

  async function writeAll(): Promise<void> {
    // Whatever is appended in this turn of the event loop goes into one frame.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.splice(0, batchLength(queue));
      const last = batch.at(-1);
      const entries = batch.flatMap((item) => (item.kind === "entry" ? [item.entry] : []));
      if (last?.kind === "turn") await writeTurn(entries, last.header);
      else await writeFrame(entries);
      for (const { done } of batch) done();
    }
    // In the same turn as the last look at the queue, or what is added between would wait for the next entry.
    writing = null;
  }

  async function writeFrame(entries: readonly LogEntry<unknown>[]): Promise<void> {
    if (file === null || failure !== null) return;
    const { size } = file;
    try {
      await file.append(encodeFrame(entries));
      await file.sync();
      if (!(await file.isLinked())) throw new Error("the log has been deleted");
    } catch (error) {
      await breakOff(error as Error, size);
    }
  }

  async function writeTurn(entries: readonly LogEntry<unknown>[], header: SegmentHeader): Promise<void> {
    await writeFrame([...entries, whole({ kind: "sealed", next: header.number })]);
    const finished = file;
    let opened: DiskFile | null = null;
    try {
      // A folder that was deleted is made again: better a run without its past than none.
      await disk.makeDirectory(directory);
      opened = await disk.openFile(pathOf(header.number));
      await opened.truncate(0);
      await opened.append(encodeFrame([whole(header)]));
      await opened.sync();
      await disk.syncDirectory(directory);
      file = opened;
      failure = null;
      await finished?.close().catch(() => {});
    } catch (error) {
      await opened?.close().catch(() => {});
      await disk.remove(pathOf(header.number)).catch(() => {});
      await breakOff(error as Error, finished?.size ?? 0);
    }
  }

  /** Half a frame would be taken for a kill, but it is not to stay for ever. */
  async function breakOff(error: Error, size: number): Promise<void> {
    failure = error;
    const broken = file;
    file = null;
    await broken?.truncate(size).catch(() => {});
    await broken?.close().catch(() => {});
  }

  return {
    append: (entry, payload) =>
      new Promise((resolve) => add({ kind: "entry", entry: { entry, payload }, done: resolve })),
    async turn(header) {
      await new Promise<void>((resolve) => add({ kind: "turn", header, done: resolve }));
      return failure === null;
    },
    get failure() {
      return failure;
    },
    fail(error) {
      failure ??= error;
    },
    async close() {
      while (writing !== null) await writing;
      await file?.close();
      file = null;
    },
  };
}
