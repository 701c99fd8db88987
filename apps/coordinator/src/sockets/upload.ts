/**
 * Uploads on their way in: chunks in order into a buffer of exactly the announced size. They belong to participants,
 * not to connections, so that one that comes back within its round goes on where its bytes end.
 */
import type { Refusal } from "@fedlodrop/federation";
import type { UploadBegin } from "@fedlodrop/protocol";
import type { ExpectedUpload } from "../gateway/run-side.ts";

export interface Upload extends UploadBegin, Omit<ExpectedUpload, "kind"> {
  readonly buffer: Uint8Array;
  received: number;
  /** What its sender hears of it, from when all of it was there; checking takes a while. */
  answer: Promise<unknown> | null;
}

export interface Uploads {
  /** The upload that these terms began before, or a fresh one in place of any other. */
  open(participantId: string, terms: UploadBegin, expected: ExpectedUpload): Upload;
  of(participantId: string): Upload | undefined;
  /** It has ended. */
  close(participantId: string): void;
  /** The round has closed. */
  roundOver(round: number): void;
  /** What was to be said about uploads will not be: who ends one again is looked at again. */
  unanswered(): void;
}

export function createUploads(): Uploads {
  const uploads = new Map<string, Upload>();
  return {
    open(participantId, { round, bytes, attempt }, { runId, values }) {
      const known = uploads.get(participantId);
      const isSame = known?.runId === runId && known.round === round;
      if (isSame && known.bytes === bytes && known.attempt === attempt) return known;
      const terms = { runId, values, round, bytes, attempt };
      const fresh = { ...terms, buffer: unfilled(bytes), received: 0, answer: null };
      uploads.set(participantId, fresh);
      return fresh;
    },
    of: (participantId) => uploads.get(participantId),
    close(participantId) {
      uploads.delete(participantId);
    },
    roundOver(round) {
      for (const [participantId, upload] of uploads) if (upload.round <= round) uploads.delete(participantId);
    },
    unanswered() {
      for (const upload of uploads.values()) upload.answer = null;
    },
  };
}

/** Nobody reads what has not been received, and zeros for sixty updates at once would hold up everybody. */
const unfilled = (bytes: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);

const refuse = (reason: Refusal["reason"], message: string): Refusal => ({ kind: "refuse", reason, message });

/** Takes the chunk, or says why it does not fit; then nothing has changed. A chunk that is there already is no fault:
 *  its acknowledgement may have been lost. */
export function takeChunk(
  upload: Upload,
  { offset }: { readonly offset: number },
  chunk: Uint8Array,
): Refusal | null {
  const outOfTurn = refuse("wrong-order", `chunk: expected offset ${upload.received}, got ${offset}`);
  if (offset > upload.received) return outOfTurn;
  // Chunks that fit are not counted against the sender, so that each has to bring the end nearer.
  if (chunk.byteLength === 0) return refuse("bad-message", "chunk: expected at least a byte");
  const end = offset + chunk.byteLength;
  if (end > upload.bytes)
    return refuse("too-large", `chunk: expected at most ${upload.bytes} bytes in all, got ${end}`);
  if (end <= upload.received) return null;
  if (offset < upload.received) return outOfTurn;
  upload.buffer.set(chunk, offset);
  upload.received = end;
  return null;
}
