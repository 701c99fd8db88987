/**
 * What every connection and request passes before Fastify or Socket.IO sees it: limits, the proxy's path, security
 * headers, and for Socket.IO the page's origin.
 */
import type { IncomingMessage, Server } from "node:http";
import { cleanText } from "@fedlodrop/protocol";
import type { Server as SocketServer } from "socket.io";
import { withoutBasePath } from "../http/base-path.ts";
import { limitedAddress, senderOf } from "./address.ts";
import { setSecurityHeaders } from "./headers.ts";
import type { Limits } from "./limits.ts";
import { type OriginRule, originFault } from "./origin.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createThrottle } from "./throttle.ts";

export interface DoorOptions {
  /** `/` or `/…/`. */
  readonly basePath: string;
  readonly origins: OriginRule;
  readonly trustProxy: boolean;
  /** Those in force now: they grow with the run's places. */
  readonly limits: () => Limits;
  readonly log: (line: string) => void;
  /** Why nobody can be served at the moment; null when they can. */
  readonly closed?: () => string | null;
}

/** For Socket.IO's option `allowRequest`. */
type AllowRequest = (
  request: IncomingMessage,
  decide: (fault: string | null | undefined, allowed: boolean) => void,
) => void;

export interface Door {
  readonly allowRequest: AllowRequest;
  /** To be called once Socket.IO is attached to the server, which takes over its listeners. */
  guard(server: Server, io: SocketServer): void;
}

/** A flood of refusals must not flood the log. */
const MOST_LINES_OF_A_KIND = 20;

export function openDoor(options: DoorOptions): Door {
  const { basePath, origins, trustProxy, limits, log, closed = () => null } = options;
  const sockets = createCounts();
  const connections = createCounts();
  const newSockets = createThrottle();
  const logged = new Set<string>();

  function logOnce(line: string): void {
    if (logged.has(line) || logged.size >= MOST_LINES_OF_A_KIND) return;
    logged.add(line);
    log(line);
  }

  async function socketFault(request: IncomingMessage): Promise<string | null> {
    const sender = senderOf(request, trustProxy);
    const { socketsPerAddress, sockets: inAll, newSocketsPerAddressAndMinute } = limits();
    const foreign = originFault(request.headers, origins);
    if (foreign !== null) return foreign;
    const away = closed();
    if (away !== null) return away;
    if (sockets.total >= inAll) return `${sockets.total} devices are connected, more are not taken`;
    if (sockets.of(sender) >= socketsPerAddress)
      return `${sender} holds ${sockets.of(sender)} connections, more are not taken`;
    if (!(await newSockets.take(sender, newSocketsPerAddressAndMinute)))
      return `${sender} opens too many connections a minute`;
    return null;
  }

  return {
    allowRequest(request, decide) {
      socketFault(request).then((fault) => {
        // An origin is whatever its sender wrote; a terminal must not act on it.
        if (fault !== null) logOnce(cleanText(`not let in: ${fault}`, 300));
        decide(fault, fault === null);
      });
    },
    guard(server, io) {
      server.on("connection", (socket) => {
        const address = limitedAddress(socket.remoteAddress);
        const { connectionsPerAddress, connections: inAll } = limits();
        if (connections.of(address) >= connectionsPerAddress || connections.total >= inAll)
          return socket.destroy();
        connections.add(address);
        socket.once("close", () => connections.remove(address));
      });
      server.prependListener("request", (request, response) => {
        request.url = withoutBasePath(request.url ?? "/", basePath);
        setSecurityHeaders(request, response);
      });
      server.prependListener("upgrade", (request) => {
        request.url = withoutBasePath(request.url ?? "/", basePath);
      });
      io.engine.on("connection", (connection: EngineConnection) => {
        const sender = senderOf(connection.request, trustProxy);
        sockets.add(sender);
        connection.once("close", () => sockets.remove(sender));
        meter(connection, limits());
      });
    },
  };
}

/** Engine.IO's socket, as far as it is needed here. */
interface EngineConnection {
  readonly request: IncomingMessage;
  on(event: "packet", listener: (packet: { readonly data?: string | Buffer }) => void): unknown;
  once(event: "close", listener: () => void): unknown;
  close(discard?: boolean): void;
  removeAllListeners(event: "data"): unknown;
  /** With a WebSocket below it, unless it polls. */
  readonly transport: { readonly socket?: { terminate(): void } };
}

/** Closes a connection that sends more than any device has reason to. */
function meter(connection: EngineConnection, limits: Limits): void {
  const packets = createRateLimit(limits.packetsPerSecond, limits.packetBurst);
  const bytes = createRateLimit(limits.bytesPerSecond, limits.byteBurst);
  connection.on("packet", ({ data }) => {
    const nowMs = performance.now();
    if (packets.take(nowMs) && bytes.take(nowMs, data?.length ?? 0)) return;
    // What else is on its way in is not looked at, nor waited for.
    connection.removeAllListeners("data");
    connection.close(true);
    connection.transport.socket?.terminate();
  });
}

function createCounts() {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    get total() {
      return total;
    },
    of: (sender: string): number => counts.get(sender) ?? 0,
    add(sender: string): void {
      total += 1;
      counts.set(sender, (counts.get(sender) ?? 0) + 1);
    },
    remove(sender: string): void {
      total -= 1;
      const left = (counts.get(sender) ?? 0) - 1;
      if (left > 0) counts.set(sender, left);
      else counts.delete(sender);
    },
  };
}
