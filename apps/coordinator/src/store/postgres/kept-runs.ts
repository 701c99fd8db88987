/** What a database holds, for whoever looks without writing: the runs, and one run's results. */
import type { RoundRecord } from "@fedlodrop/run";
import type { Database } from "./database.ts";
import { readRounds } from "./stored-rows.ts";

export interface KeptRun {
  /** What the operator calls the place. */
  readonly place: string;
  readonly runId: string;
  readonly begun: Date;
  readonly rounds: number;
  readonly updates: number;
  /** Who writes it; null when nobody does, or when a later run has its place. */
  readonly holder: string | null;
  /** Others of the place are earlier runs. */
  readonly isCurrent: boolean;
  readonly hasResults: boolean;
}

/** All of them, the latest first. */
export async function listRuns(database: Database): Promise<readonly KeptRun[]> {
  return database.transact(async (client) => {
    const { rows } = await client.query(
      `SELECT r.place, r.run_id, r.begun, r.report IS NOT NULL AS has_results, r.id = p.run AS is_current,
         CASE WHEN r.id = p.run AND p.held_until > clock_timestamp() THEN p.holder END AS holder,
         (SELECT count(*)::int FROM fedlodrop.rounds WHERE run = r.id) AS rounds,
         (SELECT count(*)::int FROM fedlodrop.receipts WHERE run = r.id) AS updates
       FROM fedlodrop.runs r JOIN fedlodrop.places p ON p.name = r.place ORDER BY r.begun DESC`,
    );
    return rows.map((row) => ({
      ...{ place: row.place, runId: row.run_id, begun: row.begun, rounds: row.rounds, updates: row.updates },
      ...{ holder: row.holder, isCurrent: row.is_current ?? false, hasResults: row.has_results },
    }));
  });
}

/** As a run folder has them. */
export interface RunResults {
  readonly config: string;
  readonly report: string;
  readonly adapterFile: Uint8Array;
  readonly rounds: readonly RoundRecord[];
}

/** Of the place's newest run that has some. Throws in one line when there is no such place, or no results yet. */
export async function readResults(database: Database, place: string): Promise<RunResults> {
  return database.transact(async (client) => {
    const { rows } = await client.query<{
      id: string;
      config: string;
      report: string | null;
      adapter_file: Buffer | null;
    }>(
      `SELECT r.id, r.config, r.report, r.adapter_file
       FROM fedlodrop.runs r WHERE r.place = $1
       ORDER BY r.report IS NULL, r.begun DESC LIMIT 1`,
      [place],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`there is no run "${place}"`);
    if (row.report === null || row.adapter_file === null)
      throw new Error(`run "${place}" has no results yet; it gets them when it ends or its coordinator does`);
    const { rows: counted } = await client.query<{ rounds: number }>(
      "SELECT count(*)::int AS rounds FROM fedlodrop.rounds WHERE run = $1",
      [row.id],
    );
    const rounds: RoundRecord[] = [];
    for await (const record of readRounds(client, row.id, 1, counted[0]?.rounds ?? 0)) rounds.push(record);
    return { config: row.config, report: row.report, adapterFile: row.adapter_file, rounds };
  });
}
