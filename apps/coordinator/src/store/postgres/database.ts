/** Connections to one PostgreSQL server, and work that is tried again. */
import { setTimeout } from "node:timers/promises";
import { Pool, type PoolClient } from "pg";
import { migrate } from "./migrations.ts";

export interface Database {
  /** Host, port and database: what may be shown of its address. */
  readonly name: string;
  /**
   * Does the work in one transaction. A failure begins it anew when `waits` says so, and the work itself may have been
   * done when the word of it was lost: what it writes must be able to be there already.
   * @throws in one line that names the database
   */
  transact<T>(work: (client: PoolClient) => Promise<T>, waits?: Waiting): Promise<T>;
  close(): Promise<void>;
}

/** Asked after each failure; false gives up. */
export type Waiting = (failure: Error) => boolean;

const NEVER: Waiting = () => false;
const CONNECT_MS = 3_000;
/** Over a network that has gone silent nothing ever fails by itself. */
const QUERY_MS = 20_000;
const RETRY_MS = 200;

/** @throws in one line when the address is none, nobody answers there, or its tables are not ours. */
export async function openDatabase(address: string): Promise<Database> {
  const name = nameOf(address);
  const pool = new Pool({
    connectionString: address,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
    application_name: "fedlodrop",
  });
  pool.on("error", ignore); // an idle connection that breaks; the next one tells
  // Nobody else listens to one that is being given up, and an error that nobody hears ends the process.
  pool.on("connect", (client) => client.on("error", ignore));

  const database: Database = {
    name,
    async transact(work, waits = NEVER) {
      for (;;) {
        try {
          return await once(pool, work);
        } catch (cause) {
          const failure = new Error(`PostgreSQL ${name}: ${inWords(cause)}`, { cause });
          if (!waits(failure)) throw failure;
          await setTimeout(RETRY_MS);
        }
      }
    },
    close: () => pool.end(),
  };
  try {
    await database.transact((client) => migrate(client));
  } catch (error) {
    await pool.end();
    throw error;
  }
  return database;
}

async function once<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("BEGIN");
    const value = await work(client);
    await client.query("COMMIT");
    broken = false;
    return value;
  } catch (error) {
    if (!isOutage(error))
      broken = await client.query("ROLLBACK").then(
        () => false,
        () => true,
      );
    throw error;
  } finally {
    client.release(broken);
  }
}

const ignore = (): void => {};

function nameOf(address: string): string {
  if (!URL.canParse(address) || !/^postgres(ql)?:$/.test(new URL(address).protocol))
    throw new Error(
      "expected a PostgreSQL address as postgres://USER@HOST:PORT/DATABASE, got something else",
    );
  const { hostname, port, pathname } = new URL(address);
  return `${hostname || "localhost"}:${port || 5432}${pathname}`;
}

/** SQLSTATE classes and codes of a server that goes, comes, or has no room just now. */
const OUTAGE = /^(08|57P0[123]|53|40001|40P01|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)/;
const OUTAGE_WORDS = /connection terminated|connection error|timeout|read timeout|not queryable/i;

function isOutage(error: unknown): boolean {
  const { code = "", message } = error as { code?: string; message: string };
  return OUTAGE.test(code) || (code === "" && OUTAGE_WORDS.test(message));
}

function inWords(error: unknown): string {
  const { code, message, errors } = error as { code?: string; message: string; errors?: readonly Error[] };
  if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND") return "there is no such host (ENOTFOUND)";
  return message || errors?.[0]?.message || code || "it cannot be reached";
}
