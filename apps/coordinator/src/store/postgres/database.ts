/** Connections to one PostgreSQL server, and work that is tried again. */
import { setTimeout } from "node:timers/promises";
import { Pool, type PoolClient } from "pg";
import { expectCurrent, migrate } from "./migrations.ts";

export interface Database {
  /** Host, port and database: what may be shown of its address. */
  readonly name: string;
  /**
   * Does the work in one transaction. A failure begins it anew when `waits` says so, and when it is the connection that
   * broke: the server ends a transaction in which this process was too busy to go on. The work itself may have been done
   * when the word of it was lost: what it writes must be able to be there already.
   * @throws in one line that names the database, with the failure as its cause
   */
  transact<T>(work: (client: PoolClient) => Promise<T>, waits?: Waiting): Promise<T>;
  /** The same once, on connections that nothing long ever uses, and given up after a moment. */
  transactNow<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Asked after each failure; false gives up. */
type Waiting = (failure: Error) => boolean;

const CONNECT_MS = 3_000;
/** Over a network that has gone silent nothing ever fails by itself. */
const QUERY_MS = 20_000;
const MOMENT_MS = 1_000;
const RETRY_MS = 200;
/** How often in a row a connection may break in the midst of something that nobody waits for. */
const BREAKS = 3;
/**
 * The server ends a transaction whose program is silent for so long: one that is frozen, or cut off, holds locks that
 * its successor waits for, also in the midst of a statement that has not arrived whole.
 */
const SILENCE_MS = 2_000;

/**
 * For a coordinator, which brings the tables up to date, or for somebody who only looks.
 * @throws in one line when the address is none, nobody answers there, or its tables are not ours
 */
export async function openDatabase(address: string, purpose: "write" | "look" = "write"): Promise<Database> {
  const name = nameOf(address);
  const common = { connectionString: address, keepAlive: true, application_name: "fedlodrop" };
  const pool = new Pool({
    ...common,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  });
  const quick = new Pool({
    ...common,
    max: 2,
    connectionTimeoutMillis: MOMENT_MS,
    query_timeout: MOMENT_MS,
  });
  for (const each of [pool, quick]) {
    each.on("error", ignore); // an idle connection that breaks; the next one tells
    // Nobody else listens to one that is being given up, and an error that nobody hears ends the process.
    each.on("connect", (client) => client.on("error", ignore));
  }
  const inWords = (cause: unknown): Error => new Error(`PostgreSQL ${name}: ${faultOf(cause)}`, { cause });

  const database: Database = {
    name,
    async transact(work, waits = () => false) {
      for (let breaks = 0; ; ) {
        try {
          return await once(pool, work);
        } catch (cause) {
          const failure = inWords(cause);
          if (hasBroken(cause)) breaks += 1;
          const mayPass = hasBroken(cause) && breaks <= BREAKS;
          if (!waits(failure) && !mayPass) throw failure;
          await setTimeout(RETRY_MS);
        }
      }
    },
    async transactNow(work) {
      try {
        return await once(quick, async (client) => {
          await client.query(`SET LOCAL lock_timeout = ${MOMENT_MS / 2}`);
          return work(client);
        });
      } catch (cause) {
        throw inWords(cause);
      }
    },
    async close() {
      await Promise.all([pool.end(), quick.end()]);
    },
  };
  try {
    await database.transact((client) => (purpose === "write" ? migrate(client) : expectCurrent(client)));
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function once<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let whole = false;
  try {
    await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${SILENCE_MS}`);
    const value = await work(client);
    await client.query("COMMIT");
    whole = true;
    return value;
  } finally {
    // A transaction that failed ends with its connection, whatever state that is in.
    client.release(!whole);
  }
}

/** A connection that was there, as the server or the driver say it. */
const hasBroken = (cause: unknown): boolean =>
  /^(57P01|25P03)$/.test((cause as { code?: string }).code ?? "") ||
  /connection error and is not queryable|Connection terminated unexpectedly/.test((cause as Error).message);

const ignore = (): void => {};

function nameOf(address: string): string {
  if (!URL.canParse(address) || !/^postgres(ql)?:$/.test(new URL(address).protocol))
    throw new Error(
      "expected a PostgreSQL address as postgres://USER@HOST:PORT/DATABASE, got something else",
    );
  const { hostname, port, pathname } = new URL(address);
  return `${hostname || "localhost"}:${port || 5432}${pathname}`;
}

function faultOf(error: unknown): string {
  const { code, message, errors } = error as { code?: string; message: string; errors?: readonly Error[] };
  if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND") return "there is no such host (ENOTFOUND)";
  return message || errors?.[0]?.message || code || "it cannot be reached";
}
