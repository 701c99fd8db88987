/**
 * Writes a run's entries in their order: those that come while a write is going on are written together by the next one.
 * An outage is waited out, since nothing that depends on an entry may be told before it is kept: another coordinator may
 * have taken over meanwhile, and only the server knows.
 */
import { createHash } from "node:crypto";
import type { LogEntry } from "../log-frames.ts";
import type { RunEntry } from "../run-store.ts";
import type { Database } from "./database.ts";
import { type Lease, Ousted } from "./lease.ts";

export interface EntryWriter {
  /** Resolves once the entry is kept; never, when this coordinator has been replaced. */
  append(entry: RunEntry, payload: Uint8Array): Promise<void>;
  /** Number of the last entry that was appended. */
  readonly last: number;
  /** Why entries wait; null when they don't. */
  readonly trouble: Error | null;
  /** All that was appended is kept. */
  drained(): Promise<void>;
  /** The same, or it is given up when it was waiting for a server that is away. */
  close(): Promise<void>;
}

interface Waiting extends LogEntry<RunEntry> {
  readonly number: number;
  readonly done: () => void;
}

/** Payload bytes after which a write ends. */
const WRITE_BYTES = 4 * 2 ** 20;

/** @param last the number of the last entry that is there already */
export function openEntryWriter(database: Database, lease: Lease, run: string, last: number): EntryWriter {
  let number = last;
  let queue: Waiting[] = [];
  let writing: Promise<void> | null = null;
  let trouble: Error | null = null;
  let closed = false;

  async function writeAll(): Promise<void> {
    await Promise.resolve(); // whatever is appended in this turn of the event loop goes together
    while (queue.length > 0) {
      const batch = queue.slice(0, batchLength(queue));
      await write(batch);
      queue = queue.slice(batch.length);
      for (const { done } of batch) done();
    }
    writing = null;
  }

  async function write(batch: readonly Waiting[]): Promise<void> {
    await database.transact(
      async (client) => {
        await client.query(
          `INSERT INTO fedlodrop.entries (run, number, entry, payload)
           SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING`,
          [
            run,
            batch.map((one) => one.number),
            batch.map(({ entry }) => JSON.stringify(entry)),
            batch.map(({ payload }) => Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)),
          ],
        );
        const receipts = batch.flatMap(receiptOf);
        if (receipts.length > 0)
          await client.query(
            `INSERT INTO fedlodrop.receipts (run, fence, number, round, participant, bytes, sha256)
             SELECT $1, $2, * FROM unnest($3::bigint[], $4::int[], $5::text[], $6::int[], $7::text[])
             ON CONFLICT DO NOTHING`,
            [run, lease.fence, ...columns(receipts)],
          );
        await lease.check(client);
      },
      (failure) => {
        trouble = failure;
        return !closed && !(failure.cause instanceof Ousted);
      },
    );
    trouble = null;
  }

  return {
    append(entry, payload) {
      number += 1;
      return new Promise((done) => {
        queue.push({ entry, payload, number, done });
        writing ??= writeAll().catch((error: Error) => {
          // Nothing more is written: it has been replaced, or is given up.
          if (!(error.cause instanceof Ousted)) trouble = error;
        });
      });
    },
    get last() {
      return number;
    },
    get trouble() {
      return trouble;
    },
    async drained() {
      await writing;
    },
    async close() {
      closed = true;
      await writing;
    },
  };
}

function batchLength(queue: readonly Waiting[]): number {
  let bytes = 0;
  const end = queue.findIndex(({ payload }) => {
    bytes += payload.byteLength;
    return bytes >= WRITE_BYTES;
  });
  return end < 0 ? queue.length : end + 1;
}

type Receipt = readonly [number: number, round: number, participant: string, bytes: number, sha256: string];

function receiptOf({ number, entry, payload }: Waiting): readonly Receipt[] {
  if (entry.kind !== "event" || entry.event.kind !== "update-arrived") return [];
  const { round, participantId } = entry.event;
  const { sha256, bytes } = entry.upload ?? {
    sha256: createHash("sha256").update(payload).digest("hex"),
    bytes: payload.byteLength,
  };
  return [[number, round, participantId, bytes, sha256]];
}

const columns = (receipts: readonly Receipt[]): readonly unknown[][] =>
  [0, 1, 2, 3, 4].map((column) => receipts.map((receipt) => receipt[column]));
