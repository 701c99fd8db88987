/**
 * One place, one writer. A holder keeps saying that it is there; who is silent for longer than a lease lasts has lost
 * the place to whoever asks first, and who can't do its work says so, and has it for a moment more. Time is the server's,
 * and one that has just started was silent itself. Every holder has a larger fence than those before it, and whatever is
 * written is written together with a look at it, so that one who does not know yet that it was replaced writes nothing.
 */
import type { PoolClient } from "pg";
import { processName, type RunStatus } from "../../runs/listed-run.ts";
import type { Database } from "./database.ts";
import { makeRoom } from "./quotas.ts";

export interface Lease {
  readonly fence: number;
  /**
   * Throws `Ousted` when somebody else has the place; nobody gets it before this transaction has ended, and the holder
   * can't say that it is there: asked last, when all that takes long has been done.
   */
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

export const LEASE: LeaseTimes = { lastsMs: 2_500, renewMs: 500 };
/**
 * In which whoever stands by notices whether it can't do its work either, and the holder whether it was a moment's stall:
 * it speaks twice in that time.
 */
const OFFER_MS = 1_000;

export interface Holder {
  /** Called once, when the place has been lost: why, in words. */
  ousted(why: string): void;
  /** One that can't do its work offers the place to whoever can, and keeps it if nobody can. */
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
    await client.query("INSERT INTO fedlodrop.places (name) VALUES ($1) ON CONFLICT DO NOTHING", [place]);
    const free = await client.query<{ holder: string | null }>(
      `SELECT holder FROM fedlodrop.places
       WHERE name = $1 AND (holder IS NULL OR held_until < clock_timestamp()
         AND pg_postmaster_start_time() < clock_timestamp() - $2 * interval '1 millisecond')
       FOR UPDATE`,
      [place, LEASE.lastsMs],
    );
    if (free.rows[0]) {
      // Who goes on with a run takes nobody's room.
      const full = free.rows[0].holder === null ? await makeRoom(client) : null;
      if (full !== null) return { full };
      const { rows } = await client.query<{ fence: string }>(
        `UPDATE fedlodrop.places
         SET holder = $2, fence = fence + 1, held_until = clock_timestamp() + $3 * interval '1 millisecond', phase = NULL
         WHERE name = $1 RETURNING fence`,
        [place, holder, lastsMs],
      );
      return { fence: Number(rows[0]?.fence) };
    }
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
      const held = isFit()
        ? "clock_timestamp() + $3 * interval '1 millisecond'"
        : `LEAST(GREATEST(held_until, clock_timestamp()), clock_timestamp() + LEAST($3, ${OFFER_MS}) * interval '1 millisecond')`;
      const why = await database.transactNow(async (client) => {
        const said = status();
        const { rowCount } = await client.query(
          `UPDATE fedlodrop.places SET held_until = ${held}, phase = $4, round = $5, rounds = $6, devices = $7, url = $8
           WHERE name = $1 AND fence = $2 AND holder IS NOT NULL`,
          [place, fence, lastsMs, said?.phase, said?.round, said?.rounds, said?.devices, said?.url],
        );
        return rowCount === 1 ? null : whoHasIt(client);
      });
      if (why !== null) end(why);
    } catch {
      // An outage is nobody's gain: only the server gives the place to another.
    }
  }

  async function whoHasIt(client: PoolClient): Promise<string> {
    const { rows } = await client.query<{ holder: string | null }>(
      "SELECT holder FROM fedlodrop.places WHERE name = $1",
      [place],
    );
    return rows[0]?.holder == null
      ? "another coordinator has taken over, or another run has its room in the quota"
      : "another coordinator has taken over";
  }

  let renewing: Promise<void> | null = null;
  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = null;
    });
  }, renewMs);
  let isOver = false;
  function end(why: string): void {
    clearInterval(timer);
    if (!isOver) ousted(why);
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
      const why = await whoHasIt(client);
      end(why);
      throw new Ousted(`"${place}": ${why}`);
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
