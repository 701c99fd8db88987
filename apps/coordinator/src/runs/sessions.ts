/**
 * Who is who: session tokens, participant ids and connections. Tokens are secrets of their tabs, so that only their
 * digests are kept and stored. Ids are p1, p2, … in the order of joining, so that a run from one seed repeats.
 */
import { createHash } from "node:crypto";

export interface StoredSession {
  readonly participantId: string;
  readonly tokenDigest: string;
}

export interface Sessions<Connection> {
  /** The participant of a token, or undefined for an unknown one. */
  find(token: string): string | undefined;
  /** The id that the next newcomer gets. */
  readonly nextId: string;
  /** Gives `nextId` away. */
  add(token: string): StoredSession;
  /** Takes in what was kept: sessions, and how many ids had been given away. */
  restore(stored: readonly StoredSession[], idsGiven?: number): void;
  /** Its token is unknown from now on; its id is not given again. */
  remove(participantId: string): void;
  connection(participantId: string): Connection | undefined;
  /** Returns the connection that was taken over, if another one was there. */
  connect(participantId: string, connection: Connection): Connection | undefined;
  /** False when another connection has taken over already. */
  disconnect(participantId: string, connection: Connection): boolean;
  readonly stored: readonly StoredSession[];
  /** Ids that have been given away, those of forgotten participants included. */
  readonly idsGiven: number;
}

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

export function createSessions<Connection>(): Sessions<Connection> {
  const byDigest = new Map<string, string>();
  /** The other way round. */
  const digests = new Map<string, string>();
  const know = (participantId: string, tokenDigest: string): void => {
    byDigest.set(tokenDigest, participantId);
    digests.set(participantId, tokenDigest);
  };
  const connections = new Map<string, Connection>();
  let given = 0;
  const nextId = (): string => `p${given + 1}`;
  return {
    find: (token) => byDigest.get(digest(token)),
    get nextId() {
      return nextId();
    },
    add(token) {
      const participantId = nextId();
      const tokenDigest = digest(token);
      given += 1;
      know(participantId, tokenDigest);
      return { participantId, tokenDigest };
    },
    restore(stored, idsGiven = 0) {
      for (const { participantId, tokenDigest } of stored) {
        know(participantId, tokenDigest);
        given = Math.max(given, Number(participantId.slice(1)));
      }
      given = Math.max(given, idsGiven);
    },
    remove(participantId) {
      byDigest.delete(digests.get(participantId) ?? "");
      digests.delete(participantId);
    },
    connection: (participantId) => connections.get(participantId),
    connect(participantId, connection) {
      const previous = connections.get(participantId);
      connections.set(participantId, connection);
      return previous === connection ? undefined : previous;
    },
    disconnect(participantId, connection) {
      if (connections.get(participantId) !== connection) return false;
      connections.delete(participantId);
      return true;
    },
    get idsGiven() {
      return given;
    },
    get stored() {
      return [...byDigest].map(([tokenDigest, participantId]) => ({ participantId, tokenDigest }));
    },
  };
}
