/** Bytes of uploads that gateways put into the database themselves, so that they don't travel through a run's owner. */
import { createHash } from "node:crypto";
import type { PoolClient } from "pg";
import type { StoredUpload } from "../run-store.ts";
import type { Database } from "./database.ts";

/** One of a run's uploads; the same bytes again are the same upload. */
export interface UploadKey {
  readonly round: number;
  readonly participantId: string;
  readonly sha256: string;
}

/** Resolves once it is kept, whoever ends then; waits for a database that is away until `waits` says no. */
export async function keepUpload(
  database: Database,
  run: string,
  { round, participantId, bytes }: Omit<UploadKey, "sha256"> & { readonly bytes: Uint8Array },
  waits: () => boolean,
): Promise<StoredUpload> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  await database.transact(
    (client) =>
      client.query(
        `INSERT INTO fedlodrop.uploads (run, round, participant, sha256, payload)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
        [run, round, participantId, sha256, payload],
      ),
    waits,
  );
  return { sha256, bytes: bytes.byteLength };
}

/** Null when it is not there, or not what it was. */
export async function readUpload(
  client: Pick<PoolClient, "query">,
  run: string,
  { round, participantId, sha256 }: UploadKey,
): Promise<Uint8Array | null> {
  const { rows } = await client.query<{ payload: Buffer }>(
    "SELECT payload FROM fedlodrop.uploads WHERE run = $1 AND round = $2 AND participant = $3 AND sha256 = $4",
    [run, round, participantId, sha256],
  );
  const payload = rows[0]?.payload;
  const isWhole = payload && createHash("sha256").update(payload).digest("hex") === sha256;
  return isWhole ? payload : null;
}

/** Lets go of those that no entry can name any more: of rounds that are in every checkpoint. */
export const dropOldUploads = (client: PoolClient, run: string): Promise<unknown> =>
  client.query(
    `DELETE FROM fedlodrop.uploads WHERE run = $1 AND round <=
       (SELECT min((body::json #>> '{snapshot,roundsDone}')::int) FROM fedlodrop.checkpoints WHERE run = $1)`,
    [run],
  );
