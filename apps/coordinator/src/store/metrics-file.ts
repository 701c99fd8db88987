/** `metrics.jsonl`: one final RoundRecord a line, only ever added to; a checkpoint says how much of it counts. */
import { createHash, type Hash } from "node:crypto";
import { faultInWords, type RoundRecord, roundRecordSchema } from "@fedlodrop/run";
import { z } from "zod";
import type { Disk } from "./disk.ts";

export const metricsExtentSchema = z.strictObject({
  /** Number of the round in the first line. */
  firstRound: z.int().min(1),
  lines: z.int().min(0),
  bytes: z.int().min(0),
  sha256: z.string(),
});
export type MetricsExtent = z.infer<typeof metricsExtentSchema>;

export const METRICS_FILE = "metrics.jsonl";

/** Digest of the file so far, which grows with it. */
export interface MetricsCursor {
  readonly extent: MetricsExtent;
  readonly hash: Hash;
}

export const emptyMetrics = (firstRound: number): MetricsCursor => {
  const hash = createHash("sha256");
  return { extent: { firstRound, lines: 0, bytes: 0, sha256: hash.copy().digest("hex") }, hash };
};

/** Adds the records behind what counts, and drops what does not. Throws when that failed; then nothing counts more. */
export async function appendRecords(
  disk: Disk,
  path: string,
  { extent, hash }: MetricsCursor,
  records: readonly RoundRecord[],
): Promise<MetricsCursor> {
  const bytes = new TextEncoder().encode(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const file = await disk.openFile(path);
  try {
    if (file.size < extent.bytes)
      throw new Error(`${METRICS_FILE}: expected ${extent.bytes} bytes, got ${file.size}`);
    if (file.size > extent.bytes) await file.truncate(extent.bytes);
    if (bytes.byteLength > 0) await file.append(bytes);
    await file.sync();
  } catch (error) {
    await file.truncate(Math.min(file.size, extent.bytes)).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  const grown = hash.copy().update(bytes);
  return {
    extent: {
      firstRound: extent.firstRound,
      lines: extent.lines + records.length,
      bytes: extent.bytes + bytes.byteLength,
      sha256: grown.copy().digest("hex"),
    },
    hash: grown,
  };
}

/** The digest of the part that counts. Throws in one line, naming the file, when it is not what was written. */
export async function verifyMetrics(
  disk: Disk,
  path: string,
  extent: MetricsExtent,
): Promise<{ readonly cursor: MetricsCursor; readonly last: readonly RoundRecord[] }> {
  const hash = createHash("sha256");
  for await (const chunk of leading(disk, path, extent.bytes)) hash.update(chunk);
  const sha256 = hash.copy().digest("hex");
  let line = 0;
  const last: RoundRecord[] = [];
  for await (const text of lines(leading(disk, path, extent.bytes))) {
    line += 1;
    const record = parseRecord(text, line);
    if (record.round !== extent.firstRound + line - 1)
      throw new Error(
        `${METRICS_FILE}, line ${line}: expected round ${extent.firstRound + line - 1}, got ${record.round}`,
      );
    last.push(record);
    if (last.length > RECORDS_REMEMBERED) last.shift();
  }
  if (line !== extent.lines || sha256 !== extent.sha256)
    throw new Error(
      `${METRICS_FILE}: expected ${extent.lines} rounds with the checkpoint's checksum, got ${line} with another`,
    );
  return { cursor: { extent, hash }, last };
}

/** Rounds that a run which goes on can look back on without reading the file. */
export const RECORDS_REMEMBERED = 24;

export async function* readRecords(
  disk: Disk,
  path: string,
  { bytes, firstRound }: MetricsExtent,
  from: number,
): AsyncIterable<RoundRecord> {
  let line = 0;
  for await (const text of lines(leading(disk, path, bytes))) {
    line += 1;
    if (firstRound + line > from) yield parseRecord(text, line);
  }
}

function parseRecord(text: string, line: number): RoundRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${METRICS_FILE}, line ${line}: not JSON`, { cause });
  }
  const record = roundRecordSchema.safeParse(value);
  if (!record.success) throw new Error(`${METRICS_FILE}, line ${line}: ${faultInWords(record.error)}`);
  return record.data;
}

/** The first `bytes` bytes of a file. Throws in one line, naming the file, when they are not to be had. */
async function* leading(disk: Disk, path: string, bytes: number): AsyncIterable<Uint8Array> {
  let left = bytes;
  try {
    for await (const chunk of left > 0 ? disk.readChunks(path) : []) {
      yield chunk.subarray(0, left);
      left -= Math.min(left, chunk.byteLength);
      if (left === 0) return;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new Error(
      `${METRICS_FILE}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`,
      {
        cause,
      },
    );
  }
  if (left > 0) throw new Error(`${METRICS_FILE}: expected ${bytes} bytes, got ${bytes - left}`);
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() as string;
    yield* parts;
  }
  if (rest !== "") yield rest;
}
