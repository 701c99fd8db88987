/**
 * A run in PostgreSQL: a place holds it as a folder would, and whoever has the place's lease writes there. What a checkpoint
 * covers, the checkpoint itself and the rounds that became final with it are changed in one transaction.
 */
import { randomUUID } from "node:crypto";
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import type { PoolClient } from "pg";
import type { ListedRun, RunStatus } from "../../runs/listed-run.ts";
import type { Quotas } from "../../runs/quota-problem.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { FOLDER_FORMAT, sha256 } from "../checkpoint-files.ts";
import type { RunStore } from "../run-store.ts";
import type { Database } from "./database.ts";
import { type EntryWriter, openEntryWriter } from "./entry-writer.ts";
import { listRuns } from "./kept-runs.ts";
import { LEASE, type Lease, type LeaseTimes, Ousted } from "./lease.ts";
import { openPlace, type PlaceOptions } from "./place.ts";
import { readQuotas } from "./quotas.ts";
import { Damage, readRounds, readRows } from "./stored-rows.ts";
import { dropOldUploads, readUpload, type UploadKey } from "./uploads.ts";

export interface RunDatabase extends RunStore {
  /** Settings of the run that is kept here, whoever writes it; null when there is none. */
  config(): Promise<RunConfig | null>;
  /** Waits until nobody else writes here, and does from then on. @param waits told what for, whenever that changes */
  standBy(waits: (reason: string) => void): Promise<void>;
  /** Of the lease it holds: larger than those of whoever had the run before. */
  readonly fence: number;
  /** What the database calls the run that is kept here. */
  readonly id: string;
  /** The bytes of an upload that a gateway has kept. @throws when they are not there */
  upload(key: UploadKey): Promise<Uint8Array>;
  /** Resolves with a sentence when another coordinator writes here now: this one has nothing to say any more. */
  readonly ousted: Promise<string>;
  /** What the list of runs shows of this one from now on. */
  show(status: () => RunStatus): void;
  /** This run and those beside it. */
  list(): Promise<readonly ListedRun[]>;
  quotas(): Promise<Quotas>;
}

/** How long a run that is to be continued may be out of reach. */
const LOAD_MS = 20_000;
const NOTHING = new Uint8Array(0);

