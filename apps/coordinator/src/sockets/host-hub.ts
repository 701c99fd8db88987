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
import { hostRefused, parse, replyOf } from "../edge.ts";
import type { HostViews } from "../runs/host-view.ts";
import { senderOf } from "../security/address.ts";
import { sameSecret } from "../security/credentials.ts";
import type { Limits } from "../security/limits.ts";
import { createThrottle } from "../security/throttle.ts";

export interface HostHubOptions {
  readonly hosts: Namespace<HostToServerEvents, ServerToHostEvents>;
  readonly hostKey: string;
  readonly limits: () => Limits;
  readonly trustProxy: boolean;
  readonly views: HostViews;
  readonly runId: () => string;
  readonly rounds: () => readonly RoundRecord[];
  /** The same, each of them whole. */
  readonly everyRound: () => AsyncIterable<RoundRecord>;
  /** Resolves when more may be said. */
  readonly turn: () => Promise<void>;
  /** Resolves at a moment when all that a view shows is kept. */
  readonly settled: () => Promise<void>;
  readonly command: (command: HostCommand) => Promise<HostReply>;
  readonly clock: Clock;
  /** Least time between two views. */
  readonly intervalSeconds: number;
}

/** Of the rounds in one message, so that writing it takes milliseconds. */
const PARTICIPANTS_AT_ONCE = 500;
const INTRODUCED = "introduced";

/** Of the rounds `now`: the first that is new or has got its evaluation since; −1 of none. */
function firstChanged(before: readonly RoundRecord[], now: readonly RoundRecord[]): number {
  // What was let go is the same as before.
  const unchanging = Math.min(before.length, now.length - ROUNDS_IN_MEMORY);
  return now.findIndex((record, i) => i >= unchanging && record !== before[i]);
}

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
  everyRound,
  turn,
  settled,
  command,
  clock,
  intervalSeconds,
}: HostHubOptions): HostHub {
  /** What every host has been told; one that connects later hears some of it twice. */
  let told: { readonly runId: string; readonly rounds: readonly RoundRecord[] } = { runId: "", rounds: [] };
  let cancelTelling: (() => void) | null = null;
  const wrongKeys = createThrottle();
  hosts.use(async (socket, next) => {
    const { key } = (socket.handshake.auth ?? {}) as { key?: unknown };
    // Nobody guesses 96 bits, so that the right key is let in also where a neighbour behind the same address guesses.
    if (typeof key === "string" && sameSecret(key, hostKey)) return next();
    const sender = senderOf(socket.request, trustProxy);
    const few = await wrongKeys.take(sender, limits().wrongKeysPerAddressAndMinute);
    next(
      few
        ? hostRefused("wrong-key", "wrong host key")
        : hostRefused("rate-limited", "too many wrong host keys from your network"),
    );
    // One connection, one guess: how many connections an address opens is limited. The answer goes first.
    setTimeout(() => socket.conn.close(), 0);
  });
  hosts.on("connection", (socket) => {
    // Where the earlier rounds cannot be read, what is in memory of them has to do.
    introduce(socket, everyRound()).catch(() => introduce(socket, rounds()));
    socket.on("command", async (...args: unknown[]) => {
      const reply = replyOf(args);
      const message = parse(hostCommandSchema, args[0]);
      reply(message.kind === "refused" ? message : await command(message.value));
    });
  });

  /** Tells it of every round so far, a part in a turn of the event loop; from then on it hears what all hosts hear. */
  async function introduce(
    socket: Socket<HostToServerEvents, ServerToHostEvents>,
    every: AsyncIterable<RoundRecord> | Iterable<RoundRecord>,
  ): Promise<void> {
    const run = runId();
    const before = rounds();
    let from = 0;
    let part: RoundRecord[] = [];
    let size = 0;
    for await (const record of every) {
      part.push(record);
      size += 1 + record.participants.length;
      if (size < PARTICIPANTS_AT_ONCE) continue;
      socket.emit("rounds", { runId: run, from, records: part });
      from += part.length;
      part = [];
      size = 0;
      await turn();
      if (!socket.connected) return;
      if (runId() !== run) return introduce(socket, everyRound());
    }
    // From here on nothing waits.
    const now = rounds();
    if (part.length > 0 || from === 0) socket.emit("rounds", { runId: run, from, records: part });
    const changed = firstChanged(before, now);
    if (changed >= 0) socket.emit("rounds", { runId: run, from: changed, records: now.slice(changed) });
    socket.emit("view", views.whole());
    void socket.join(INTRODUCED);
  }

  function tell(): void {
    cancelTelling = null;
    const before = told;
    const changes = views.changes();
    told = { runId: runId(), rounds: rounds() };
    if (hosts.sockets.size === 0) return;
    const introduced = hosts.to(INTRODUCED);
    const from = before.runId === told.runId ? firstChanged(before.rounds, told.rounds) : 0;
    if (from >= 0) introduced.emit("rounds", { runId: told.runId, from, records: told.rounds.slice(from) });
    if (changes === null) introduced.emit("view", views.whole());
    else introduced.emit("changes", changes);
  }

  return {
    changed(participantId) {
      views.touch(participantId);
      cancelTelling ??= clock.after(intervalSeconds * 1000, () => void settled().then(tell));
    },
    close: () => cancelTelling?.(),
  };
}
