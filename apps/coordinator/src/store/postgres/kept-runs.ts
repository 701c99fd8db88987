/** What a database holds, for whoever looks without writing: the runs, and one run's results. */
import type { RoundRecord } from "@fedlodrop/run";
import type { ListedRun } from "../../runs/listed-run.ts";
import type { Database } from "./database.ts";
import { readRounds } from "./stored-rows.ts";

/** All of them, the latest first. */
export async function listRuns(database: Database): Promise<readonly ListedRun[]> {
  return database.transact(async (client) => {
    const { rows } = await client.query(
      `SELECT r.place, r.run_id, r.begun, r.report IS NOT NULL AS has_results,
         coalesce(r.id = p.run, false) AS is_current,
         coalesce(r.id = p.run AND p.held_until > clock_timestamp(), false) AS is_held,
         p.holder, p.phase, p.rounds, p.devices, p.url,
         (SELECT count(*)::int FROM fedlodrop.rounds WHERE run = r.id) AS kept_rounds, p.round,
         (SELECT count(*)::int FROM fedlodrop.receipts WHERE run = r.id) AS updates
       FROM fedlodrop.runs r JOIN fedlodrop.places p ON p.name = r.place ORDER BY r.begun DESC`,
    );
    return rows.map((row) => ({
      ...{ name: row.place, runId: row.run_id, begun: row.begun.toISOString(), state: stateOf(row) },
      ...{ round: Math.max(row.kept_rounds, row.is_held ? row.round : 0), updates: row.updates },
      rounds: row.is_current ? row.rounds : null,
      ...(row.is_held
        ? { devices: row.devices, owner: row.holder, url: row.url }
        : { devices: null, owner: null, url: null }),
    }));
  });
}

interface Found {
  readonly is_held: boolean;
  readonly is_current: boolean;
  readonly has_results: boolean;
  readonly phase: string | null;
}

function stateOf({ is_held, is_current, has_results, phase }: Found): string {
  if (is_held) return phase ?? "starting";
  if (!is_current) return "replaced by a later run";
  return has_results ? "has results" : "waits for a coordinator";
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