/** @param name what the operator calls the place; it lets go of the database when it is closed */
export function createRunDatabase(
  database: Database,
  name: string,
  {
    times = LEASE,
    unfit = () => null,
  }: { readonly times?: LeaseTimes } & Partial<Pick<PlaceOptions, "unfit">> = {},
): RunDatabase {
  const where = `PostgreSQL ${database.name}, run "${name}"`;
  let status: () => RunStatus | null = () => null;
  const place = openPlace(database, { name, times, unfit, status: () => status() });
  let run = "";
  let entries: EntryWriter | null = null;
  /** Of the newest checkpoint. */
  let newest = -1;
  /** Rounds that are there. */
  let roundsWritten = 0;
  let unwritten: readonly RoundRecord[] = [];
  let beginning: Promise<void> | null = null;
  let checkpointing: Promise<void> | null = null;
  let results: Promise<void> = Promise.resolve();
  let failure: Error | null = null;
  let closing: Promise<void> | null = null;

  /** What goes wrong is tried again, and seen as trouble meanwhile. */
  const patiently = async (work: (client: PoolClient) => Promise<void>): Promise<void> => {
    await database.transact(
      async (client) => {
        await work(client);
        await (place.lease as Lease).check(client);
      },
      (error) => {
        failure = error;
        return closing === null && !(error.cause instanceof Ousted);
      },
    );
    failure = null;
  };

  async function write(
    number: number,
    checkpoint: Checkpoint,
    adapter: Float32Array,
    covers: number,
  ): Promise<void> {
    const records = unwritten;
    const first = roundsWritten + 1;
    const body = JSON.stringify(checkpoint);
    const values = Buffer.from(
      adapter.buffer.slice(adapter.byteOffset, adapter.byteOffset + adapter.byteLength),
    );
    await patiently(async (client) => {
      await client.query(
        `INSERT INTO fedlodrop.rounds (run, round, record)
         SELECT $1, * FROM unnest($2::int[], $3::text[]) ON CONFLICT DO NOTHING`,
        [run, records.map((_, i) => first + i), records.map((record) => JSON.stringify(record))],
      );
      await client.query(
        `INSERT INTO fedlodrop.checkpoints (run, number, format, covers, rounds, body, body_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
        [run, number, FOLDER_FORMAT, covers, first - 1 + records.length, body, sha256(body)],
      );
      await client.query(
        `INSERT INTO fedlodrop.adapters (run, number, values_f32, sha256)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [run, number, values, sha256(values)],
      );
      await client.query("UPDATE fedlodrop.runs SET config = $2 WHERE id = $1", [
        run,
        JSON.stringify(checkpoint.snapshot.config),
      ]);
      // The newest two are kept, and every entry behind the older one.
      await client.query("DELETE FROM fedlodrop.checkpoints WHERE run = $1 AND number < $2", [
        run,
        number - 1,
      ]);
      await client.query(
        `DELETE FROM fedlodrop.entries WHERE run = $1
         AND number <= (SELECT min(covers) FROM fedlodrop.checkpoints WHERE run = $1)`,
        [run],
      );
      await dropOldUploads(client, run);
    });
    roundsWritten += records.length;
    unwritten = unwritten.slice(records.length);
  }

  async function beginAnew(checkpoint: Checkpoint, adapter: Float32Array): Promise<void> {
    await checkpointing;
    await entries?.drained();
    const held = await place.hold();
    run = randomUUID();
    newest = 0;
    roundsWritten = 0;
    unwritten = [];
    entries = openEntryWriter(database, held, run, 0);
    await patiently(async (client) => {
      await client.query(
        "INSERT INTO fedlodrop.runs (id, place, run_id, config) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [run, name, checkpoint.runId, JSON.stringify(checkpoint.snapshot.config)],
      );
      await client.query("UPDATE fedlodrop.places SET run = $2 WHERE name = $1", [name, run]);
    });
    await write(0, checkpoint, adapter, 0);
  }

  return {
    ousted: place.ousted,

    get fence() {
      return place.lease?.fence ?? 0;
    },

    get id() {
      return run;
    },

    async upload(key) {
      const rows = { query: askingAgain(database) };
      const bytes = await readUpload(rows as Pick<PoolClient, "query">, run, key);
      if (bytes === null)
        throw new Error(`${where}: the upload of ${key.participantId} in round ${key.round} is not there`);
      return Uint8Array.from(bytes); // aligned
    },

    show(shown) {
      status = shown;
    },
    list: () => listRuns(database),
    quotas: () => database.transact(readQuotas),

    async config() {
      return database.transact(async (client) => {
        const { rows } = await client.query<{ config: string }>(
          "SELECT config FROM fedlodrop.runs WHERE id = (SELECT run FROM fedlodrop.places WHERE name = $1)",
          [name],
        );
        return rows[0] ? (JSON.parse(rows[0].config) as RunConfig) : null;
      });
    },

    standBy: place.standBy,

    async load({ fromPrevious } = { fromPrevious: false }) {
      const held = await place.hold();
      try {
        const until = performance.now() + LOAD_MS;
        const mayPass = ({ cause }: Error): boolean =>
          !(cause instanceof Damage || cause instanceof Ousted) && performance.now() < until;
        const found = await database.transact(async (client) => {
          const { rows } = await client.query<{ run: string | null }>(
            "SELECT run FROM fedlodrop.places WHERE name = $1",
            [name],
          );
          const kept = rows[0]?.run ?? null;
          if (kept === null) throw new Damage("there is no run");
          const read = await readRows(client, kept, fromPrevious);
          // What cannot be trusted, and what followed a gap.
          await client.query("DELETE FROM fedlodrop.checkpoints WHERE run = $1 AND number > $2", [
            kept,
            read.number,
          ]);
          await client.query("DELETE FROM fedlodrop.entries WHERE run = $1 AND number > $2", [
            kept,
            read.last,
          ]);
          await client.query("DELETE FROM fedlodrop.rounds WHERE run = $1 AND round > $2", [
            kept,
            read.rounds,
          ]);
          await held.check(client);
          run = kept;
          return read;
        }, mayPass);
        newest = found.number;
        roundsWritten = found.rounds;
        entries = openEntryWriter(database, held, run, found.last);
        return found;
      } catch (cause) {
        await place.release();
        const { message } = cause as Error;
        throw new Error(`${where}: ${message.replace(`PostgreSQL ${database.name}: `, "")}`, { cause });
      }
    },

    begin(checkpoint, adapter) {
      const work = beginAnew(checkpoint, adapter);
      beginning = work
        .catch(() => {})
        .finally(() => {
          beginning = null;
        });
      return work;
    },

    async append(entry, payload = NOTHING) {
      if (beginning !== null) await beginning;
      await entries?.append(entry, payload);
    },

    async checkpoint(checkpoint, adapter, records) {
      if (beginning !== null) {
        // What the new run's first checkpoint has in it is not its to tell again; its records are nobody's yet.
        await beginning;
        unwritten = [...unwritten, ...records];
        return false;
      }
      unwritten = [...unwritten, ...records];
      if (checkpointing !== null) {
        await checkpointing;
        return false;
      }
      newest += 1;
      checkpointing = write(newest, checkpoint, adapter, entries?.last ?? 0)
        .catch((error: Error) => {
          failure = error;
        })
        .finally(() => {
          checkpointing = null;
        });
      await checkpointing;
      return true;
    },

    async results(report, adapterFile) {
      results = results.then(async () => {
        try {
          let text = "";
          for await (const chunk of report) text += chunk;
          await patiently(async (client) => {
            await client.query(
              "UPDATE fedlodrop.runs SET report = $2, adapter_file = $3, results_at = clock_timestamp() WHERE id = $1",
              [run, text, Buffer.from(adapterFile)],
            );
          });
        } catch (error) {
          failure = error as Error;
        }
      });
      await results;
    },

    async *records(from = 1) {
      await checkpointing;
      const rest = unwritten;
      const written = roundsWritten;
      const rows = { query: askingAgain(database) };
      yield* readRounds(rows as Pick<PoolClient, "query">, run, from, written);
      yield* rest.filter(({ round }) => round >= from);
    },

    get trouble() {
      const error = entries?.trouble ?? failure;
      return error === null || error.cause instanceof Ousted
        ? null
        : `the run waits for its store: ${error.message}`;
    },

    close() {
      closing ??= letGo();
      return closing;
    },
  };

  async function letGo(): Promise<void> {
    await beginning;
    await checkpointing;
    await results;
    await entries?.close();
    await place.release();
    await database.close();
  }
}

/** Each question a transaction of its own. */
const askingAgain =
  (database: Database) =>
  (text: string, values: unknown[]): Promise<unknown> =>
    database.transact((client) => client.query(text, values));
