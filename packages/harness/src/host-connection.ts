/** The host's side of a run: sees every lane, starts, pauses and stops. */
import {
  appendRounds,
  applyChanges,
  type HostCommand,
  type HostToServerEvents,
  type HostView,
  type SentRounds,
  type SentView,
  type ServerToHostEvents,
} from "@fedlodrop/protocol";
import type { RoundRecord } from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { READY } from "./participants.ts";
import { siteOf } from "./site.ts";

export interface HostConnection {
  /** The last view the coordinator sent. */
  view(): HostView;
  /** Calls back on every view from now on, the last one first. */
  watch(seen: (view: HostView) => void): void;
  /** Resolves with the first view that satisfies `condition`, the last one included. */
  until(condition: (view: HostView) => boolean, timeoutSeconds: number): Promise<HostView>;
  /** Until as many participants have loaded and warmed up; 120 s unless told. */
  ready(count: number, timeoutSeconds?: number): Promise<HostView>;
  /** The record of a round, once it is closed; 120 s unless told. */
  round(number: number, timeoutSeconds?: number): Promise<RoundRecord>;
  /** Until the run has ended; 600 s unless told. */
  ended(timeoutSeconds?: number): Promise<HostView>;
  /** Throws with the reason when the coordinator refuses. */
  command(command: HostCommand): Promise<void>;
  /** Whatever is waited for, still or from now on, is given up with an error. */
  close(): void;
}

const CLOSED = "the connection was closed while it was waited for";
/** setTimeout counts in 32 bits and fires at once beyond. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @param url the coordinator's @param key the host key it printed. Throws when the key is refused. */
export async function connectHost(url: string, key: string): Promise<HostConnection> {
  const { origin, socketPath } = siteOf(url);
  const socket: Socket<ServerToHostEvents, HostToServerEvents> = io(`${origin}/host`, {
    path: socketPath,
    auth: { key },
    transports: ["websocket"],
    forceNew: true,
  });
  const watchers = new Set<(view: HostView) => void>();
  let known: SentRounds | null = null;
  socket.on("rounds", (sent) => {
    known = appendRounds(known, sent);
  });
  const whole = (sent: SentView): HostView => ({ ...sent, rounds: known?.records ?? [] });
  let last = await new Promise<SentView>((resolve, reject) => {
    socket.once("view", resolve);
    socket.once("connect_error", (error) => {
      socket.close();
      reject(new Error(`host connection to ${url}: ${error.message}`, { cause: error }));
    });
  });
  let view = whole(last);
  const show = (sent: SentView): void => {
    last = sent;
    view = whole(sent);
    for (const seen of [...watchers]) seen(view);
  };
  socket.on("view", show);
  socket.on("changes", (changes) => show(applyChanges(last, changes)));

  /** Told to whoever waits for a view that can no longer come. */
  const waiting = new Set<(why: string) => void>();
  let isClosed = false;

  function until(condition: (view: HostView) => boolean, timeoutSeconds: number): Promise<HostView> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        watchers.delete(look);
        waiting.delete(giveUp);
      };
      const giveUp = (why: string): void => {
        stop();
        const states = view.participants.map(({ id, state }) => `${id} ${state}`).join(", ");
        reject(new Error(`run: ${why} (${view.phase}, round ${view.round}; ${states || "nobody"})`));
      };
      const timer = setTimeout(
        () => giveUp(`not there after ${timeoutSeconds} s`),
        Math.min(timeoutSeconds * 1000, LONGEST_TIMER_MS),
      );
      waiting.add(giveUp);
      const look = (seen: HostView): void => {
        if (!condition(seen)) return;
        stop();
        resolve(seen);
      };
      watchers.add(look);
      look(view);
      if (isClosed && waiting.has(giveUp)) giveUp(CLOSED);
    });
  }

  return {
    view: () => view,
    watch(seen) {
      watchers.add(seen);
      seen(view);
    },
    until,
    ready: (count, timeoutSeconds = 120) =>
      until(({ participants }) => participants.filter(isReady).length >= count, timeoutSeconds),
    async round(number, timeoutSeconds = 120) {
      const record = ({ rounds }: HostView) => rounds.find(({ round }) => round === number);
      return record(await until((seen) => record(seen) !== undefined, timeoutSeconds)) as RoundRecord;
    },
    ended: (timeoutSeconds = 600) => until(({ phase }) => phase === "ended", timeoutSeconds),
    async command(command) {
      const reply = await socket.timeout(10_000).emitWithAck("command", command);
      if (reply.kind === "refused") throw new Error(`${command.kind}: ${reply.reason}: ${reply.message}`);
    },
    close: () => {
      socket.close();
      isClosed = true;
      for (const giveUp of [...waiting]) giveUp(CLOSED);
    },
  };
}

const isReady = ({ state }: HostView["participants"][number]): boolean =>
  (READY as readonly string[]).includes(state);
