/**
 * What this device has given away of its texts in a run, beside what was promised of them when it first took part. It counts
 * whatever name the device has by then and whatever became of the round, and outlasts the page: it is kept before anything
 * that it counts leaves the device.
 */
import type { RenyiBudget } from "@fedlodrop/privacy";
import type { RunConfig } from "@fedlodrop/run";
import { z } from "zod";
import { type Ledger, openLedger } from "./ledger.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";

/** Of a run. */
export interface Account {
  /** Since the device first trained in a run that promises something of single texts. */
  examples?: ExampleAccount | undefined;
  /** Since it first took part in a round under secure aggregation. */
  changes?: SecureAccount | undefined;
}

export interface ExampleAccount {
  readonly promise: NonNullable<RunConfig["examplePrivacy"]>;
  /** At the order that was chosen when the device first trained. */
  readonly budget: RenyiBudget;
  /** Of the divergence. */
  left: number;
}

/** What it has sent in the run, under whatever name. */
export interface SecureAccount {
  /** As the run promised when the device first took part. */
  readonly promise: RunConfig["differentialPrivacy"];
  /** Σ 1/σ² of the rounds that it has sent its changes in: whether their sums came to be known is the coordinator's word. */
  spent: number;
  /** The last of them; 0 is none. Twice the same changes among different devices would differ by single ones. */
  lastRound: number;
  /** Identities of others as it saw them first. */
  readonly known: Map<string, Uint8Array>;
}

export interface Accounts {
  /** Goes on from what is kept under the token that the device joins with, in runs that it has no account of by now. */
  recall(token: string): Promise<void>;
  /** Under which token it is kept from now on: a coordinator that gives another one takes nothing off it. */
  keepUnder(token: string): Promise<void>;
  /** As it is now; a new one for a run that it has not seen. A coordinator that changes runs, and back, finds it as it was. */
  of(runId: string): Account;
  /**
   * Notes what is about to leave the device, in what is kept by now: another tab may have had the same token. Resolves when
   * it is kept. @throws UnsafeRoundError where an older entry cannot be replaced, which a reload would go on from
   */
  note(runId: string, change: (account: Account) => void): Promise<void>;
}

const terms = z.object({ epsilon: z.number(), delta: z.number(), clip: z.number() });
const accountSchema = z.object({
  examples: z
    .object({
      promise: terms,
      budget: z.object({ order: z.number(), divergence: z.number() }),
      left: z.number(),
    })
    .optional(),
  changes: z
    .object({
      promise: terms.nullable(),
      spent: z.number(),
      lastRound: z.number(),
      known: z.map(z.string(), z.instanceof(Uint8Array)),
    })
    .optional(),
});
const keptSchema = z.map(z.string(), accountSchema);

/** An entry, by run; empty where nothing is kept, or what is kept is damaged. */
const readKept = (kept: unknown): Map<string, Account> => keptSchema.safeParse(kept).data ?? new Map();

/** @param ledger null keeps nothing */
export function openAccounts(ledger: Ledger | null = openLedger()): Accounts {
  const accounts = new Map<string, Account>();
  let ownToken: string | null = null;
  /** The token whose entry a reload would go on from. */
  let keptUnder: string | null = null;

  function of(runId: string): Account {
    const account = accounts.get(runId) ?? {};
    accounts.set(runId, account);
    return account;
  }

  return {
    of,
    async recall(token) {
      const kept = readKept(await ledger?.read(token).catch(() => undefined));
      if (kept.size > 0) keptUnder = token;
      for (const [runId, account] of kept) if (!accounts.has(runId)) accounts.set(runId, account);
    },
    async keepUnder(token) {
      ownToken = token;
      const begun = [...accounts].filter(([, { examples, changes }]) => examples ?? changes);
      if (begun.length === 0 || keptUnder === token || ledger === null) return;
      const isKept = await ledger
        .update(token, (found) => new Map([...readKept(found), ...begun]))
        .then(
          () => true,
          () => false,
        );
      if (isKept) keptUnder = token;
    },
    async note(runId, change) {
      const mine = of(runId);
      const token = ownToken;
      if (ledger !== null && token !== null) {
        let noted = mine;
        try {
          await ledger.update(token, (found) => {
            const kept = readKept(found);
            noted = kept.get(runId) ?? structuredClone(mine);
            change(noted);
            return kept.set(runId, noted);
          });
          keptUnder = token;
          accounts.set(runId, noted);
          return;
        } catch (error) {
          if (keptUnder === token)
            throw new UnsafeRoundError("what this device gives away could not be noted in its browser", {
              cause: error,
            });
        }
      }
      change(mine);
    },
  };
}
