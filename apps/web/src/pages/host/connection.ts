/** The host's connection: the latest view, whether it is live, and a way to command. */
import {
  applyChanges,
  HOST_REFUSALS,
  type HostCommand,
  type HostRefusal,
  type HostToServerEvents,
  type HostView,
  type RefusalReason,
  type SentRounds,
  type SentView,
  type ServerToHostEvents,
} from "@fedlodrop/protocol";
import { type ReadonlySignal, signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import { tabStorage } from "../../ui/browser-storage.ts";
import { seldom } from "../../ui/seldom.ts";
import { siteUrl } from "../../ui/site.ts";
import { isDone } from "./asked-for.ts";
import { type EarlierRun, keepEarlier, keptEarlier, withEarlier } from "./earlier-runs.ts";
import { keepRounds, type Past, type RoundsKept } from "./rounds-so-far.ts";

export interface ReceivedView extends HostView {
  /** `performance.now()` at its arrival, from which the countdown runs. */
  readonly receivedAtMs: number;
  /** Runs that this one has replaced while the page looked on. */
  readonly earlier: readonly EarlierRun[];
  /** What devices did in rounds so long ago that their records have none. */
  readonly past: readonly Past[];
}

/** What the host has to be told: a wrong key or a refused command. */
export type HostProblem =
  | { readonly kind: "no-answer" }
  /** The reason is null where the coordinator gave none that is known here. */
  | { readonly kind: "refused"; readonly reason: HostRefusal | null; readonly message: string }
  | {
      readonly kind: "command-refused";
      readonly command: HostCommand["kind"];
      readonly reason: RefusalReason;
      readonly message: string;
    }
  | { readonly kind: "no-reply"; readonly command: HostCommand["kind"] };

export interface HostConnection {
  /** For files over HTTP. */
  readonly key: string;
  readonly view: ReadonlySignal<ReceivedView | null>;
  readonly online: ReadonlySignal<boolean>;
  readonly problem: ReadonlySignal<HostProblem | null>;
  /** Resolves when it was refused, or when what came of it can be seen. The same again until then is the same one. */
  command(command: HostCommand): Promise<void>;
}

const ANSWER_MILLISECONDS = 15_000;
/** A refusal is read in. */
const READING_MILLISECONDS = 10_000;
/** After its answer a command can be seen by then, or the run has moved on so fast that it never will. */
const SEEN_MILLISECONDS = 2_000;
/** Between drawings of what devices do: a full room is drawn less often, for that is more to draw. */
const [LEAST_MS, MOST_MS, MS_FOR_A_DEVICE] = [400, 1000, 30];
/** Of the run, what goes on by itself; whatever else has changed is drawn at once. */
const GOES_ON: ReadonlySet<string> = new Set(["phase", "round", "basedOnRound", "secondsToDeadline"]);

const NO_ROUNDS = { records: [], past: [] };

export function connectHost(key: string): HostConnection {
  const view = signal<ReceivedView | null>(null);
  const online = signal(false);
  const problem = signal<HostProblem | null>(null);
  const { pathname } = new URL(siteUrl());
  const socket: Socket<ServerToHostEvents, HostToServerEvents> = io("/host", {
    path: `${pathname}socket.io/`,
    auth: { key },
    transports: ["websocket", "polling"],
    tryAllTransports: true,
  });

  socket.on("connect", () => {
    online.value = true;
    problem.value = null;
  });
  socket.on("disconnect", () => {
    online.value = false;
  });
  socket.on("connect_error", (error: Error & { readonly data?: { readonly reason?: unknown } }) => {
    // While `active`, Socket.IO tries again by itself; otherwise the coordinator said no.
    const reason = HOST_REFUSALS.find((each) => each === error.data?.reason) ?? null;
    problem.value = socket.active
      ? { kind: "no-answer" }
      : { kind: "refused", reason, message: error.message };
  });
  /** The last command: a second click before anything has come of the first one is not another. */
  let pending: { readonly text: string; readonly settled: Promise<void> } | null = null;
  /** Whoever asked for what was so already has read by then that it was refused. */
  let readUntilMs = 0;
  /** A command that was not carried out, where the run is as it was to be, or is another one. */
  const isOver = (failed: HostProblem | null, now: HostView, isOther: boolean): boolean =>
    failed !== null &&
    "command" in failed &&
    (isOther || (isDone(failed.command, now) === true && performance.now() >= readUntilMs));
  const storage = tabStorage();
  let known: RoundsKept | null = null;
  /** Rounds come ahead of the view that has their settings, a new run's too. */
  let arrived: SentRounds[] = [];
  socket.on("rounds", (sent) => {
    arrived.push(sent);
  });
  let last: { readonly sent: SentView; readonly receivedAtMs: number } | null = null;
  const receive = (sent: SentView, isUrgent: boolean): void => {
    // What is drawn becomes the earlier run's ghost: all that is known of it, not what was drawn a while ago.
    if (last !== null && last.sent.runId !== sent.runId) changed(true);
    last = { sent, receivedAtMs: performance.now() };
    changed(isUrgent);
  };
  const changed = seldom(
    () => {
      if (last === null) return;
      const { sent, receivedAtMs } = last;
      const before = view.peek();
      const isOther = before !== null && before.runId !== sent.runId;
      const earlier = isOther
        ? withEarlier(before.earlier, before, sent.config)
        : (before?.earlier ?? keptEarlier(storage, sent.runId));
      if (isOther) keepEarlier(storage, sent.runId, earlier);
      for (const rounds of arrived)
        if (rounds.runId === sent.runId) known = keepRounds(known, rounds, sent.config);
      arrived = arrived.filter(({ runId }) => runId !== sent.runId);
      const { records: rounds, past } = known?.runId === sent.runId ? known : NO_ROUNDS;
      view.value = { ...sent, rounds, past, receivedAtMs, earlier };
      if (isOver(problem.peek(), view.value, isOther)) problem.value = null;
    },
    () => Math.min(MOST_MS, Math.max(LEAST_MS, MS_FOR_A_DEVICE * (last?.sent.participants.length ?? 0))),
  );
  socket.on("view", (sent) => {
    receive(sent, true);
    // Another run's would have come with that run's own view.
    arrived = arrived.filter(({ runId }) => runId === sent.runId);
  });
  socket.on("changes", (changes) => {
    if (last === null) return;
    // Whoever has asked for something waits for it.
    const isUrgent = pending !== null || Object.keys(changes.run).some((name) => !GOES_ON.has(name));
    receive(applyChanges(last.sent, changes), isUrgent);
  });

  async function send(command: HostCommand): Promise<void> {
    problem.value = null;
    let failed: HostProblem | null = null;
    try {
      const reply = await socket.timeout(ANSWER_MILLISECONDS).emitWithAck("command", command);
      if (reply.kind === "refused")
        failed = {
          kind: "command-refused",
          command: command.kind,
          reason: reply.reason,
          message: reply.message,
        };
    } catch {
      failed = { kind: "no-reply", command: command.kind };
    }
    if (failed === null) return seen(command.kind);
    problem.value = failed;
    const now = view.peek();
    const wasDone = now !== null && isDone(command.kind, now) === true;
    readUntilMs = wasDone ? performance.now() + READING_MILLISECONDS : 0;
  }

  /** At once where a view says nothing of such commands. */
  async function seen(kind: HostCommand["kind"]): Promise<void> {
    let stop = (): void => {};
    const isSeen = new Promise<void>((resolve) => {
      stop = view.subscribe((now) => {
        if (now === null || isDone(kind, now) !== false) resolve();
      });
    });
    await Promise.race([isSeen, new Promise((resolve) => setTimeout(resolve, SEEN_MILLISECONDS))]);
    stop();
  }

  return {
    key,
    view,
    online,
    problem,
    command(command) {
      const text = JSON.stringify(command);
      if (pending?.text === text) return pending.settled;
      const settled = send(command).finally(() => {
        if (pending?.settled === settled) pending = null;
      });
      pending = { text, settled };
      return settled;
    },
  };
}
