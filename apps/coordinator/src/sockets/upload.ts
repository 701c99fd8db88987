/** An upload on its way in: chunks in order into a buffer of exactly the announced size. */

import type { Refusal } from "@fedlodrop/federation";
import type { UpdateStatistics } from "@fedlodrop/protocol";

export interface Upload {
  readonly round: number;
  readonly statistics: UpdateStatistics;
  readonly bytes: Uint8Array;
  received: number;
}

export function openUpload(round: number, byteLength: number, statistics: UpdateStatistics): Upload {
  return { round, statistics, bytes: new Uint8Array(byteLength), received: 0 };
}

/** Takes the chunk, or says why it does not fit; then nothing has changed. */
export function takeChunk(
  upload: Upload | undefined,
  { round, offset }: { round: number; offset: number },
  chunk: Uint8Array,
): Refusal | null {
  if (upload?.round !== round)
    return {
      kind: "refuse",
      reason: "wrong-order",
      message: `chunk of round ${round}: expected upload-begin first`,
    };
  if (offset !== upload.received)
    return {
      kind: "refuse",
      reason: "wrong-order",
      message: `chunk: expected offset ${upload.received}, got ${offset}`,
    };
  // Chunks that fit are not counted against the sender, so that each has to bring the end nearer.
  if (chunk.byteLength === 0)
    return { kind: "refuse", reason: "bad-message", message: "chunk: expected at least a byte" };
  const end = offset + chunk.byteLength;
  if (end > upload.bytes.byteLength)
    return {
      kind: "refuse",
      reason: "too-large",
      message: `chunk: expected at most ${upload.bytes.byteLength} bytes in all, got ${end}`,
    };
  upload.bytes.set(chunk, offset);
  upload.received = end;
  return null;
}
