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
  readonly runId: string;
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
  /** Goes on from what is kept under the token that the device joins with, unless it has an account by now. */
  recall(token: string): Promise<void>;
  /** Under which token it is kept from now on: a coordinator that gives another one takes nothing off it. */
  keepUnder(token: string): Promise<void>;
  /** As it is now; a new one for another run than the last. */
  of(runId: string): Account;
  /**
   * Notes what is about to leave the device, in what is kept by now: another tab may have had the same token. Resolves when
   * it is kept. @throws UnsafeRoundError where an older entry cannot be replaced, which a reload would go on from
   */
  note(runId: string, change: (account: Account) => void): Promise<void>;
}

const terms = z.object({ epsilon: z.number(), delta: z.number(), clip: z.number() });
const keptSchema = z.object({
  runId: z.string(),
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

/** Null where nothing is kept, or what is kept is damaged. */
const readKept = (kept: unknown): Account | null => keptSchema.safeParse(kept).data ?? null;

/** @param ledger null keeps nothing */
export function openAccounts(ledger: Ledger | null = openLedger()): Accounts {
  let account: Account | null = null;
  let ownToken: string | null = null;
  /** The token whose entry a reload would go on from. */
  let keptUnder: string | null = null;

  function of(runId: string): Account {
    if (account?.runId !== runId) account = { runId };
    return account;
  }

  return {
    of,
    async recall(token) {
      const kept = readKept(await ledger?.read(token).catch(() => undefined));
      if (kept === null) return;
      keptUnder = token;
      account ??= kept;
    },
    async keepUnder(token) {
      ownToken = token;
      const mine = account;
      if (mine === null || keptUnder === token || ledger === null) return;
      const isKept = await ledger
        .update(token, () => mine)
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
            noted = kept?.runId === runId ? kept : structuredClone(mine);
            change(noted);
            return noted;
          });
          keptUnder = token;
          if (account === mine) account = noted;
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
