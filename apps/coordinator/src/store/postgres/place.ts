/** A place of the database as one coordinator has it: taken, waited for, lost. */
import { setTimeout } from "node:timers/promises";
import type { RunStatus } from "../../runs/listed-run.ts";
import type { Database } from "./database.ts";
import { type Lease, type LeaseTimes, takeLease } from "./lease.ts";

export interface Place {
  /** Null until it is taken. */
  readonly lease: Lease | null;
  /** Takes it unless it is there. @throws in one line who has it */
  hold(): Promise<Lease>;
  /** Waits until nobody else has it. @param waits told what for, whenever that changes */
  standBy(waits: (reason: string) => void): Promise<void>;
  release(): Promise<void>;
  /** Resolves with a sentence when another coordinator has it. */
  readonly ousted: Promise<string>;
}

export interface PlaceOptions {
  readonly name: string;
  readonly times: LeaseTimes;
  /** Whether this process could serve the run, or why not: then it neither asks for the place nor says that it is there. */
  unfit(): string | null;
  /** What it says of its run. */
  status(): RunStatus | null;
}

const STAND_BY_MS = 250;
/** What was away may be back for its holder a moment later than here, who goes on when it says that it is there. */
const HOLDER_FIRST_MS = 2_500;

export function openPlace(database: Database, { name, times, unfit, status }: PlaceOptions): Place {
  const where = `PostgreSQL ${database.name}, run "${name}"`;
  let lease: Lease | null = null;
  let tellOusted: (sentence: string) => void = () => {};
  const ousted = new Promise<string>((resolve) => {
    tellOusted = resolve;
  });

  /** Who has it, or what else is in the way; null when it has been taken. */
  async function attempt(): Promise<{ readonly heldBy: string } | { readonly full: string } | null> {
    if (lease !== null) return null;
    const taken = await takeLease(database, name, times, {
      ousted: (why) => tellOusted(`${where}: ${why}; this one ends`),
      isFit: () => unfit() === null,
      status,
    });
    if (!("fence" in taken)) return taken;
    lease = taken;
    return null;
  }

  return {
    ousted,
    get lease() {
      return lease;
    },
    async hold() {
      const refusal = await attempt();
      if (refusal === null) return lease as unknown as Lease;
      throw new Error(
        "full" in refusal
          ? `${where}: ${refusal.full}; wait for the end of one, or change it with: fedlodrop runs --quota`
          : `${where}: ${refusal.heldBy} writes there; choose another with --run, or wait for its end with --standby`,
      );
    },
    async standBy(waits) {
      let told = "";
      let unfitUntil = -Infinity;
      /** What it can't do its work without is away, or was a moment ago. */
      function notYet(): string | null {
        const problem = unfit();
        if (problem !== null) unfitUntil = performance.now();
        return performance.now() - unfitUntil < HOLDER_FIRST_MS ? (problem ?? told) : null;
      }
      for (;;) {
        // A server that is away has given the place to nobody.
        const reason =
          notYet() ??
          (await attempt().then(
            (refusal) =>
              refusal && ("full" in refusal ? refusal.full : `${refusal.heldBy} has the run "${name}"`),
            (error: Error) => error.message,
          ));
        if (reason === null) return;
        if (reason !== told) waits(reason);
        told = reason;
        await setTimeout(STAND_BY_MS);
      }
    },
    async release() {
      await lease?.release();
      lease = null;
    },
  };
}
