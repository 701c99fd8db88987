/** The hosts' connections: they need the key, see the run as it goes, and command it. */
import { ROUNDS_IN_MEMORY } from "@fedlodrop/federation";
import {
  type HostCommand,
  type HostReply,
  type HostToServerEvents,
  hostCommandSchema,
  type ServerToHostEvents,
} from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import type { Namespace, Socket } from "socket.io";
import type { Clock } from "../clock.ts";
import type { HostViews } from "../runs/host-view.ts";
import { senderOf } from "../security/address.ts";
import { sameSecret } from "../security/credentials.ts";
import type { Limits } from "../security/limits.ts";
import { createThrottle } from "../security/throttle.ts";
import { parse, replyOf } from "./edge.ts";

export interface HostHubOptions {
  readonly hosts: Namespace<HostToServerEvents, ServerToHostEvents>;
  readonly hostKey: string;
  readonly limits: () => Limits;
  readonly trustProxy: boolean;
  readonly views: HostViews;
  readonly runId: () => string;
  readonly rounds: () => readonly RoundRecord[];
  /** All rounds, whole, where `rounds` is not; else null. */
  readonly earlierRounds: () => AsyncIterable<RoundRecord> | null;
  /** Resolves at a moment when all that a view shows is kept. */
  readonly settled: () => Promise<void>;
  readonly command: (command: HostCommand) => Promise<HostReply>;
  readonly clock: Clock;
  /** Least time between two views. */
  readonly intervalSeconds: number;
}

const ROUNDS_AT_ONCE = 100;

export interface HostHub {
  /** Something that a host can see has changed, of one participant or of anybody's (null); many changes make one message. */
  changed(participantId: string | null): void;
  close(): void;
}

export function openHostHub({
  hosts,
  hostKey,
  limits,
  trustProxy,
  views,
  runId,
  rounds,
  earlierRounds,
  settled,
  command,
  clock,
  intervalSeconds,
}: HostHubOptions): HostHub {
  /** What every host has been told; one that connects later is told all, and hears some of it twice. */
  let told: { readonly runId: string; readonly rounds: readonly RoundRecord[] } = { runId: "", rounds: [] };
  let cancelTelling: (() => void) | null = null;
  const wrongKeys = createThrottle();
  hosts.use(async (socket, next) => {
    const { key } = (socket.handshake.auth ?? {}) as { key?: unknown };
    // Nobody guesses 96 bits, so that the right key is let in also where a neighbour behind the same address guesses.
    if (typeof key === "string" && sameSecret(key, hostKey)) return next();
    const sender = senderOf(socket.request, trustProxy);
    const few = await wrongKeys.take(sender, limits().wrongKeysPerAddressAndMinute);
    next(new Error(few ? "wrong host key" : "too many wrong host keys from your network"));
    // One connection, one guess: how many connections an address opens is limited. The answer goes first.
    setTimeout(() => socket.conn.close(), 0);
  });
  hosts.on("connection", (socket) => {
    socket.emit("rounds", { runId: runId(), from: 0, records: rounds() });
    void tellEarlier(socket);
    socket.emit("view", views.whole());
    socket.on("command", async (...args: unknown[]) => {
      const reply = replyOf(args);
      const message = parse(hostCommandSchema, args[0]);
      reply(message.kind === "refused" ? message : await command(message.value));
    });
  });

  /** The whole of the rounds that are not in memory any more, a piece at a time; what follows them is sent again. */
  async function tellEarlier(socket: Socket<HostToServerEvents, ServerToHostEvents>): Promise<void> {
    const all = earlierRounds();
    if (all === null) return;
    const run = runId();
    let records: RoundRecord[] = [];
    let from = 0;
    for await (const record of all) {
      records.push(record);
      if (records.length < ROUNDS_AT_ONCE) continue;
      if (!socket.connected || runId() !== run) return;
      socket.emit("rounds", { runId: run, from, records });
      from += records.length;
      records = [];
    }
    if (runId() !== run) return;
    socket.emit("rounds", {
      runId: run,
      from,
      records: [...records, ...rounds().slice(from + records.length)],
    });
  }

  function tell(): void {
    cancelTelling = null;
    const before = told;
    const changes = views.changes();
    told = { runId: runId(), rounds: rounds() };
    if (hosts.sockets.size === 0) return;
    // What was let go is the same as before.
    const unchanging = Math.min(before.rounds.length, told.rounds.length - ROUNDS_IN_MEMORY);
    // The first that is new or has got its evaluation since.
    const from = told.rounds.findIndex((record, i) => i >= unchanging && record !== before.rounds[i]);
    if (before.runId !== told.runId)
      hosts.emit("rounds", { runId: told.runId, from: 0, records: told.rounds });
    else if (from >= 0) hosts.emit("rounds", { runId: told.runId, from, records: told.rounds.slice(from) });
    if (changes === null) hosts.emit("view", views.whole());
    else hosts.emit("changes", changes);
  }

  return {
    changed(participantId) {
      views.touch(participantId);
      cancelTelling ??= clock.after(intervalSeconds * 1000, () => void settled().then(tell));
    },
    close: () => cancelTelling?.(),
  };
}
