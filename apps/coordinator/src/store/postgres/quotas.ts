/** What the runs of one database may take, as its operator has set it: every coordinator there keeps to the same. */
import type { ClientBase } from "pg";
import { NO_QUOTAS, type Quotas } from "../../runs/quota-problem.ts";

const CRASHED_SECONDS = 60;
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
 * Why nobody may take this place now, to be asked in the transaction that takes it; null when there is room. One whose
 * holder has crashed is kept free for a while, so that its run can go on.
 */
export async function noRoomFor(client: Pick<ClientBase, "query">, place: string): Promise<string | null> {
  const { runs: most } = await readQuotas(client);
  if (most === null) return null;
  await client.query("SELECT pg_advisory_xact_lock($1)", [COUNTING_LOCK]);
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM fedlodrop.places
     WHERE holder IS NOT NULL AND held_until > clock_timestamp() - $1 * interval '1 second'`,
    [CRASHED_SECONDS],
  );
  // Who stands by for one of them takes nobody's place.
  if (rows.length < most || rows.some(({ name }) => name === place)) return null;
  return `${rows.length} runs are going on, of ${most} that the quota allows`;
}
