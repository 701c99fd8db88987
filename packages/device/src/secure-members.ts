/** What this device keeps of a run under secure aggregation, from round to round: only here, and only while it lives. */
import { identitySeed, type KeyPair, signingKeys } from "@fedlodrop/privacy";
import type { RoundStart, RunDescription } from "@fedlodrop/protocol";
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

export function openSecureMembers(): SecureMembers {
  let secret: string | null = null;
  let memory: (SecureMemory & { readonly runId: string; readonly participantId: string }) | null = null;
  return {
    useSecret(given) {
      secret = given;
    },
    part(link, membership, sampleCount, start, signal) {
      const { secure } = start;
      if (secure === undefined || link === undefined || membership === undefined) return null;
      const { run, participantId } = membership;
      const { runId, config } = run;
      if (memory?.runId !== runId || memory.participantId !== participantId) {
        const identity = identityOf(secret, JSON.stringify([runId, participantId]));
        const account = { promise: config.differentialPrivacy, spent: 0, lastRound: 0 };
        // Under another name it is still the device that it was.
        const before = memory?.runId === runId ? memory : { known: new Map(), account };
        memory = { runId, participantId, identity, known: before.known, account: before.account };
      }
      const task = { run, participantId, start: { ...start, secure }, sampleCount, memory, randomBytes };
      return takeSecurePart(link, task, signal);
    },
  };
}
