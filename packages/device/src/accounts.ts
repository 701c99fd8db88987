/**
 * What this device has given away of its texts in a run, beside what was promised of them when it first took part. It counts
 * whatever name the device has by then and whatever became of the round, and outlasts the page: it is kept before anything
 * that it counts leaves the device.
 */
import type { RenyiBudget } from "@fedlodrop/privacy";
import type { RunConfig } from "@fedlodrop/run";
import { z } from "zod";
import { type Ledger, openLedger } from "./ledger.ts";

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
  /** Goes on from what was kept under the token that the device joins with, unless it has an account by now. */
  recall(token: string): Promise<void>;
  /** The token to keep it under from now on. */
  keepUnder(token: string): void;
  /** A new one for another run than the last. */
  of(runId: string): Account;
  /** Resolves when what the account says now is kept. */
  keep(): Promise<void>;
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

export function openAccounts(ledger: Ledger = openLedger()): Accounts {
  let account: Account | null = null;
  let ownToken: string | null = null;
  return {
    async recall(token) {
      const { success, data } = keptSchema.safeParse(await ledger.read(token));
      if (success) account ??= data;
    },
    keepUnder(token) {
      ownToken = token;
    },
    of(runId) {
      if (account?.runId !== runId) account = { runId };
      return account;
    },
    async keep() {
      if (account !== null && ownToken !== null) await ledger.write(ownToken, account);
    },
  };
}
