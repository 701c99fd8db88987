/** The server below everything else: http or https, and patient with nobody who dawdles. */
import type { Server, Socket } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import type { CoordinatorOptions } from "../coordinator.ts";

/** For requests that come a byte at a time: how long headers, and a whole request, may take. */
const REQUEST_TIMEOUT_MS = 60_000;
const PATIENCE = { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 } as const;

export function openServer(tls: CoordinatorOptions["tls"]): FastifyInstance {
  // Node loads what is behind this name when it is first looked at, 70 ms that the first request would be held up for.
  void globalThis.Response;
  const common = { logger: false, forceCloseConnections: true, requestTimeout: REQUEST_TIMEOUT_MS } as const;
  return tls
    ? (fastify({ ...common, https: { ...PATIENCE, ...tls } }) as unknown as FastifyInstance)
    : fastify({ ...common, http: PATIENCE });
}

/**
 * Closes the server's connections when the returned function is called. A server that closes waits for those that have
 * not said a word, as browsers keep one ready, without end; over TLS it doesn't even list them.
 */
export function trackConnections(server: Server): () => void {
  const connected = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connected.add(socket);
    socket.once("close", () => connected.delete(socket));
  });
  return () => {
    for (const socket of connected) socket.destroy();
  };
}
