/** A model in parts from a coordinator that cuts, changes and withholds them, kept in a store that fills up and rots. */
import { createHash } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type ModelManifest, PART_BYTES } from "@fedlodrop/run";
import { afterEach, expect, test } from "vitest";
import { missingBytes, modelParts } from "./model-parts.ts";
import type { PartStore } from "./part-store.ts";

const weights = Uint8Array.from({ length: 2 * PART_BYTES + 1000 }, (_, i) => (i * 7) % 251);
const config = new TextEncoder().encode('{"model_type":"gpt2"}');
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const manifest: ModelManifest = {
  version: "0123456789abcdef",
  files: [
    { name: "config.json", bytes: config.length, parts: [digest(config)] },
    {
      name: "model.safetensors",
      bytes: weights.length,
      parts: [0, 1, 2].map((i) => digest(weights.subarray(i * PART_BYTES, (i + 1) * PART_BYTES))),
    },
  ],
};

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Trouble = "cut" | "changed" | "busy";

/** Answers as the coordinator does; the first requests meet with `troubles`, one each. */
async function serve(troubles: Trouble[] = []) {
  const requests: string[] = [];
  const answer: RequestListener = ({ url = "", headers }, response) => {
    requests.push(`${url} ${headers.range ?? ""}`.trim());
    const bytes = url.endsWith("config.json") ? config : weights;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    const body = Buffer.from(first === undefined ? bytes : bytes.subarray(Number(first), Number(last) + 1));
    const trouble = troubles.shift();
    if (trouble === "busy") return void response.writeHead(503).end();
    if (trouble === "changed") body[0] = (body[0] as number) ^ 1;
    response.writeHead(first === undefined ? 200 : 206, { "content-length": body.length });
    if (trouble === "cut") response.write(body.subarray(0, 100), () => response.destroy());
    else response.end(body);
  };
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => server.close());
  return { requests, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** @param room parts that it takes */
function memoryStore(
  room = Number.POSITIVE_INFINITY,
): PartStore & { readonly parts: Map<string, Uint8Array> } {
  const parts = new Map<string, Uint8Array>();
  return {
    parts,
    read: async (name) => parts.get(name) ?? null,
    async write(name, bytes) {
      if (parts.size >= room) return false;
      parts.set(name, new Uint8Array(bytes));
      return true;
    },
    list: async () => new Set(parts.keys()),
  };
}

const open = (address: string, store: PartStore, progress: number[] = []) =>
  modelParts({
    ...{ address, manifest, store, signal: new AbortController().signal },
    onProgress: (_file, received) => progress.push(received),
  });

async function readAll(address: string, store: PartStore, progress?: number[]): Promise<void> {
  const folder = open(address, store, progress);
  expect(await folder.read("config.json")).toEqual(config);
  expect(await folder.read("tokenizer.json")).toBeNull();
  expect(await folder.open("other.safetensors")).toBeNull();
  const source = (await folder.open("model.safetensors"))!;
  expect(source.byteLength).toBe(weights.length);
  // In one part, over a border, over two, nothing, the end.
  for (const [begin, end] of [
    [0, 8],
    [PART_BYTES - 4, PART_BYTES + 4],
    [100, 2 * PART_BYTES + 5],
    [7, 7],
    [weights.length - 3, weights.length],
  ] as const)
    expect(Buffer.compare(await source.read(begin, end), weights.subarray(begin, end))).toBe(0);
}

test("a second visit fetches nothing", async () => {
  const { address, requests } = await serve();
  const store = memoryStore();
  expect(await missingBytes(manifest, store)).toBe(config.length + weights.length);
  const progress: number[] = [];
  await readAll(address, store, progress);
  expect(requests).toHaveLength(4);
  expect(progress.at(-1)).toBe(weights.length);
  expect(await missingBytes(manifest, store)).toBe(0);
  await readAll(address, store);
  expect(requests).toHaveLength(4);
});

test("a visit that was broken off goes on where it was", async () => {
  const { address, requests } = await serve();
  const store = memoryStore();
  const source = (await open(address, store).open("model.safetensors"))!;
  await source.read(0, 8);
  expect(await missingBytes(manifest, store)).toBe(config.length + weights.length - PART_BYTES);
  await readAll(address, store);
  expect(requests.filter((request) => request.endsWith(`bytes=0-${PART_BYTES - 1}`))).toHaveLength(1);
});

test("a part that was cut, changed or withheld on the way is fetched again", async () => {
  const { address } = await serve(["cut", "changed"]);
  const source = (await open(address, memoryStore()).open("model.safetensors"))!;
  expect(Buffer.compare(await source.read(0, 64), weights.subarray(0, 64))).toBe(0);
});

test("a part that is always another is refused by name", async () => {
  const { address } = await serve(["changed", "changed", "changed"]);
  const source = (await open(address, memoryStore()).open("model.safetensors"))!;
  await expect(source.read(0, 64)).rejects.toThrow(
    "model.safetensors: part 1 of 3 is not what the coordinator says it is",
  );
  await source.read(0, 64); // and can be had as soon as it is right
  const small = await serve(["changed"]);
  await expect(open(small.address, memoryStore()).read("config.json")).rejects.toThrow(
    "config.json: is not what",
  );
});

test("what has rotted in the store is fetched again and mended", async () => {
  const { address, requests } = await serve();
  const store = memoryStore();
  await readAll(address, store);
  for (const name of store.parts.keys()) store.parts.set(name, new Uint8Array(10));
  await readAll(address, store);
  expect(requests).toHaveLength(8);
  await readAll(address, store);
  expect(requests).toHaveLength(8);
});

test("a full store keeps what fits, and the rest is fetched each time", async () => {
  const { address, requests } = await serve();
  const store = memoryStore(2);
  await readAll(address, store);
  requests.length = 0;
  await readAll(address, store);
  expect(new Set(requests).size).toBe(2);
});
