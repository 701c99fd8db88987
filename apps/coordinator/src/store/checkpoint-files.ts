/**
 * A checkpoint on disk: `adapter-N.f32` (little-endian f32) and, written last, `checkpoint-N.json` with the lengths and
 * checksums of everything that belongs to it, its own included. It is there whole or not at all.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { faultInWords } from "@fedlodrop/run";
import { z } from "zod";
import { type Checkpoint, checkpointSchema } from "./checkpoint.ts";
import type { Disk } from "./disk.ts";

import { type MetricsExtent, metricsExtentSchema } from "./metrics-file.ts";

/** Raised whenever a file of a run folder changes meaning. */
export const FOLDER_FORMAT = 5;

export const checkpointFile = (number: number): string => `checkpoint-${number}.json`;
const adapterFile = (number: number): string => `adapter-${number}.f32`;

const bodySchema = z.strictObject({
  checkpoint: checkpointSchema,
  adapter: z.strictObject({ values: z.int().min(0), sha256: z.string() }),
  metrics: metricsExtentSchema,
});
const fileSchema = z.strictObject({
  format: z.int(),
  /** Of `body` as compact JSON. */
  sha256: z.string(),
  body: z.unknown(),
});

export interface WholeCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly adapter: Float32Array;
  readonly metrics: MetricsExtent;
}

/** Throws when the disk does not take it; then nothing of it is left. */
export async function writeCheckpoint(
  disk: Disk,
  directory: string,
  number: number,
  { checkpoint, adapter, metrics }: WholeCheckpoint,
): Promise<void> {
  const values = new Uint8Array(adapter.buffer, adapter.byteOffset, adapter.byteLength);
  const body: z.input<typeof bodySchema> = {
    checkpoint,
    adapter: { values: adapter.length, sha256: sha256(values) },
    metrics,
  };
  try {
    await replaceFile(disk, join(directory, adapterFile(number)), [values]);
    const text = JSON.stringify({ format: FOLDER_FORMAT, sha256: sha256(JSON.stringify(body)), body });
    await replaceFile(disk, join(directory, checkpointFile(number)), [new TextEncoder().encode(text)]);
    await disk.syncDirectory(directory);
  } catch (error) {
    for (const name of [checkpointFile(number), adapterFile(number)])
      await disk.remove(join(directory, name)).catch(() => {});
    throw error;
  }
}

/** Throws in one line that names the file and what is wrong with it. */
export async function readCheckpoint(
  disk: Disk,
  directory: string,
  number: number,
): Promise<WholeCheckpoint> {
  const { checkpoint, adapter, metrics } = parseCheckpoint(
    checkpointFile(number),
    await readNamed(disk, directory, checkpointFile(number)),
  );
  const name = adapterFile(number);
  const bytes = await readNamed(disk, directory, name);
  if (bytes.byteLength !== 4 * adapter.values)
    throw new Error(`${name}: expected ${adapter.values} values, got ${bytes.byteLength / 4}`);
  return { checkpoint, adapter: adapterFromBytes(name, bytes, adapter.sha256), metrics };
}

/** Little-endian f32. Throws in one line when they are not what was written, or not finite. */
export function adapterFromBytes(name: string, bytes: Uint8Array, digest: string): Float32Array {
  if (sha256(bytes) !== digest) throw new Error(`${name}: its checksum is not the checkpoint's`);
  // A copy: a file's buffer need not be aligned to four bytes.
  const values = new Float32Array(Uint8Array.from(bytes).buffer);
  const strange = values.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0) throw new Error(`${name}: expected finite values, got ${values[strange]} at ${strange}`);
  return values;
}

export const ofAnotherVersion = (name: string, format: number): string =>
  `${name}: stored by another version of the program (format ${format}; this one continues ${FOLDER_FORMAT})`;

function parseCheckpoint(name: string, bytes: Uint8Array): z.infer<typeof bodySchema> {
  const text = new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${name}: not JSON${text === "" ? ", it is empty" : ", perhaps cut short"}`, { cause });
  }
  const file = fileSchema.safeParse(value);
  if (!file.success) throw new Error(`${name}: ${faultInWords(file.error)}`);
  if (file.data.format !== FOLDER_FORMAT)
    throw new Error(
      `${ofAnotherVersion(name, file.data.format)}; the run's report and adapter can be read as ever`,
    );
  if (sha256(JSON.stringify(file.data.body)) !== file.data.sha256)
    throw new Error(`${name}: its checksum is not that of its content`);
  const body = bodySchema.safeParse(file.data.body);
  if (!body.success) throw new Error(`${name}: ${faultInWords(body.error)}`);
  return body.data;
}

async function readNamed(disk: Disk, directory: string, name: string): Promise<Uint8Array> {
  try {
    return await disk.read(join(directory, name));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(
      code === "ENOENT" ? `${name}: there is no such file` : `${name}: cannot be read (${code})`,
      {
        cause,
      },
    );
  }
}

/** Replaces a file as a whole: a reader, or a restart after a kill, sees the old one or the new one. */
export async function replaceFile(
  disk: Disk,
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await disk.openFile(part);
    try {
      await file.truncate(0);
      for await (const chunk of chunks) await file.append(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(part, path);
  } catch (error) {
    await disk.remove(part).catch(() => {});
    throw error;
  }
}

export const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");
