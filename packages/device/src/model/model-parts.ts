/** The run's model, part by part: from what is kept here, else from the coordinator; believed only by its hash. */
import type { ByteSource, ModelFolder } from "@fedlodrop/lm";
import { type ModelFileParts, type ModelManifest, PART_BYTES } from "@fedlodrop/run";
import { download } from "../download.ts";
import type { PartStore } from "./part-store.ts";

export interface PartsRequest {
  /** Folder of the model's version, ending in a slash. */
  readonly address: string;
  readonly manifest: ModelManifest;
  readonly store: PartStore;
  readonly signal: AbortSignal;
  /** Told what of a file is here by now. */
  readonly onProgress: (file: string, receivedBytes: number, totalBytes: number) => void;
}

/** Small files are fetched whole, compressed as they come; weights part by part, as the engine takes them in. */
export function modelParts(request: PartsRequest): ModelFolder {
  const { manifest, onProgress } = request;
  const fileOf = (name: string): ModelFileParts | undefined =>
    manifest.files.find((file) => file.name === name);
  return {
    async read(name) {
      const file = fileOf(name);
      if (file === undefined) return null;
      const bytes = (await keptFile(request, file)) ?? (await fetchFile(request, file));
      onProgress(name, file.bytes, file.bytes);
      return bytes;
    },
    async open(name) {
      const file = fileOf(name);
      return file === undefined ? null : fileInParts(request, file);
    },
  };
}

/** Bytes that are not kept here, or not whole, and so will have to come. */
export async function missingBytes({ files }: ModelManifest, store: PartStore): Promise<number> {
  const kept = await store.list();
  return files.reduce((sum, { bytes, parts }) => {
    const missing = parts.reduce((part, digest, i) => part + (kept.has(digest) ? 0 : lengthOf(bytes, i)), 0);
    return sum + missing;
  }, 0);
}

const lengthOf = (fileBytes: number, part: number): number =>
  Math.min(PART_BYTES, fileBytes - part * PART_BYTES);

function fileInParts(request: PartsRequest, file: ModelFileParts): ByteSource {
  const { onProgress } = request;
  let received = 0;
  const seen = new Set<number>();
  let last: { readonly part: number; readonly bytes: Promise<Uint8Array> } | null = null;
  const partOf = (part: number): Promise<Uint8Array> => {
    if (last?.part === part) return last.bytes;
    const bytes = readPart(request, file, part).then((read) => {
      if (!seen.has(part)) received += read.byteLength;
      seen.add(part);
      onProgress(file.name, received, file.bytes);
      return read;
    });
    last = { part, bytes };
    bytes.catch(() => {
      last = null;
    });
    return bytes;
  };
  return {
    byteLength: file.bytes,
    async read(begin, end) {
      const [first, after] = [Math.floor(begin / PART_BYTES), Math.ceil(end / PART_BYTES)];
      if (after - first <= 1) {
        const start = first * PART_BYTES;
        return end === begin ? new Uint8Array(0) : (await partOf(first)).subarray(begin - start, end - start);
      }
      const bytes = new Uint8Array(end - begin);
      for (let part = first; part < after; part++) {
        const start = part * PART_BYTES;
        const from = Math.max(begin, start);
        const wanted = (await partOf(part)).subarray(from - start, end - start);
        bytes.set(wanted, from - begin);
      }
      return bytes;
    },
  };
}

/** From what is kept; else fetched and kept. One tab fetches what several want. */
async function readPart(request: PartsRequest, file: ModelFileParts, part: number): Promise<Uint8Array> {
  const digest = file.parts[part];
  if (digest === undefined)
    throw new Error(`${file.name}: expected one of ${file.parts.length} parts, got ${part}`);
  const { store } = request;
  return alone(digest, async () => {
    const kept = await store.read(digest);
    if (kept !== null && (await sha256(kept)) === digest) return kept;
    const fetched = await fetchPart(request, file, part);
    await store.write(digest, fetched);
    return fetched;
  });
}

const TRIES = 3;
const PAUSE_MS = 500;

async function fetchPart(
  { address, signal }: PartsRequest,
  { name, bytes: fileBytes, parts }: ModelFileParts,
  part: number,
): Promise<Uint8Array> {
  const begin = part * PART_BYTES;
  const length = lengthOf(fileBytes, part);
  for (let tries = 1; ; tries++)
    try {
      const response = await fetch(`${address}${name}`, {
        signal,
        // What is kept here need not be kept by the browser too.
        cache: "no-store",
        ...(parts.length > 1 && { headers: { range: `bytes=${begin}-${begin + length - 1}` } }),
      });
      if (response.status !== (parts.length > 1 ? 206 : 200))
        throw new Error(`${name}: expected part ${part + 1} of ${parts.length}, got HTTP ${response.status}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.byteLength !== length || (await sha256(bytes)) !== parts[part])
        throw new Error(
          `${name}: part ${part + 1} of ${parts.length} is not what the coordinator says it is; something on the way changes what is loaded`,
        );
      return bytes;
    } catch (error) {
      if (signal.aborted || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
    }
}

async function keptFile(
  { store }: PartsRequest,
  { bytes, parts }: ModelFileParts,
): Promise<Uint8Array | null> {
  const whole = new Uint8Array(bytes);
  for (const [i, digest] of parts.entries()) {
    const part = await store.read(digest);
    if (part === null || (await sha256(part)) !== digest) return null;
    whole.set(part, i * PART_BYTES);
  }
  return whole;
}

async function fetchFile(
  { address, store, signal, onProgress }: PartsRequest,
  { name, bytes: fileBytes, parts }: ModelFileParts,
): Promise<Uint8Array> {
  const bytes = await download(`${address}${name}`, signal, (received) =>
    onProgress(name, received, fileBytes),
  );
  if (bytes === null || bytes.byteLength !== fileBytes)
    throw new Error(`${name}: expected ${fileBytes} bytes, got ${bytes?.byteLength ?? "no such file"}`);
  for (const [i, digest] of parts.entries()) {
    const part = bytes.subarray(i * PART_BYTES, i * PART_BYTES + lengthOf(fileBytes, i));
    if ((await sha256(part)) !== digest)
      throw new Error(
        `${name}: is not what the coordinator says it is; something on the way changes what is loaded`,
      );
    await store.write(digest, part);
  }
  return bytes;
}

/** Tabs of one browser share what is kept, and should not fetch the same part side by side. */
async function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as { readonly locks?: LockManager } | undefined)?.locks;
  if (locks === undefined) return work();
  let isBegun = false;
  const once = (): Promise<T> => {
    isBegun = true;
    return work();
  };
  return locks.request(`fedlodrop model part ${name}`, once).catch((error: unknown) => {
    // A frame that may keep nothing has no locks either.
    if (isBegun) throw error;
    return work();
  });
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = (globalThis.crypto as Partial<Crypto> | undefined)?.subtle;
  // Browsers have it only on https and localhost.
  const digest =
    subtle === undefined
      ? (await import("@noble/hashes/sha2.js")).sha256(bytes)
      : new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
