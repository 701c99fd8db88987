/**
 * What a run leaves on disk, so that a restart of the coordinator loses at most the open round:
 *
 *   config.json          the configuration of the run
 *   metrics.jsonl        one RoundRecord a line
 *   adapter-ROUND.f32    the full adapter after that round, little-endian f32
 *   checkpoint.json      written last: which of the above belong together, and who had joined
 *   report.json, adapter.safetensors   the results so far
 *
 * Files are replaced by a rename, so that a reader never sees half of one.
 */
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RoundRecord, type RunConfig, type RunReport, runConfigSchema } from "@fedlodrop/run";
import { z } from "zod";
import type { AccessRecord } from "../security/access.ts";

const checkpointSchema = z.object({
  runId: z.string(),
  roundsDone: z.int().min(0),
  adapterFile: z.string().regex(/^adapter-\d+\.f32$/),
  baseTestLoss: z.number().nullable(),
  participants: z.array(z.object({ id: z.string(), nickname: z.string(), kicked: z.boolean() })),
  sessions: z.array(z.object({ participantId: z.string(), tokenDigest: z.string() })),
});
type Checkpoint = Omit<z.infer<typeof checkpointSchema>, "adapterFile">;

export interface StoredRun extends Checkpoint {
  readonly config: RunConfig;
  readonly adapter: Float32Array;
  readonly records: readonly RoundRecord[];
  readonly access?: AccessRecord;
}

export interface RunStore {
  /** Starts a run; what an earlier one left in this folder moves into a folder of its own in it. */
  begin(config: RunConfig): Promise<void>;
  /** What the rounds' file holds from now on: an evaluation has come in, or the checkpoint has fewer. */
  replaceRounds(records: readonly RoundRecord[]): Promise<void>;
  saveConfig(config: RunConfig): Promise<void>;
  appendRound(record: RoundRecord): Promise<void>;
  saveCheckpoint(checkpoint: Checkpoint, adapter: Float32Array): Promise<void>;
  saveResults(report: RunReport, adapterFile: Uint8Array): Promise<void>;
}

/** Writes happen one after another, in the order of the calls. */
export function createStore(directory: string): RunStore {
  let queue: Promise<void> = Promise.resolve();
  const path = (name: string): string => join(directory, name);
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(work);
    queue = done.catch(() => {}); // The caller hears of it; later writes go on.
    return done;
  };
  const replace = async (name: string, content: string | Uint8Array): Promise<void> => {
    await writeFile(path(`${name}.part`), content);
    await rename(path(`${name}.part`), path(name));
  };
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const lines = (records: readonly RoundRecord[]): string =>
    records.map((record) => `${JSON.stringify(record)}\n`).join("");

  return {
    begin: (config) =>
      enqueue(async () => {
        await mkdir(directory, { recursive: true });
        await archiveEarlierRun(directory);
        await replace("config.json", json(config));
        await replace("metrics.jsonl", "");
      }),
    replaceRounds: (records) => enqueue(() => replace("metrics.jsonl", lines(records))),
    saveConfig: (config) => enqueue(() => replace("config.json", json(config))),
    appendRound: (record) => enqueue(() => appendFile(path("metrics.jsonl"), lines([record]))),
    saveCheckpoint: (checkpoint, adapter) =>
      enqueue(async () => {
        const adapterFile = `adapter-${checkpoint.roundsDone}.f32`;
        await replace(adapterFile, new Uint8Array(adapter.buffer, adapter.byteOffset, adapter.byteLength));
        await replace("checkpoint.json", json({ ...checkpoint, adapterFile }));
        for (const name of await readdir(directory))
          if (/^adapter-\d+\.f32$/.test(name) && name !== adapterFile) await rm(path(name));
      }),
    saveResults: (report, adapterFile) =>
      enqueue(async () => {
        await replace("report.json", json(report));
        await replace("adapter.safetensors", adapterFile);
      }),
  };
}

const RUN_FILE = /^(?:(?:config|checkpoint|report)\.json|metrics\.jsonl|adapter(?:-\d+\.f32|\.safetensors))$/;

async function archiveEarlierRun(directory: string): Promise<void> {
  const checkpoint = await readFile(join(directory, "checkpoint.json"), "utf8").catch(() => null);
  if (checkpoint === null) return;
  const archive = join(directory, runIdIn(checkpoint) ?? (await timeOf(join(directory, "checkpoint.json"))));
  await mkdir(archive, { recursive: true });
  for (const name of (await readdir(directory)).filter((name) => RUN_FILE.test(name)))
    await rename(join(directory, name), join(archive, name));
}

/** Undefined for a checkpoint that cannot be read: what is left of such a run is kept all the same. */
function runIdIn(checkpoint: string): string | undefined {
  try {
    return checkpointSchema.parse(JSON.parse(checkpoint)).runId;
  } catch {
    return undefined;
  }
}

/** When a file was last written, as a name. */
const timeOf = async (path: string): Promise<string> =>
  (await stat(path)).mtime.toISOString().replaceAll(":", "-");

/** The run stored in `directory`. Throws in one line when there is none or it cannot be read. */
export async function readStoredRun(directory: string): Promise<StoredRun> {
  try {
    const text = (name: string): Promise<string> => readFile(join(directory, name), "utf8");
    const { adapterFile, ...checkpoint } = checkpointSchema.parse(JSON.parse(await text("checkpoint.json")));
    const lines = (await text("metrics.jsonl")).split("\n").slice(0, checkpoint.roundsDone);
    const bytes = await readFile(join(directory, adapterFile));
    return {
      ...checkpoint,
      config: runConfigSchema.parse(JSON.parse(await text("config.json"))),
      records: lines.map((line) => JSON.parse(line) as RoundRecord),
      // A copy: a file's buffer need not be aligned to four bytes.
      adapter: new Float32Array(Uint8Array.from(bytes).buffer),
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`run folder ${directory}: cannot be continued (${why})`, { cause });
  }
}
