/**
 * One place, one writer. A holder keeps saying that it is there; who is silent for longer than a lease lasts has lost
 * the place to whoever asks first. Time is the server's, and one that has just started was silent itself. Every holder has a larger fence than those before it, and whatever
 * is written is written together with a look at it, so that one who does not know yet that it was replaced writes nothing.
 */
import type { PoolClient } from "pg";
import { processName, type RunStatus } from "../../runs/listed-run.ts";
import type { Database } from "./database.ts";
import { noRoomFor } from "./quotas.ts";

export interface Lease {
  readonly fence: number;
  /** Throws `Ousted` when somebody else has the place; nobody gets it before this transaction has ended. */
  check(client: PoolClient): Promise<void>;
  release(): Promise<void>;
}

/** Somebody else has the place, or the database's quota is used up: why, in words. */
export type NotTaken = { readonly heldBy: string } | { readonly full: string };

export class Ousted extends Error {}

export interface LeaseTimes {
  /** How long a holder may be silent, and how often it speaks, ms. */
  readonly lastsMs: number;
  readonly renewMs: number;
}

export const LEASE: LeaseTimes = { lastsMs: 3_000, renewMs: 700 };

export interface Holder {
  /** Called once, when the place has been lost. */
  ousted(): void;
  /** Whether it says that it is there: one that can't do its work leaves the place to whoever can, and keeps it if nobody can. */
  isFit(): boolean;
  /** What it says of its run meanwhile; null says nothing. */
  status(): RunStatus | null;
}

export async function takeLease(
  database: Database,
  place: string,
  { lastsMs, renewMs }: LeaseTimes,
  { ousted, isFit, status }: Holder,
): Promise<Lease | NotTaken> {
  const holder = processName();
  const taken = await database.transactNow(async (client): Promise<NotTaken | Pick<Lease, "fence">> => {
    const full = await noRoomFor(client, place);
    if (full !== null) return { full };
    await client.query("INSERT INTO fedlodrop.places (name) VALUES ($1) ON CONFLICT DO NOTHING", [place]);
    const { rows } = await client.query<{ fence: string }>(
      `UPDATE fedlodrop.places
       SET holder = $2, fence = fence + 1, held_until = clock_timestamp() + $3 * interval '1 millisecond', phase = NULL
       WHERE name = $1 AND (holder IS NULL OR held_until < clock_timestamp()
         AND pg_postmaster_start_time() < clock_timestamp() - $4 * interval '1 millisecond')
       RETURNING fence`,
      [place, holder, lastsMs, LEASE.lastsMs],
    );
    if (rows[0]) return { fence: Number(rows[0].fence) };
    const other = await client.query<{ holder: string }>(
      "SELECT holder FROM fedlodrop.places WHERE name = $1",
      [place],
    );
    return { heldBy: other.rows[0]?.holder ?? "somebody" };
  });
  if (!("fence" in taken)) return taken;
  const { fence } = taken;

  async function renew(): Promise<void> {
    try {
      const kept = await database.transactNow(async (client) => {
        const said = status();
        const { rowCount } = await client.query(
          `UPDATE fedlodrop.places SET held_until = clock_timestamp() + $3 * interval '1 millisecond',
             phase = $4, round = $5, rounds = $6, devices = $7, url = $8
           WHERE name = $1 AND fence = $2 AND holder IS NOT NULL`,
          [place, fence, lastsMs, said?.phase, said?.round, said?.rounds, said?.devices, said?.url],
        );
        return rowCount === 1;
      });
      if (!kept) end();
    } catch {
      // An outage is nobody's gain: only the server gives the place to another.
    }
  }
  let renewing: Promise<void> | null = null;
  const timer = setInterval(() => {
    if (!isFit()) return;
    renewing ??= renew().finally(() => {
      renewing = null;
    });
  }, renewMs);
  let isOver = false;
  function end(): void {
    clearInterval(timer);
    if (!isOver) ousted();
    isOver = true;
  }

  return {
    fence,
    async check(client) {
      const { rowCount } = await client.query(
        "SELECT 1 FROM fedlodrop.places WHERE name = $1 AND fence = $2 FOR SHARE",
        [place, fence],
      );
      if (rowCount === 1) return;
      end();
      throw new Ousted(`another coordinator has taken over "${place}"`);
    },
    async release() {
      isOver = true;
      clearInterval(timer);
      await renewing;
      await database
        .transactNow((client) =>
          client.query(
            "UPDATE fedlodrop.places SET holder = NULL, held_until = NULL WHERE name = $1 AND fence = $2",
            [place, fence],
          ),
        )
        .catch(() => {}); // it ends by itself
    },
  };
}
