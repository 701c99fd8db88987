/** Where a federation's run is kept: in a folder, in PostgreSQL, or nowhere. */
import { setTimeout } from "node:timers/promises";
import { createRunDatabase, type Mail, openDatabase, type RunDatabase } from "@fedlodrop/coordinator";
import type { Flag, GivenFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** A run in PostgreSQL. */
export interface DatabaseOptions {
  /** postgres://USER:PASSWORD@HOST:PORT/DATABASE */
  readonly address: string;
  /** What the operator calls it; a database holds many. */
  readonly run: string;
  /** Wait for the end of whoever writes it, and go on with it. */
  readonly standBy: boolean;
}

export const DATABASE_FLAGS: readonly Flag[] = [
  {
    name: "postgres",
    value: "URL",
    help: "keep the run in this PostgreSQL instead of a folder (postgres://USER@HOST/DATABASE; or FEDLODROP_POSTGRES)",
  },
  { name: "run", value: "NAME", help: "what the run is called there (default)" },
  {
    name: "standby",
    help: "with --postgres: wait while another coordinator has the run, and go on with it when that one is gone",
  },
];

/** Letters that need no quoting in a shell or an address. */
const NAME = /^[\w][\w.-]{0,63}$/;

/** The database that is named, in the call or in the environment. */
export const addressOf = (given: GivenFlags, environment: NodeJS.ProcessEnv): string | undefined =>
  (given.get("postgres") as string | undefined) ?? (environment.FEDLODROP_POSTGRES || undefined);

/** Undefined when the run is kept elsewhere. */
export function databaseOf(
  given: GivenFlags,
  environment: NodeJS.ProcessEnv = process.env,
): DatabaseOptions | undefined {
  const run = (given.get("run") as string | undefined) ?? "default";
  // A folder that is asked for is asked for in this call; the environment's database is for all of them.
  const address = given.has("out") && !given.has("postgres") ? undefined : addressOf(given, environment);
  if (address === undefined) {
    for (const flag of ["run", "standby"])
      if (given.has(flag)) throw new UsageError(`--${flag} is for a run in PostgreSQL: give --postgres too`);
    return undefined;
  }
  if (given.has("out"))
    throw new UsageError("--out and --postgres: a run is kept in one place; leave one of them out");
  if (!NAME.test(run))
    throw new UsageError(
      `--run: expected up to 64 letters, digits, ".", "-" or "_", got ${JSON.stringify(run)}`,
    );
  return { address, run, standBy: given.has("standby") };
}

/** How long Redis may be silent before an owner leaves its run to whoever reaches both. */
const SILENCE_MS = 500;

/** @param mail over which it would speak to gateways */
export const openKeptRun = async (
  { address, run }: DatabaseOptions,
  mail: Mail | null,
): Promise<RunDatabase> =>
  createRunDatabase(await openDatabase(address), run, {
    unfit: () =>
      mail !== null && mail.silentMs() > SILENCE_MS ? `Redis ${mail.name} does not answer` : null,
  });

const AWAY_MS = 10_000;

/** Rejects when the database has been away for a while: for a program that ends and still has something to store. */
export async function tooLongAway(database: RunDatabase, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  for (let sinceMs = 0; sinceMs < AWAY_MS; sinceMs = database.trouble === null ? 0 : sinceMs + 100) {
    if (isOver) return ended.then(() => {});
    await setTimeout(100, undefined, { ref: false });
  }
  throw new Error(
    `${database.trouble}; it ends without: what was announced is stored, the results may not be`,
  );
}
