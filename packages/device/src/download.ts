/** Files over HTTP with their progress. */

export type OnProgress = (receivedBytes: number, totalBytes: number | null) => void;

/** The body of `url`; null when there is no such file. Throws a sentence naming the file when it cannot be had. */
export async function download(
  url: string,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<Uint8Array | null> {
  const response = await fetch(url, { signal });
  if (response.status === 404) return null;
  if (!response.ok || !response.body)
    throw new Error(`${url}: expected the file, got HTTP ${response.status} ${response.statusText}`);
  // A compressed body's length is not the file's.
  const length =
    response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
  const totalBytes = length === null ? null : Number(length);
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  for await (const chunk of readAll(response.body)) {
    chunks.push(chunk);
    receivedBytes += chunk.byteLength;
    onProgress(receivedBytes, totalBytes);
  }
  return joinBytes(chunks, receivedBytes);
}

/** Safari's streams are not async iterable. */
export async function* readAll(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function joinBytes(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
