/** The tables, version by version: each migration is applied once, whole or not at all. */
import type { ClientBase } from "pg";

/** Never changed once released; a change of the tables is another migration at the end. */
const MIGRATIONS: readonly string[] = [
  `
  -- A place is what an operator names: it holds one run at a time, and one coordinator writes there.
  CREATE TABLE fedlodrop.places (
    name text PRIMARY KEY,
    run uuid,
    holder text,
    -- Grows with each holder: what an earlier one still sends is refused by it.
    fence bigint NOT NULL DEFAULT 0,
    held_until timestamptz
  );
  CREATE TABLE fedlodrop.runs (
    id uuid PRIMARY KEY,
    place text NOT NULL REFERENCES fedlodrop.places (name),
    run_id text NOT NULL,
    config text NOT NULL,
    begun timestamptz NOT NULL DEFAULT clock_timestamp(),
    report text,
    adapter_file bytea,
    results_at timestamptz
  );
  CREATE INDEX runs_by_place ON fedlodrop.runs (place, begun);
  CREATE TABLE fedlodrop.checkpoints (
    run uuid NOT NULL REFERENCES fedlodrop.runs (id) ON DELETE CASCADE,
    number integer NOT NULL,
    format integer NOT NULL,
    -- Entries up to this one are in it.
    covers bigint NOT NULL,
    -- Final rounds at that time.
    rounds integer NOT NULL,
    body text NOT NULL,
    body_sha256 text NOT NULL,
    PRIMARY KEY (run, number)
  );
  CREATE TABLE fedlodrop.adapters (
    run uuid NOT NULL,
    number integer NOT NULL,
    values_f32 bytea NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (run, number),
    FOREIGN KEY (run, number) REFERENCES fedlodrop.checkpoints (run, number) ON DELETE CASCADE
  );
  CREATE TABLE fedlodrop.rounds (
    run uuid NOT NULL REFERENCES fedlodrop.runs (id) ON DELETE CASCADE,
    round integer NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (run, round)
  );
  CREATE TABLE fedlodrop.entries (
    run uuid NOT NULL REFERENCES fedlodrop.runs (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    entry text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (run, number)
  );
  -- What was acknowledged, for ever: one line an update that was accepted.
  CREATE TABLE fedlodrop.receipts (
    run uuid NOT NULL REFERENCES fedlodrop.runs (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    round integer NOT NULL,
    participant text NOT NULL,
    bytes integer NOT NULL,
    sha256 text NOT NULL,
    fence bigint NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A number is used again when the end of a damaged log has been given up.
    PRIMARY KEY (run, fence, number)
  );
  `,
  `
  -- Bytes of updates that gateways have checked. They count for nothing until an entry names them.
  CREATE TABLE fedlodrop.uploads (
    run uuid NOT NULL REFERENCES fedlodrop.runs (id) ON DELETE CASCADE,
    round integer NOT NULL,
    participant text NOT NULL,
    sha256 text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (run, round, participant, sha256)
  );
  `,
  `
  -- What a place's holder says of its run, each time that it says that it is there.
  ALTER TABLE fedlodrop.places
    ADD COLUMN phase text, ADD COLUMN round integer, ADD COLUMN rounds integer, ADD COLUMN devices integer, ADD COLUMN url text;
  -- What the database's runs may take; without a row as much as they like.
  CREATE TABLE fedlodrop.quotas (
    name text PRIMARY KEY CHECK (name IN ('runs', 'devices', 'bytes')),
    most bigint NOT NULL CHECK (most > 0)
  );
  `,
];

/** Below it, what is used here is missing or was changed since. */
const OLDEST_SERVER = 120_000;
/** Any number that nobody else takes: migrations wait for one another. */
const MIGRATION_LOCK = 7_012_078;

/**
 * Brings the tables up to date; touches nothing when they are. Several programs may do so at once.
 * @throws in one line when the server is too old, the tables are of a newer program, or a migration failed
 */
export async function migrate(client: ClientBase, known: readonly string[] = MIGRATIONS): Promise<void> {
  await expectServer(client);
  if ((await versionOf(client, known.length)) === known.length) return;
  await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  if ((await versionOf(client, known.length)) === 0) {
    await client.query("CREATE SCHEMA IF NOT EXISTS fedlodrop");
    await client.query(
      "CREATE TABLE IF NOT EXISTS fedlodrop.migrations (number integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT clock_timestamp())",
    );
  }
  const done = await versionOf(client, known.length); // another program may have done it meanwhile
  for (let number = done + 1; number <= known.length; number++) {
    try {
      await client.query(known[number - 1] as string);
    } catch (cause) {
      throw new Error(`migration ${number} failed, and nothing was changed: ${(cause as Error).message}`, {
        cause,
      });
    }
    await client.query("INSERT INTO fedlodrop.migrations (number) VALUES ($1)", [number]);
  }
}

/** For whoever only looks. @throws in one line when the tables are not there, or of another program */
export async function expectCurrent(client: ClientBase): Promise<void> {
  await expectServer(client);
  const version = await versionOf(client, MIGRATIONS.length);
  if (version === 0) throw new Error("no coordinator has kept a run there yet");
  if (version < MIGRATIONS.length)
    throw new Error(
      `its tables are of an earlier program (version ${version}; this one reads ${MIGRATIONS.length}); look with that one, or start a coordinator of this one`,
    );
}

async function expectServer(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    "SELECT current_setting('server_version_num') AS version",
  );
  const version = Number(rows[0]?.version);
  if (!(version >= OLDEST_SERVER))
    throw new Error(
      `expected PostgreSQL ${OLDEST_SERVER / 10_000} or newer, got ${Math.floor(version / 10_000)}`,
    );
}

/** Migrations that have been applied; 0 without tables. */
async function versionOf(client: ClientBase, known: number): Promise<number> {
  const { rows: there } = await client.query<{ is_there: boolean }>(
    "SELECT to_regclass('fedlodrop.migrations') IS NOT NULL AS is_there",
  );
  if (there[0]?.is_there !== true) return 0;
  const { rows } = await client.query<{ version: number }>(
    "SELECT count(*)::int AS version FROM fedlodrop.migrations",
  );
  const version = rows[0]?.version ?? 0;
  if (version > known)
    throw new Error(
      `its tables are of a newer program (version ${version}; this one knows up to ${known}); start that one`,
    );
  return version;
}
