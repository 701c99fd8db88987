/** A run's rows, read back: only what has the checksum that was written with it is believed. */
import { faultInWords, type RoundRecord, roundRecordSchema } from "@fedlodrop/run";
import type { PoolClient } from "pg";
import { type Checkpoint, checkpointSchema } from "../checkpoint.ts";
import { adapterFromBytes, FOLDER_FORMAT, ofAnotherVersion, sha256 } from "../checkpoint-files.ts";
import type { LogEntry } from "../log-frames.ts";
import { RECORDS_REMEMBERED } from "../metrics-file.ts";
import type { RunEntry, StoredRun } from "../run-store.ts";
import { readUpload } from "./uploads.ts";

export interface StoredRows extends StoredRun {
  /** Of the checkpoint. */
  readonly number: number;
  /** Of the last entry. */
  readonly last: number;
  /** Final rounds at the checkpoint. */
  readonly rounds: number;
}

interface CheckpointRow {
  readonly number: number;
  readonly format: number;
  readonly covers: string;
  readonly rounds: number;
  readonly body: string;
  readonly body_sha256: string;
}

/** Throws in one line that names what is damaged, and what can be done. */
export async function readRows(client: PoolClient, run: string, fromPrevious: boolean): Promise<StoredRows> {
  const { rows: checkpoints } = await client.query<CheckpointRow>(
    "SELECT number, format, covers, rounds, body, body_sha256 FROM fedlodrop.checkpoints WHERE run = $1 ORDER BY number DESC",
    [run],
  );
  if (checkpoints.length === 0) throw new Damage("its run has no checkpoint");
  const faults: string[] = [];
  for (const row of checkpoints) {
    const whole = await attempt(() => readCheckpoint(client, run, row), faults);
    if (whole === null) continue;
    const { entries, fault } = await readEntries(client, run, Number(row.covers));
    if (fault !== null) {
      faults.push(fault);
      if (!fromPrevious)
        throw new Damage(
          `${faults.join("; ")}; it can go on from round ${whole.checkpoint.snapshot.roundsDone} and what is whole of its log, with --resume-from-previous`,
        );
    }
    return {
      ...{ ...whole, entries, notices: faults, rounds: row.rounds },
      ...{ number: row.number, last: Number(row.covers) + entries.length },
    };
  }
  throw new Damage(faults.join("; "));
}

/** Null with a fault for what is damaged; what merely cannot be read now is thrown. */
async function attempt<T>(work: () => Promise<T>, faults: string[]): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    faults.push(error.message);
    return null;
  }
}

/** What is there is not what was written. */
export class Damage extends Error {}

async function readCheckpoint(
  client: PoolClient,
  run: string,
  row: CheckpointRow,
): Promise<Pick<StoredRun, "checkpoint" | "adapter" | "records">> {
  const checkpoint = parseCheckpoint(row);
  const adapter = await readAdapter(client, run, row.number);
  const records: RoundRecord[] = [];
  for await (const record of readRounds(client, run, row.rounds - RECORDS_REMEMBERED + 1, row.rounds))
    records.push(record);
  return { checkpoint, adapter, records };
}

function parseCheckpoint(row: CheckpointRow): Checkpoint {
  const name = `checkpoint ${row.number}`;
  if (row.format !== FOLDER_FORMAT) throw new Damage(ofAnotherVersion(name, row.format));
  if (sha256(row.body) !== row.body_sha256)
    throw new Damage(`${name}: its checksum is not that of its content`);
  const checkpoint = checkpointSchema.safeParse(JSON.parse(row.body));
  if (!checkpoint.success) throw new Damage(`${name}: ${faultInWords(checkpoint.error)}`);
  return checkpoint.data;
}

async function readAdapter(client: PoolClient, run: string, number: number): Promise<Float32Array> {
  const { rows } = await client.query<{ values_f32: Buffer; sha256: string }>(
    "SELECT values_f32, sha256 FROM fedlodrop.adapters WHERE run = $1 AND number = $2",
    [run, number],
  );
  const [row] = rows;
  if (row === undefined) throw new Damage(`adapter ${number}: it is missing`);
  try {
    return adapterFromBytes(`adapter ${number}`, row.values_f32, row.sha256);
  } catch (cause) {
    throw new Damage((cause as Error).message, { cause });
  }
}

interface EntryRow {
  readonly number: string;
  readonly entry: string;
  readonly payload: Buffer;
}

/** Those behind a checkpoint, up to the first that is missing. */
async function readEntries(
  client: PoolClient,
  run: string,
  covers: number,
): Promise<{ readonly entries: readonly LogEntry<RunEntry>[]; readonly fault: string | null }> {
  const { rows } = await client.query<EntryRow>(
    "SELECT number, entry, payload FROM fedlodrop.entries WHERE run = $1 AND number > $2 ORDER BY number",
    [run, covers],
  );
  const entries: LogEntry<RunEntry>[] = [];
  for (const [i, row] of rows.entries()) {
    const number = covers + 1 + i;
    if (Number(row.number) !== number) return { entries, fault: `entry ${number} is missing` };
    const entry = JSON.parse(row.entry) as RunEntry;
    const payload = await payloadOf(client, run, entry, row.payload);
    if (payload === null) return { entries, fault: `the upload of entry ${number} is missing or damaged` };
    // A copy: payloads are read as 32-bit floats, and a row's need not be aligned.
    entries.push({ entry, payload: Uint8Array.from(payload) });
  }
  return { entries, fault: null };
}

async function payloadOf(
  client: PoolClient,
  run: string,
  entry: RunEntry,
  own: Buffer,
): Promise<Uint8Array | null> {
  if (entry.kind !== "event" || entry.upload === undefined || entry.event.kind !== "update-arrived")
    return own;
  const { round, participantId } = entry.event;
  return readUpload(client, run, { round, participantId, sha256: entry.upload.sha256 });
}

const PAGE = 200;

/** The final rounds from one to another, both included; a page of them at a time. */
export async function* readRounds(
  client: Pick<PoolClient, "query">,
  run: string,
  from: number,
  to: number,
): AsyncIterable<RoundRecord> {
  for (let next = Math.max(1, from); next <= to; next += PAGE) {
    const { rows } = await client.query<{ round: number; record: string }>(
      "SELECT round, record FROM fedlodrop.rounds WHERE run = $1 AND round BETWEEN $2 AND $3 ORDER BY round",
      [run, next, Math.min(to, next + PAGE - 1)],
    );
    for (const [i, row] of rows.entries()) {
      if (row.round !== next + i) throw new Damage(`round ${next + i} is missing`);
      const record = roundRecordSchema.safeParse(JSON.parse(row.record));
      if (!record.success) throw new Damage(`round ${row.round}: ${faultInWords(record.error)}`);
      yield record.data;
    }
    const expected = Math.min(to, next + PAGE - 1) - next + 1;
    if (rows.length < expected) throw new Damage(`round ${next + rows.length} is missing`);
  }
}
