/**
 * A run in a folder:
 *
 *   checkpoint-N.json, adapter-N.f32   the two newest checkpoints
 *   log-N.bin                          what has happened since checkpoint N
 *   metrics.jsonl                      one final RoundRecord a line
 *   events.out.tfevents                the same rounds' scalars, for TensorBoard
 *   config.json                        the configuration, for readers; the checkpoint has its own
 *   report.json, adapter.safetensors   the results so far
 *   lock                               who writes here
 *
 * The log is synced before anything that it tells is announced; checkpoints are written beside it and only shorten it.
 */
import { join } from "node:path";
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import type { Checkpoint } from "./checkpoint.ts";
import { FOLDER_FORMAT, replaceFile, writeCheckpoint } from "./checkpoint-files.ts";
import { type Disk, nodeDisk } from "./disk.ts";
import { setAsideEarlierRun } from "./earlier-run.ts";
import { createEventFile, EVENT_FILE, type EventFile } from "./event-file.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { logFile, readFolder } from "./folder-reader.ts";
import { encodeFrame } from "./log-frames.ts";
import { type LogWriter, openLogWriter, type SegmentHeader } from "./log-writer.ts";
import {
  appendRecords,
  emptyMetrics,
  METRICS_FILE,
  type MetricsCursor,
  readRecords,
} from "./metrics-file.ts";
import type { RunStore } from "./run-store.ts";

export interface RunFolderOptions {
  readonly disk?: Disk;
  readonly lock?: (directory: string) => Promise<FolderLock>;
}

const CONFIG_FILE = "config.json";
const NOTHING = new Uint8Array(0);

