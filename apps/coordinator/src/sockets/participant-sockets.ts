/** The participants' connections that end in this process: who joined over which, and what they are told. */
import type { ClientToServerEvents, RefusalReason, ServerToClientEvents } from "@fedlodrop/protocol";
import type { Server } from "socket.io";
import { refused } from "../edge.ts";
import type { RunSide, SocketSide } from "../gateway/run-side.ts";
import { senderOf } from "../security/address.ts";
import type { Limits } from "../security/limits.ts";
import type { Turns } from "../turns.ts";
import { type ParticipantDesk, type ParticipantSocket, serveParticipant } from "./participant-socket.ts";
import { createUploads } from "./upload.ts";

export interface ParticipantSocketsOptions {
  readonly io: Server<ClientToServerEvents, ServerToClientEvents>;
  /** What is done about what they say. */
  readonly run: () => RunSide;
  readonly nowMs: () => number;
  readonly limits: () => Limits;
  readonly trustProxy: boolean;
  readonly turns: Turns;
  /** A participant's message was refused. */
  readonly refusing: (reason: RefusalReason) => void;
}

export interface ParticipantSockets extends SocketSide {
  /** The run's side is another one from now on: closes every connection as a network would, nobody is joined any more. */
  runLost(): void;
}

export function openParticipantSockets(options: ParticipantSocketsOptions): ParticipantSockets {
  const { io, run, nowMs, limits, trustProxy, turns, refusing } = options;
  /** By socket id: who joined over it, and has not been dismissed. */
  const joinedAs = new Map<string, string>();
  const uploads = createUploads();

  function serve(socket: ParticipantSocket): void {
    /** The host is asked to let it in. */
    let waits = false;
    const idle = setTimeout(() => {
      if (!joinedAs.has(socket.id) && !waits) socket.disconnect(true);
    }, limits().secondsToJoin * 1000);
    socket.once("disconnect", () => clearTimeout(idle));
    let lastJoin: Promise<unknown> = Promise.resolve();
    /** How often it has left, or gone. */
    let departures = 0;
    const desk: ParticipantDesk = {
      get run() {
        return run();
      },
      uploads,
      nowMs,
      join(message) {
        const newcomer = { connection: socket.id, address: senderOf(socket.request, trustProxy) };
        const joined = lastJoin.then(async () => {
          // It went while an earlier join of its own was looked at.
          if (!socket.connected) return refused("unknown-participant", "join: the connection is gone");
          const before = departures;
          const reply = await run().join(newcomer, message);
          if (reply.kind === "joined")
            if (departures === before) joinedAs.set(socket.id, reply.participantId);
            else void run().gone(socket.id, "disconnected"); // it went, or left, while it was let in
          waits = reply.kind === "refused" && reply.reason === "awaiting-approval";
          return reply;
        });
        lastJoin = joined.catch(() => {});
        return joined;
      },
      participantId: () => joinedAs.get(socket.id),
      gone(kind) {
        departures += 1;
        joinedAs.delete(socket.id);
        return run().gone(socket.id, kind);
      },
      turn: turns.next,
      work: turns.take,
      refused: refusing,
    };
    serveParticipant(socket, desk, limits());
  }

  io.on("connection", serve);

  return {
    tell(connection, event, ...message) {
      io.sockets.sockets.get(connection)?.emit(event, ...message);
    },
    tellAll(event, ...message) {
      io.emit(event, ...message);
    },
    dismiss(connection, why) {
      const socket = io.sockets.sockets.get(connection);
      joinedAs.delete(connection);
      socket?.emit("dismissed", why);
      socket?.disconnect(true);
    },
    roundOver: uploads.roundOver,
    runLost() {
      joinedAs.clear();
      uploads.unanswered();
      // A page that is told to go away does not come back by itself.
      for (const socket of io.sockets.sockets.values()) socket.conn.close();
    },
  };
}
