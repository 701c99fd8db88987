/**
 * Finds what a run folder can be trusted for: the newest checkpoint that is whole, and the log behind it. An older
 * checkpoint with a whole log loses nothing, since the log tells how the newer one came about.
 */
import { join } from "node:path";
import type { RoundRecord } from "@fedlodrop/run";
import {
  checkpointFile,
  FOLDER_FORMAT,
  ofAnotherVersion,
  readCheckpoint,
  type WholeCheckpoint,
} from "./checkpoint-files.ts";
import type { Disk } from "./disk.ts";
import { type DecodedLog, decodeLog, type LogEntry } from "./log-frames.ts";
import type { SegmentEnd, SegmentHeader } from "./log-writer.ts";
import { METRICS_FILE, type MetricsCursor, verifyMetrics } from "./metrics-file.ts";
import type { RunEntry } from "./run-store.ts";

export const logFile = (number: number): string => `log-${number}.bin`;

export interface Trusted extends WholeCheckpoint {
  /** Of the checkpoint. */
  readonly number: number;
  /** The largest number in use. */
  readonly newest: number;
  readonly entries: readonly LogEntry<RunEntry>[];
  readonly cursor: MetricsCursor;
  readonly records: readonly RoundRecord[];
  /** Where the log goes on. */
  readonly segment: { readonly number: number; readonly bytes: number };
  /** Files that are to be set aside before the run goes on. */
  readonly untrusted: readonly string[];
  /** What was found damaged. */
  readonly notices: readonly string[];
}

/** Throws in one line that names the damaged file, and what can be done. */
export async function readFolder(disk: Disk, directory: string, fromPrevious: boolean): Promise<Trusted> {
  const names = await disk.list(directory);
  const checkpoints = numbersIn(names, /^checkpoint-(\d+)\.json$/).reverse();
  const segments = numbersIn(names, /^log-(\d+)\.bin$/);
  const newest = Math.max(-1, ...checkpoints, ...segments);
  if (newest < 0)
    throw new Error(
      names.includes("checkpoint.json")
        ? `checkpoint.json: this run was stored by the program's first version (without a format; this one continues ${FOLDER_FORMAT}), and only that can continue it; its report and adapter can be read as ever`
        : names.length === 0
          ? "there is no such folder, or it is empty"
          : "it holds no run",
    );
  const faults: string[] = [];
  const untrusted: string[] = [];
  for (const number of checkpoints) {
    const whole = await attempt(async () => {
      const read = await readCheckpoint(disk, directory, number);
      return { ...read, ...(await verifyMetrics(disk, join(directory, METRICS_FILE), read.metrics)) };
    }, faults);
    if (whole === null) {
      untrusted.push(checkpointFile(number));
      continue;
    }
    const log = await readChain(disk, directory, whole.checkpoint.runId, number, Math.max(newest, number));
    if (log.fault !== null) {
      faults.push(log.fault);
      if (!fromPrevious)
        throw new Error(
          `${faults.join("; ")}; it can go on from round ${whole.checkpoint.snapshot.roundsDone} and what is whole of its log, with --resume-from-previous`,
        );
    }
    return {
      ...whole,
      number,
      newest,
      entries: log.entries,
      records: whole.last,
      segment: log.last,
      untrusted: [...untrusted, ...segments.filter((other) => other > log.last.number).map(logFile)],
      notices: faults,
    };
  }
  throw new Error(faults.join("; ") || `${checkpointFile(newest)}: there is no such file`);
}

interface Chain {
  readonly entries: readonly LogEntry<RunEntry>[];
  readonly last: { readonly number: number; readonly bytes: number };
  readonly fault: string | null;
}

/** Segments from `first` on as far as they can be trusted; up to `newest`, or something is missing. */
async function readChain(
  disk: Disk,
  directory: string,
  runId: string,
  first: number,
  newest: number,
): Promise<Chain> {
  const entries: LogEntry<RunEntry>[] = [];
  for (let number = first; ; ) {
    const name = logFile(number);
    const end = (fault: string | null, bytes: number): Chain => ({ entries, last: { number, bytes }, fault });
    let log: DecodedLog;
    try {
      log = decodeLog(await disk.read(join(directory, name)));
    } catch (error) {
      return end(`${name}: cannot be read (${(error as NodeJS.ErrnoException).code ?? "malformed"})`, 0);
    }
    let next: number | null = null;
    let headed = false;
    for (const { entry, payload } of log.entries) {
      const item = entry as SegmentHeader | SegmentEnd | RunEntry;
      if (item.kind === "segment") {
        if (item.format !== FOLDER_FORMAT) return end(ofAnotherVersion(name, item.format), 0);
        if (item.runId !== runId || item.number !== number)
          return end(`${name}: it is the log of another run`, 0);
        headed = true;
      } else if (item.kind === "sealed") next = item.next;
      else entries.push({ entry: item, payload });
    }
    if (log.damaged) return end(`${name}: damaged after ${log.wholeBytes} bytes`, log.wholeBytes);
    if (!headed && log.entries.length > 0) return end(`${name}: it has no beginning`, 0);
    if (number === newest) return end(null, log.wholeBytes);
    if (next === null) return end(`${name}: it ends before ${logFile(newest)} begins`, log.wholeBytes);
    number = next;
  }
}

async function attempt<T>(work: () => Promise<T>, faults: string[]): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    faults.push((error as Error).message);
    return null;
  }
}

/** Ascending. */
const numbersIn = (names: readonly string[], pattern: RegExp): number[] =>
  names
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
