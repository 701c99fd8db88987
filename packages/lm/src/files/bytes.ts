/** Files that are read in parts, wherever they lie: in memory, in a browser's Blob or File, or behind HTTP. */

/** Some file's bytes, of which any part can be had. */
export interface ByteSource {
  readonly byteLength: number;
  /** [begin, end), which lie in the file. The caller must not change them: they may be the file's own. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.byteLength, read: async (begin, end) => bytes.subarray(begin, end) };
}

/** A Blob: a whole download, a chosen file, or one in the Origin Private File System. */
function bytesOfBlob(blob: Blob): ByteSource {
  return {
    byteLength: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}

/** What is asked for at once: most tensors of a model are far smaller, and a request takes a round trip. */
const WINDOW_BYTES = 4 << 20;

/** Serves small parts from a window that was read for an earlier one: made for reading a file from its beginning on. */
export function readAhead({ byteLength, read }: ByteSource): ByteSource {
  let window: { begin: number; bytes: Uint8Array } = { begin: 0, bytes: new Uint8Array(0) };
  return {
    byteLength,
    async read(begin, end) {
      if (end - begin >= WINDOW_BYTES) return read(begin, end);
      if (begin < window.begin || end > window.begin + window.bytes.byteLength)
        window = { begin, bytes: await read(begin, Math.min(byteLength, begin + WINDOW_BYTES)) };
      return window.bytes.subarray(begin - window.begin, end - window.begin);
    },
  };
}

export interface Download {
  readonly signal?: AbortSignal;
  /** Told of the bytes that have come so far. */
  readonly onProgress?: (receivedBytes: number, totalBytes: number) => void;
}

/** Any part of a file, to learn from the answer how long it is. */
const PROBE_BYTES = 8;

/** A file behind HTTP, read by Range; whole, where the server knows no ranges. Null when there is no such file.
 *  @throws one line naming the file, also when it changes while it is read */
export async function openRanges(
  url: string,
  { signal, onProgress }: Download = {},
): Promise<ByteSource | null> {
  const get = (begin: number, end: number, etag: string | null): Promise<Response> =>
    fetch(url, {
      ...(signal && { signal }),
      headers: { range: `bytes=${begin}-${end - 1}`, ...(etag !== null && { "if-range": etag }) },
    });
  const probe = await get(0, PROBE_BYTES, null);
  if (probe.status === 404) return null;
  if (!probe.ok) throw new Error(`${url}: expected the file, got HTTP ${probe.status} ${probe.statusText}`);
  if (probe.status !== 206) {
    const blob = await probe.blob();
    onProgress?.(blob.size, blob.size);
    return bytesOfBlob(blob);
  }
  await probe.arrayBuffer();
  const range = probe.headers.get("content-range");
  const byteLength = Number(/\/(\d+)$/.exec(range ?? "")?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(byteLength))
    throw new Error(`${url}: expected its length in content-range, got ${range}`);
  const tag = probe.headers.get("etag");
  // A weak tag does not say that the bytes are the same: If-Range knows strong ones alone.
  const etag = tag?.startsWith('"') ? tag : null;
  let received = 0;
  return {
    byteLength,
    async read(begin, end) {
      const response = await get(begin, end, etag);
      if (response.status !== 206)
        throw new Error(
          `${url}: expected bytes ${begin} to ${end}, got HTTP ${response.status}${response.ok ? ": it has changed" : ""}`,
        );
      const bytes = new Uint8Array(end - begin);
      let length = 0;
      for await (const chunk of chunksOf(response)) {
        if (length + chunk.byteLength <= bytes.byteLength) bytes.set(chunk, length);
        length += chunk.byteLength;
        received += chunk.byteLength;
        onProgress?.(Math.min(received, byteLength), byteLength);
      }
      if (length !== bytes.byteLength)
        throw new Error(`${url}: expected ${bytes.byteLength} bytes from ${begin} on, got ${length}`);
      return bytes;
    },
  };
}

/** Safari's streams are not async iterable. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) return;
    yield part.value;
  }
}
