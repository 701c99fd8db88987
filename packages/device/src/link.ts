/**
 * The participant's Socket.IO connection. It joins again by its token after every reconnection, and nothing else is
 * sent before the coordinator has said `joined`.
 */
import {
  type ClientToServerEvents,
  type Join,
  type Joined,
  PROTOCOL_VERSION,
  type Refused,
  type ServerToClientEvents,
} from "@fedlodrop/protocol";
import type { Socket } from "socket.io-client";
import { sleep } from "./pacing.ts";

export type ParticipantSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

export interface LinkListener {
  /** The round this device is still working on: the coordinator cannot tell a reconnection from a reload without it. */
  openRound(): number | undefined;
  joined(joined: Joined): void;
  refused(refused: Refused): void;
  connection(online: boolean): void;
}

export interface Link {
  readonly socket: ParticipantSocket;
  /** Runs `attempt`, an exchange of messages, on a joined connection, and again on a new one whenever that is lost or
   *  an answer fails to come, until it succeeds, is refused, or `signal` aborts. Told to slow down, it waits and tries
   *  again. `connection` aborts with the connection that the attempt was given. */
  persist<T>(
    signal: AbortSignal,
    attempt: (socket: AnsweringSocket, connection: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Joins anew over a fresh connection: what this device owed to a round it no longer works on is given up, so that
   *  nobody waits for it. */
  rejoin(): void;
  /** Has no connection for so long; whatever `persist` is at goes on after it. */
  cut(seconds: number): void;
  /** Tells the coordinator that this device does not come back, and closes. */
  leave(): void;
  /** No more is sent or tried again; whatever `persist` is at rejects with a LinkClosedError. */
  close(): void;
}

/** The device has let go of its connection: nobody is to be told. */
export class LinkClosedError extends Error {
  override readonly name = "LinkClosedError";
}

export type AnsweringSocket = ReturnType<ParticipantSocket["timeout"]>;

/** A coordinator's refusal on its way up to whoever shows it. */
export class RefusedError extends Error {
  readonly refused: Refused;
  constructor(refused: Refused) {
    super(refused.message);
    this.name = "RefusedError";
    this.refused = refused;
  }
}

/** The accepted reply; @throws RefusedError otherwise. */
export function accepted<T extends { readonly kind: string }>(reply: T): Exclude<T, Refused> {
  if (reply.kind === "refused") throw new RefusedError(reply as unknown as Refused);
  return reply as Exclude<T, Refused>;
}

export interface LinkOptions {
  readonly nickname: string;
  /** Session token of an earlier visit. */
  readonly token: string | null;
  /** Of the room, as it was typed. */
  readonly code?: string | null;
  /** Longest wait for an answer that needs no work; a silent coordinator counts as a lost connection. */
  readonly answerSeconds?: number;
}

/** Longest wait for the coordinator's word on a leave. */
const FAREWELL_SECONDS = 2;
/** Waits after a refusal for sending too much, each time twice as long. */
const SLOW_DOWN_SECONDS = { least: 1, most: 8 };

/** @param socket connecting or connected; the link owns it from now on */
export function openLink(socket: ParticipantSocket, options: LinkOptions, listener: LinkListener): Link {
  const { nickname, token, code = null, answerSeconds = 15 } = options;
  let currentToken = token;
  /** Aborts when the joined connection is lost; null while there is none. */
  let connection: AbortController | null = null;
  let waiting: (() => void)[] = [];
  const closing = new AbortController();

  async function join(): Promise<void> {
    const resumesRound = listener.openRound();
    const message: Join = {
      protocolVersion: PROTOCOL_VERSION,
      nickname,
      ...(currentToken !== null && { token: currentToken }),
      ...(code !== null && { code }),
      ...(resumesRound !== undefined && { resumesRound }),
    };
    const reply = await socket.timeout(answerSeconds * 1000).emitWithAck("join", message);
    if (closing.signal.aborted) return;
    if (reply.kind === "refused") {
      // Whoever waits for the host keeps the connection over which `admitted` comes.
      if (reply.reason !== "awaiting-approval") socket.disconnect();
      return listener.refused(reply);
    }
    currentToken = reply.token;
    connection = new AbortController();
    listener.joined(reply);
    for (const resume of waiting.splice(0)) resume();
  }

  function reconnect(): void {
    if (!closing.signal.aborted) socket.disconnect().connect();
  }

  socket.on("connect", () => {
    listener.connection(true);
    // No answer: take a new connection and ask again.
    join().catch(reconnect);
  });
  socket.on("admitted", () => {
    join().catch(reconnect);
  });
  function disconnected(): void {
    connection?.abort(new Error("the connection was lost"));
    connection = null;
  }

  socket.on("disconnect", (reason) => {
    disconnected();
    listener.connection(false);
    // Socket.IO reconnects by itself except when the coordinator closed the connection, as it does on shutdown.
    if (reason === "io server disconnect") setTimeout(reconnect, 1000);
  });
  socket.on("connect_error", () => listener.connection(false));

  function end(): void {
    closing.abort(new LinkClosedError("the connection has been closed"));
    waiting = [];
    socket.removeAllListeners();
    disconnected();
  }

  const joinedAgain = async (signal: AbortSignal): Promise<AbortSignal> => {
    while (connection === null) {
      let wake = (): void => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      waiting.push(wake);
      await unlessAborted(woken, signal);
    }
    return connection.signal;
  };

  return {
    socket,
    async persist(given, attempt) {
      const signal = AbortSignal.any([given, closing.signal]);
      let slowDownSeconds = SLOW_DOWN_SECONDS.least;
      for (;;) {
        signal.throwIfAborted();
        const lost = await joinedAgain(signal);
        try {
          const answering = socket.timeout(answerSeconds * 1000);
          return await unlessAborted(attempt(answering, lost), AbortSignal.any([signal, lost]));
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          if (error instanceof RefusedError) {
            if (error.refused.reason !== "rate-limited") throw error;
            await sleep(slowDownSeconds, signal);
            slowDownSeconds = Math.min(2 * slowDownSeconds, SLOW_DOWN_SECONDS.most);
          }
          // No answer, yet no word of a lost connection either: the line is dead without knowing it.
          else if (!lost.aborted) reconnect();
        }
      }
    },
    rejoin: reconnect,
    leave() {
      end();
      if (!socket.connected) return void socket.disconnect();
      // Whoever hangs up at once is not heard: the coordinator takes what it says for a lost connection's.
      socket.timeout(FAREWELL_SECONDS * 1000).emit("leave", () => socket.disconnect());
    },
    cut(seconds) {
      socket.disconnect();
      const back = setTimeout(() => socket.connect(), seconds * 1000);
      closing.signal.addEventListener("abort", () => clearTimeout(back), { once: true });
    },
    close() {
      end();
      socket.disconnect();
    },
  };
}

/** `promise`, or a rejection with the signal's reason when that aborts first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
