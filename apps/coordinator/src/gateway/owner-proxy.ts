/** What a gateway passes on to the run's owner as it is: requests for what only the owner has, and hosts' connections. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { HostToServerEvents, ServerToHostEvents } from "@fedlodrop/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Namespace, Socket } from "socket.io";
import { io, type Socket as OwnSocket } from "socket.io-client";
import { hostRefused } from "../edge.ts";
import { senderOf } from "../security/address.ts";

export interface OwnerProxyOptions {
  /** Where the owner listens; null while there is none. */
  ownerUrl(): string | null;
  readonly trustProxy: boolean;
}

const PASSED_ON = [
  "/api",
  "/api/promises",
  "/api/run",
  "/api/runs",
  "/api/report",
  "/api/adapter",
  "/api/adapter.safetensors",
  "/api/adapter-peft.zip",
  "/api/openapi.json",
  "/metrics",
  "/runs",
];
/** Of the answer; its length is the body's again. */
const HEADERS = ["content-type", "content-disposition", "cache-control", "www-authenticate", "retry-after"];
const NO_OWNER = "nobody owns the run at the moment; try again soon";

export function passRequestsOn(http: FastifyInstance, { ownerUrl, trustProxy }: OwnerProxyOptions): void {
  async function passOn(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const url = ownerUrl();
    const { authorization } = request.headers;
    const answer =
      url &&
      (await fetch(new URL(request.url, url), {
        headers: {
          ...(authorization !== undefined && { authorization }),
          "x-forwarded-for": senderOf(request.raw, trustProxy),
        },
      }).catch(() => null));
    if (!answer) return reply.code(503).header("retry-after", "1").send({ error: NO_OWNER });
    for (const [name, value] of answer.headers)
      if (HEADERS.includes(name) || name.startsWith("x-fedlodrop-")) void reply.header(name, value);
    const { body } = answer;
    return reply.code(answer.status).send(body && Readable.fromWeb(body as ReadableStream));
  }
  for (const path of PASSED_ON) http.get(path, passOn);
}

type Hosts = Namespace<HostToServerEvents, ServerToHostEvents>;

/** Each host's connection goes on to the owner, which looks at its key; when one end closes, so does the other. */
export function passHostsOn(hosts: Hosts, { ownerUrl, trustProxy }: OwnerProxyOptions): void {
  const onward = new WeakMap<object, Onward>();
  hosts.use((socket, next) => {
    const url = ownerUrl();
    if (url === null) return next(hostRefused("no-owner", NO_OWNER));
    const owner: OwnSocket = io(new URL("/host", url).href, {
      auth: socket.handshake.auth,
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      extraHeaders: { "x-forwarded-for": senderOf(socket.request, trustProxy) },
    });
    const early: unknown[][] = [];
    const hear = (...message: unknown[]): void => {
      early.push(message);
    };
    owner.onAny(hear);
    onward.set(socket, { owner, early, hear });
    owner.once("connect", () => next());
    owner.once("connect_error", (error) => {
      owner.close();
      next(error);
      setTimeout(() => socket.conn.close(), 0);
    });
  });
  hosts.on("connection", (socket) => {
    const { owner, early, hear } = onward.get(socket) as Onward;
    const emit = (message: readonly unknown[]): unknown =>
      (socket as Socket).emit(...(message as [string, ...unknown[]]));
    owner.offAny(hear);
    owner.onAny((...message) => emit(message));
    for (const message of early) emit(message);
    (socket as Socket).onAny((event: string, ...args: unknown[]) => owner.emit(event, ...args));
    owner.on("disconnect", () => socket.conn.close());
    socket.on("disconnect", () => owner.close());
    if (!owner.connected) socket.conn.close();
  });
}

interface Onward {
  readonly owner: OwnSocket;
  /** What it said before the host was let in. */
  readonly early: readonly unknown[][];
  readonly hear: (...message: unknown[]) => void;
}
