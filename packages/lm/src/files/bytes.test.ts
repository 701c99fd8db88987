/** A file behind HTTP, from servers that know ranges, do not, and change their minds. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bytesInMemory, openRanges, readAhead } from "./bytes.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`;
}

const file = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) % 251);

/** As RFC 9110 has it; `tag` and the length that is sent may change. */
const ranged =
  (state: { tag: string; cut?: number }): RequestListener =>
  (request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const condition = request.headers["if-range"];
    if (first === undefined || (condition !== undefined && condition !== state.tag))
      return void response.writeHead(200, { etag: state.tag }).end(file);
    const [begin, end] = [Number(first), Math.min(Number(last) + 1, file.length)];
    response.writeHead(206, {
      ...{ etag: state.tag, "content-range": `bytes ${begin}-${end - 1}/${file.length}` },
      "content-length": end - begin - (state.cut ?? 0),
    });
    response.end(file.subarray(begin, end - (state.cut ?? 0)));
  };

test("parts are asked for by range, with how far it has come", async () => {
  const progress: number[][] = [];
  const url = await serve(ranged({ tag: '"a"' }));
  const source = await openRanges(url, { onProgress: (...seen) => progress.push(seen) });
  expect(source?.byteLength).toBe(file.length);
  expect(await source?.read(0, 8)).toEqual(file.subarray(0, 8));
  expect(await source?.read(9000, 10_000)).toEqual(file.subarray(9000));
  expect(progress.at(-1)).toEqual([1008, 10_000]);
});

test("a server without ranges is asked once", async () => {
  let asked = 0;
  const url = await serve((_request, response) => {
    asked++;
    response.end(file);
  });
  const source = await openRanges(url);
  expect(await source?.read(100, 200)).toEqual(file.subarray(100, 200));
  expect(await source?.read(5, 6)).toEqual(file.subarray(5, 6));
  expect(asked).toBe(1);
});

test("no such file is null; another failure names the file", async () => {
  const status = (code: number) => serve((_request, response) => response.writeHead(code).end());
  expect(await openRanges(await status(404))).toBeNull();
  await expect(openRanges(await status(503))).rejects.toThrow(
    /model\.safetensors: expected the file, got HTTP 503 Service Unavailable$/,
  );
});

test("a file that changes or breaks off while it is read is refused", async () => {
  const state = { tag: '"a"', cut: 0 };
  const source = await openRanges(await serve(ranged(state)));
  state.cut = 10;
  await expect(source?.read(0, 100)).rejects.toThrow(/expected 100 bytes from 0 on, got 90$/);
  state.tag = '"b"';
  await expect(source?.read(0, 100)).rejects.toThrow(/got HTTP 200: it has changed$/);
});

test("small parts in a row are read together, large ones as they are", async () => {
  const whole = new Uint8Array(12 << 20);
  for (let i = 0; i < whole.length; i += 50) whole[i] = i >> 12;
  const asked: number[][] = [];
  const inner = bytesInMemory(whole);
  const source = readAhead({
    byteLength: inner.byteLength,
    read(begin, end) {
      asked.push([begin, end]);
      return inner.read(begin, end);
    },
  });
  for (const [begin, end] of [
    [0, 8],
    [8, 4000],
    [4 << 20, (4 << 20) + 100],
    [(4 << 20) + 50, 9 << 20],
    [(12 << 20) - 4, 12 << 20],
  ] as const)
    expect(Buffer.compare(await source.read(begin, end), whole.subarray(begin, end))).toBe(0);
  expect(asked).toEqual([
    [0, 4 << 20],
    [4 << 20, 8 << 20],
    [(4 << 20) + 50, 9 << 20],
    [(12 << 20) - 4, 12 << 20],
  ]);
});