export function createRunFolder(
  directory: string,
  { disk = nodeDisk, lock = lockFolder }: RunFolderOptions = {},
): RunStore {
  const path = (name: string): string => join(directory, name);
  let held: FolderLock | null = null;
  let log: LogWriter | null = null;
  let runId = "";
  /** Of the newest checkpoint or segment. */
  let newest = -1;
  /** Of the checkpoints that can be trusted, the older first. */
  let kept: readonly number[] = [];
  let configWritten: RunConfig | null = null;
  let metrics: MetricsCursor = emptyMetrics(1);
  /** Final, and not in the file yet. */
  let unwritten: readonly RoundRecord[] = [];
  const eventsOf = (): EventFile =>
    createEventFile(disk, path(EVENT_FILE), () => readRecords(disk, path(METRICS_FILE), metrics.extent, 1));
  let events = eventsOf();
  let begun = false;
  let beginning: Promise<void> | null = null;
  let checkpointing: Promise<void> | null = null;
  let failure: Error | null = null;
  let resultsFailure: Error | null = null;
  let results: Promise<void> = Promise.resolve();

  const header = (number: number): SegmentHeader => ({
    kind: "segment",
    format: FOLDER_FORMAT,
    runId,
    number,
  });
  const encoded = (value: unknown): Uint8Array =>
    new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

  async function takeLock(): Promise<void> {
    held ??= await lock(directory);
  }

  async function letGo(): Promise<void> {
    await held?.release();
    held = null;
  }

  /** Everything that a restart needs, under the next number; throws when the disk does not take it. */
  async function writeAll(checkpoint: Checkpoint, adapter: Float32Array): Promise<void> {
    const number = newest + 1;
    newest = number;
    const writer = log as LogWriter;
    const wasBroken = writer.failure !== null;
    // At once: what is appended from now on has happened after this checkpoint.
    const turning = writer.turn(header(number));
    const records = unwritten;
    if (!(await turning)) throw writer.failure ?? new Error("the log cannot be written");
    try {
      metrics = await appendRecords(disk, path(METRICS_FILE), await standingMetrics(checkpoint), records);
      unwritten = unwritten.slice(records.length);
      const { config } = checkpoint.snapshot;
      if (config !== configWritten) await replaceFile(disk, path(CONFIG_FILE), [encoded(config)]);
      configWritten = config;
      await writeCheckpoint(disk, directory, number, { checkpoint, adapter, metrics: metrics.extent });
    } catch (error) {
      // The log is as good as the segment before it, and that one has a gap.
      if (wasBroken) writer.fail(error as Error);
      throw error;
    }
    kept = [...kept.slice(-1), number];
    await removeSuperfluous();
    // Nothing depends on it, and what it lacks is written at the next addition.
    await events.append(records).catch(() => {});
  }

  /** What the file has; another start when it has been deleted. */
  async function standingMetrics({ snapshot }: Checkpoint): Promise<MetricsCursor> {
    const names = await disk.list(directory);
    if (names.includes(METRICS_FILE)) return metrics;
    return emptyMetrics(snapshot.roundsDone - snapshot.openRecords.length - unwritten.length + 1);
  }

  /** `config.json` is for readers; whoever has changed it should know. */
  async function configNotice({ snapshot }: Checkpoint): Promise<readonly string[]> {
    const written = await disk.read(path(CONFIG_FILE)).catch(() => null);
    if (written !== null && Buffer.compare(written, encoded(snapshot.config)) === 0) return [];
    return [`${CONFIG_FILE}: not as it was written; the run goes on with its own configuration`];
  }

  async function removeSuperfluous(): Promise<void> {
    const oldest = kept[0] as number;
    for (const name of await disk.list(directory)) {
      const [, kind, digits] = /^(checkpoint|adapter|log)-(\d+)\.(?:json|f32|bin)$/.exec(name) ?? [];
      if (kind === undefined) continue;
      const number = Number(digits);
      if (kind === "log" ? number < oldest : !kept.includes(number) && number <= newest)
        await disk.remove(path(name));
    }
  }

  /** What is appended meanwhile waits for it. */
  function begin(checkpoint: Checkpoint, adapter: Float32Array): Promise<void> {
    begun = false;
    const work = beginAnew(checkpoint, adapter);
    beginning = work
      .then(
        () => {
          begun = true;
          failure = null;
        },
        (error: Error) => {
          failure = error;
        },
      )
      .finally(() => {
        beginning = null;
      });
    return work;
  }

  async function beginAnew(checkpoint: Checkpoint, adapter: Float32Array): Promise<void> {
    await checkpointing;
    await log?.close().catch(() => {});
    log = null;
    await disk.makeDirectory(directory);
    await takeLock();
    // A beginning that failed leaves nothing worth keeping.
    if (kept.length > 0 || runId !== checkpoint.runId) await setAsideEarlierRun(disk, directory);
    ({ runId } = checkpoint);
    log = openLogWriter(disk, directory, (number) => path(logFile(number)), null);
    newest = -1;
    kept = [];
    metrics = emptyMetrics(1);
    events = eventsOf();
    unwritten = [];
    configWritten = null;
    await writeAll(checkpoint, adapter);
  }

  return {
    async load({ fromPrevious } = { fromPrevious: false }) {
      try {
        if ((await disk.list(directory)).length > 0) await takeLock();
        const found = await readFolder(disk, directory, fromPrevious);
        for (const name of found.untrusted) await disk.rename(path(name), path(`${name}.damaged`));
        for (const name of await disk.list(directory))
          if (name.endsWith(".part")) await disk.remove(path(name));
        ({ newest } = found);
        runId = found.checkpoint.runId;
        kept = [found.number];
        metrics = found.cursor;
        const file = await disk.openFile(path(logFile(found.segment.number)));
        await file.truncate(found.segment.bytes);
        log = openLogWriter(disk, directory, (number) => path(logFile(number)), file);
        if (found.segment.bytes === 0) {
          await file.append(encodeFrame([{ entry: header(found.segment.number), payload: NOTHING }]));
          await file.sync();
        }
        await disk.syncDirectory(directory);
        begun = true;
        return { ...found, notices: [...found.notices, ...(await configNotice(found.checkpoint))] };
      } catch (cause) {
        await letGo();
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(why.startsWith("run folder") ? why : `run folder ${directory}: ${why}`, { cause });
      }
    },

    begin,

    async append(entry, payload = NOTHING) {
      if (beginning !== null) await beginning;
      await log?.append(entry, payload);
    },

    async checkpoint(checkpoint, adapter, records) {
      unwritten = [...unwritten, ...records];
      if (checkpointing !== null) {
        await checkpointing;
        return false;
      }
      if (!begun) {
        await begin(checkpoint, adapter).catch(() => {});
        return true;
      }
      checkpointing = writeAll(checkpoint, adapter)
        .then(
          () => {
            failure = null;
          },
          (error: Error) => {
            failure = error;
          },
        )
        .finally(() => {
          checkpointing = null;
        });
      await checkpointing;
      return true;
    },

    async results(report, adapterBytes) {
      results = results.then(async () => {
        try {
          await replaceFile(disk, path("report.json"), encodedChunks(report));
          await replaceFile(disk, path("adapter.safetensors"), [adapterBytes]);
          await disk.syncDirectory(directory);
          resultsFailure = null;
        } catch (error) {
          resultsFailure = error as Error;
        }
      });
      await results;
    },

    async *records(from = 1) {
      // What is being written may be in both, or in neither, for a moment.
      await checkpointing;
      const { extent } = metrics;
      const rest = unwritten;
      yield* readRecords(disk, path(METRICS_FILE), extent, from);
      yield* rest.filter(({ round }) => round >= from);
    },

    get trouble() {
      const error = log?.failure ?? failure ?? resultsFailure;
      return error == null ? null : `the run is not being stored in ${directory}: ${error.message}`;
    },

    async close() {
      await beginning;
      await checkpointing;
      await results;
      await log?.close();
      log = null;
      await letGo();
    },
  };
}

async function* encodedChunks(text: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const chunk of text) yield encoder.encode(chunk);
}
