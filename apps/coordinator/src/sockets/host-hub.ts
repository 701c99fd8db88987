/** The hosts' connections: they need the key, see the run as it goes, and command it. */
import {
  type HostCommand,
  type HostReply,
  type HostToServerEvents,
  type HostView,
  hostCommandSchema,
  type ServerToHostEvents,
} from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import type { Namespace } from "socket.io";
import type { Clock } from "../clock.ts";
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
  readonly view: () => HostView;
  readonly command: (command: HostCommand) => Promise<HostReply>;
  readonly clock: Clock;
  /** Least time between two views. */
  readonly intervalSeconds: number;
}

export interface HostHub {
  /** Something that a host can see has changed; many changes make one view. */
  changed(): void;
  close(): void;
}

export function openHostHub({
  hosts,
  hostKey,
  limits,
  trustProxy,
  view,
  command,
  clock,
  intervalSeconds,
}: HostHubOptions): HostHub {
  /** What every host has been told; one that connects later is told all, and hears some of it twice. */
  let told: { readonly runId: string; readonly rounds: readonly RoundRecord[] } = { runId: "", rounds: [] };
  let cancelView: (() => void) | null = null;
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
    const { rounds, ...live } = view();
    socket.emit("rounds", { runId: live.runId, from: 0, records: rounds });
    socket.emit("view", live);
    socket.on("command", async (...args: unknown[]) => {
      const reply = replyOf(args);
      const message = parse(hostCommandSchema, args[0]);
      reply(message.kind === "refused" ? message : await command(message.value));
    });
  });
  return {
    changed() {
      cancelView ??= clock.after(intervalSeconds * 1000, () => {
        cancelView = null;
        const { rounds, ...live } = view();
        const { runId } = live;
        // The first that is new or has got its evaluation since.
        const changed = rounds.findIndex((record, i) => record !== told.rounds[i]);
        if (told.runId !== runId) hosts.emit("rounds", { runId, from: 0, records: rounds });
        else if (changed >= 0) hosts.emit("rounds", { runId, from: changed, records: rounds.slice(changed) });
        told = { runId, rounds };
        hosts.emit("view", live);
      });
    },
    close: () => cancelView?.(),
  };
}
