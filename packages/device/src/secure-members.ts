/** This device's identity in a run under secure aggregation, and its parts of the rounds. */
import { identitySeed, type KeyPair, signingKeys } from "@fedlodrop/privacy";
import type { RoundStart, RunDescription } from "@fedlodrop/protocol";
import type { Accounts } from "./accounts.ts";
import type { Link } from "./link.ts";
import { type SecureMemory, type SecurePart, takeSecurePart } from "./secure-part.ts";

export interface SecureMembers {
  /** Identities come of it from now on; of fresh randomness while it is null. */
  useSecret(secret: string | null): void;
  /** This device's part of a round; null where the round sends changes as they are. */
  part(
    link: Link | undefined,
    membership: { readonly participantId: string; readonly run: RunDescription } | undefined,
    sampleCount: number,
    start: RoundStart,
    signal: AbortSignal,
  ): SecurePart | null;
}

/** The same for the same secret, run and name: a tab that reloads is the device that it was. */
const identityOf = (secret: string | null, key: string): KeyPair =>
  signingKeys(secret === null ? randomBytes : () => identitySeed(secret, key));

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

export function openSecureMembers(accounts: Pick<Accounts, "of" | "note">): SecureMembers {
  let secret: string | null = null;
  let own: { readonly key: string; readonly identity: KeyPair } | null = null;
  return {
    useSecret(given) {
      secret = given;
    },
    part(link, membership, sampleCount, start, signal) {
      const { secure } = start;
      if (secure === undefined || link === undefined || membership === undefined) return null;
      const { run, participantId } = membership;
      const { runId, config } = run;
      const key = JSON.stringify([runId, participantId]);
      if (own?.key !== key) own = { key, identity: identityOf(secret, key) };
      // Under another name it is still the device that it was.
      const fresh = { promise: config.differentialPrivacy, spent: 0, lastRound: 0, known: new Map() };
      const account = accounts.of(runId);
      account.changes ??= fresh;
      const memory: SecureMemory = {
        ...{ identity: own.identity, account: account.changes },
        note: (change) =>
          accounts.note(runId, (noted) => {
            noted.changes ??= fresh;
            change(noted.changes);
          }),
      };
      const task = { run, participantId, start: { ...start, secure }, sampleCount, memory, randomBytes };
      return takeSecurePart(link, task, signal);
    },
  };
}
