/**
 * A coordinator for tests of the device: written from docs/protocol.md and not from the real one, over real sockets,
 * with a line that breaks where a test says so.
 */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  ClientToServerEvents,
  Join,
  Joined,
  Received,
  Refused,
  RunDescription,
  ServerToClientEvents,
  UploadBegin,
  UploadEnd,
} from "@fedlodrop/protocol";
import { Server, type Socket } from "socket.io";
import { io } from "socket.io-client";
import { afterEach } from "vitest";
import { description } from "../../protocol/src/run-description.fixture.ts";
import { type Link, type LinkListener, openLink } from "./link.ts";

export type ServerSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

export const run: RunDescription = {
  ...description,
  adapter: { rank: 2, alpha: 4, modules: [{ name: "m", inFeatures: 600, outFeatures: 400 }], dense: [] },
};
export const joined: Joined = {
  kind: "joined",
  participantId: "p1",
  token: "secret",
  nickname: "n",
  part: 0,
  run,
};

export const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server whose connections `serve` answers; its address ends in a slash. */
export async function listen(
  serve: (socket: ServerSocket) => void,
  http: HttpServer = createServer(),
): Promise<string> {
  const server = new Server<ClientToServerEvents, ServerToClientEvents>(http);
  server.on("connection", serve);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
}

export function connect(
  url: string,
  listener: Partial<LinkListener> = {},
  token: string | null = null,
  answerSeconds = 0.3,
): Link {
  const socket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 2,
    reconnectionDelayMax: 10,
  });
  const silent: LinkListener = { openRound: () => undefined, joined() {}, refused() {}, connection() {} };
  const link = openLink(socket, { nickname: "n", token, answerSeconds }, { ...silent, ...listener });
  closing.push(() => link.close());
  return link;
}

/** What breaks the line: at the `count`-th of these messages, before it is looked at or before its answer is sent. */
export interface Break {
  readonly event: "upload-begin" | "upload-chunk" | "upload-end";
  readonly count: number;
  readonly when: "before" | "after";
}

export interface CoordinatorOptions {
  /** The encoded sub-adapter. */
  readonly payload: Uint8Array;
  readonly breaks?: readonly Break[];
  /** Bytes after which each answer to a download breaks off, one for each request; afterwards none does. */
  readonly cuts?: readonly number[];
  /** Milliseconds that the answer to the n-th chunk waits: answers overtake each other. */
  readonly answerDelay?: (n: number) => number;
}

export interface FakeCoordinator {
  readonly url: string;
  readonly joins: Join[];
  readonly begun: UploadBegin[];
  /** Updates that count, with their bytes. */
  readonly accepted: { readonly end: UploadEnd; readonly bytes: Uint8Array }[];
  readonly chunkOffsets: number[];
  /** First bytes asked for. */
  readonly downloads: number[];
  /** Steps of training it has been told. */
  readonly progress: number[];
}

export async function openCoordinator(options: CoordinatorOptions): Promise<FakeCoordinator> {
  const { payload, breaks = [], cuts = [], answerDelay } = options;
  const facts = {
    joins: [] as Join[],
    begun: [] as UploadBegin[],
    accepted: [] as FakeCoordinator["accepted"],
    chunkOffsets: [] as number[],
    downloads: [] as number[],
    progress: [] as number[],
  };
  const seen = { "upload-begin": 0, "upload-chunk": 0, "upload-end": 0 };
  let upload: { terms: UploadBegin; bytes: Uint8Array; received: number } | null = null;
  const refused = (reason: Refused["reason"], message: string): Refused => ({
    kind: "refused",
    reason,
    message,
  });
  const received = (): Received => ({ kind: "received", received: upload?.received ?? 0 });

  const http = createServer((request, response) => {
    if (!request.url?.startsWith("/api/sub-adapter")) return void response.writeHead(404).end();
    if (request.headers.authorization !== "Bearer secret") return void response.writeHead(401).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const cut = cuts[facts.downloads.length];
    facts.downloads.push(from);
    response.writeHead(from > 0 ? 206 : 200, { etag: '"e"', "content-length": payload.byteLength - from });
    if (cut === undefined) return void response.end(payload.subarray(from));
    response.write(payload.subarray(from, from + cut), () => setTimeout(() => response.destroy(), 5));
  });

  const url = await listen((socket) => {
    /** Handles one message, unless the line breaks. */
    function on<T>(event: Break["event"], reply: (answer: T) => void, handle: () => T, delay = 0): void {
      seen[event] += 1;
      const broken = breaks.find((each) => each.event === event && each.count === seen[event]);
      if (broken?.when === "before") return void socket.conn.close();
      const answer = handle();
      if (broken?.when === "after") return void socket.conn.close();
      if (delay > 0) setTimeout(() => reply(answer), delay);
      else reply(answer);
    }
    socket.on("join", (message, reply) => {
      facts.joins.push(message);
      reply(joined);
    });
    socket.on("ping", (reply) => reply({ kind: "accepted" }));
    socket.on("progress", ({ step }) => facts.progress.push(step));
    socket.on("upload-begin", (terms, reply) =>
      on("upload-begin", reply, () => {
        facts.begun.push(terms);
        if (facts.accepted.length > 0) return refused("duplicate", "it has been aggregated");
        if (upload?.terms.attempt !== terms.attempt)
          upload = { terms, bytes: new Uint8Array(terms.bytes), received: 0 };
        return received();
      }),
    );
    socket.on("upload-chunk", ({ offset }, bytes, reply) =>
      on(
        "upload-chunk",
        reply,
        () => {
          if (upload === null || offset > upload.received) return refused("wrong-order", "a gap");
          facts.chunkOffsets.push(offset);
          upload.bytes.set(bytes, offset);
          upload.received = Math.max(upload.received, offset + bytes.byteLength);
          return received();
        },
        answerDelay?.(seen["upload-chunk"]),
      ),
    );
    socket.on("upload-end", (end, reply) =>
      on("upload-end", reply, () => {
        if (facts.accepted.length > 0) return refused("duplicate", "it has been aggregated");
        if (upload === null) return refused("wrong-order", "no upload");
        if (upload.received < upload.bytes.byteLength) return refused("wrong-length", "too short");
        facts.accepted.push({ end, bytes: upload.bytes });
        return { kind: "accepted" as const };
      }),
    );
  }, http);
  return { url, ...facts };
}
