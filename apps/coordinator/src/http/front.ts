/** The side that a process turns to the network: one server for requests and sockets, and what each passes first. */
import type { ClientToServerEvents, ServerToClientEvents } from "@fedlodrop/protocol";
import type { FastifyInstance } from "fastify";
import { Server } from "socket.io";
import type { CoordinatorOptions } from "../coordinator.ts";
import { boundedParser } from "../security/bounded-parser.ts";
import { type DoorOptions, openDoor } from "../security/door.ts";
import { readInTurns } from "../sockets/reading-in-turns.ts";
import { createTurns, type Turns } from "../turns.ts";
import { openServer, trackConnections } from "./server.ts";

export interface Front {
  readonly http: FastifyInstance;
  readonly io: Server<ClientToServerEvents, ServerToClientEvents>;
  readonly turns: Turns;
  close(): Promise<void>;
}

export interface FrontOptions extends DoorOptions {
  readonly tls: CoordinatorOptions["tls"];
}

/** Largest message of a socket: a chunk is at most 64 KiB in our pages, and other clients may send a whole update. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;
/** How long answers under way may take once a process ends. */
const LAST_ANSWERS_MS = 1_000;

export function openFront({ tls, ...options }: FrontOptions): Front {
  const door = openDoor(options);
  const http = openServer(tls);
  const endConnections = trackConnections(http.server);
  const io = new Server<ClientToServerEvents, ServerToClientEvents>(http.server, {
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    serveClient: false,
    allowRequest: door.allowRequest,
    parser: boundedParser,
    connectTimeout: 10_000, // to choose a namespace
  });
  door.guard(http.server, io);
  const turns = createTurns();
  http.addHook("onRequest", turns.breathe);
  readInTurns(io.engine, turns);
  return {
    http,
    io,
    turns,
    async close() {
      const patience = setTimeout(endConnections, LAST_ANSWERS_MS);
      await io.close();
      await http.close();
      clearTimeout(patience);
    },
  };
}
