/**
 * The log's bytes. One frame is what reached the disk together, so that a frame which is cut short was never
 * acknowledged, and one that is wrong with a whole one behind it is damage.
 *
 *   offset  bytes  little-endian
 *   0       4      "FLog"
 *   4       4      n, length of the text
 *   8       4      m, length of the payloads
 *   12      4      CRC-32 of everything else in the frame
 *   16      n      JSON, UTF-8: an array of {entry, bytes}; bytes is the length of the entry's payload
 *   16 + n  m      the payloads, one after another
 */
import { crc32 } from "node:zlib";

export interface LogEntry<Entry> {
  readonly entry: Entry;
  readonly payload: Uint8Array;
}

const MAGIC = 0x676f4c46;
const HEADER_BYTES = 16;
const NOTHING = new Uint8Array(0);

export function encodeFrame(entries: readonly LogEntry<unknown>[]): Uint8Array {
  const text = new TextEncoder().encode(
    JSON.stringify(entries.map(({ entry, payload }) => ({ entry, bytes: payload.byteLength }))),
  );
  const payloadBytes = entries.reduce((sum, { payload }) => sum + payload.byteLength, 0);
  const frame = new Uint8Array(HEADER_BYTES + text.byteLength + payloadBytes);
  const view = new DataView(frame.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, text.byteLength, true);
  view.setUint32(8, payloadBytes, true);
  frame.set(text, HEADER_BYTES);
  let offset = HEADER_BYTES + text.byteLength;
  for (const { payload } of entries) {
    frame.set(payload, offset);
    offset += payload.byteLength;
  }
  view.setUint32(12, checksum(frame), true);
  return frame;
}

export interface DecodedLog {
  readonly entries: readonly LogEntry<unknown>[];
  /** Bytes of the whole frames; what follows is a frame that was cut short. */
  readonly wholeBytes: number;
  /** A frame that is wrong has whole ones behind it: what was acknowledged has been lost. */
  readonly damaged: boolean;
}

export function decodeLog(bytes: Uint8Array): DecodedLog {
  const entries: LogEntry<unknown>[] = [];
  let offset = 0;
  for (let end = frameEnd(bytes, offset); end !== null; end = frameEnd(bytes, offset)) {
    entries.push(...readFrame(bytes.subarray(offset, end)));
    offset = end;
  }
  return { entries, wholeBytes: offset, damaged: hasFrameAfter(bytes, offset) };
}

/** Where the whole frame at `offset` ends, or null when there is none. */
function frameEnd(bytes: Uint8Array, offset: number): number | null {
  if (bytes.byteLength - offset < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
  if (view.getUint32(0, true) !== MAGIC) return null;
  const end = offset + HEADER_BYTES + view.getUint32(4, true) + view.getUint32(8, true);
  if (end > bytes.byteLength) return null;
  return checksum(bytes.subarray(offset, end)) === view.getUint32(12, true) ? end : null;
}

function hasFrameAfter(bytes: Uint8Array, offset: number): boolean {
  const first = MAGIC & 0xff;
  for (let at = bytes.indexOf(first, offset + 1); at >= 0; at = bytes.indexOf(first, at + 1))
    if (frameEnd(bytes, at) !== null) return true;
  return false;
}

function readFrame(frame: Uint8Array): LogEntry<unknown>[] {
  const textEnd = HEADER_BYTES + new DataView(frame.buffer, frame.byteOffset).getUint32(4, true);
  // A frame whose checksum holds is what `encodeFrame` made.
  const listed = JSON.parse(new TextDecoder().decode(frame.subarray(HEADER_BYTES, textEnd))) as readonly {
    readonly entry: unknown;
    readonly bytes: number;
  }[];
  let offset = textEnd;
  return listed.map(({ entry, bytes }) => {
    // A copy: the whole log need not stay in memory for one payload, and payloads are read as 32-bit floats.
    const payload = bytes === 0 ? NOTHING : new Uint8Array(frame.subarray(offset, offset + bytes));
    offset += bytes;
    return { entry, payload };
  });
}

/** Of a frame without its own checksum. */
const checksum = (frame: Uint8Array): number =>
  crc32(frame.subarray(HEADER_BYTES), crc32(frame.subarray(0, 12)));
