/** What the runs of one database may take, as its operator has set it: every coordinator there keeps to the same. */
import type { ClientBase } from "pg";
import { NO_QUOTAS, type Quotas } from "../../runs/quota-problem.ts";

const CRASHED_SECONDS = 60;
/** In which holders are back at a server that was away; one that has just started has heard nobody. */
const BACK_SECONDS = 10;
/** @param $1 seconds */
const IS_SILENT = `(held_until < clock_timestamp() - $1 * interval '1 second'
  AND pg_postmaster_start_time() < clock_timestamp() - ${BACK_SECONDS} * interval '1 second')`;
/** Any number that nobody else takes: coordinators count one after another. */
const COUNTING_LOCK = 7_012_079;

export async function readQuotas(client: Pick<ClientBase, "query">): Promise<Quotas> {
  const { rows } = await client.query<{ name: keyof Quotas; most: string }>(
    "SELECT name, most FROM fedlodrop.quotas",
  );
  return { ...NO_QUOTAS, ...Object.fromEntries(rows.map(({ name, most }) => [name, Number(most)])) };
}

/** Those that are named; null lifts one. */
export async function writeQuotas(
  client: Pick<ClientBase, "query">,
  changed: Partial<Quotas>,
): Promise<void> {
  for (const [name, most] of Object.entries(changed))
    await (most === null
      ? client.query("DELETE FROM fedlodrop.quotas WHERE name = $1", [name])
      : client.query(
          `INSERT INTO fedlodrop.quotas (name, most) VALUES ($1, $2)
           ON CONFLICT (name) DO UPDATE SET most = excluded.most`,
          [name, most],
        ));
}

/**
 * Makes room for one more run in the transaction that takes its place, or says why there is none. A run whose holder has
 * crashed keeps its room for a while, so that it can go on; after that the one that has been silent for longest loses it
 * to the newcomer, and with it the right to write, so that there is never one more than the quota allows.
 */
export async function makeRoom(client: Pick<ClientBase, "query">): Promise<string | null> {
  const { runs: most } = await readQuotas(client);
  if (most === null) return null;
  await client.query("SELECT pg_advisory_xact_lock($1)", [COUNTING_LOCK]);
  const { rows } = await client.query<{ name: string; is_silent: boolean }>(
    `SELECT name, ${IS_SILENT} AS is_silent FROM fedlodrop.places WHERE holder IS NOT NULL ORDER BY held_until`,
    [CRASHED_SECONDS],
  );
  const silent = rows.flatMap(({ name, is_silent }) => (is_silent ? [name] : []));
  const going = rows.length - silent.length;
  const full = `${going} runs are going on, of ${most} that the quota allows`;
  if (going >= most) return full;
  const over = silent.slice(0, Math.max(0, rows.length + 1 - most));
  const { rowCount } = await client.query(
    `UPDATE fedlodrop.places SET holder = NULL, held_until = NULL, fence = fence + 1
     WHERE name = ANY($2) AND ${IS_SILENT}`,
    [CRASHED_SECONDS, over],
  );
  return rowCount === over.length ? null : full; // one of them has come back meanwhile
}
