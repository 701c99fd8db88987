/**
 * Sends hostile messages to a coordinator whose round is open, and checks what must hold: it lives, the round and its
 * honest members are untouched, no prototype is polluted, memory is bounded, and the honest ones finish.
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { joinScripted, type ScriptedParticipant } from "@fedlodrop/harness";
import {
  encodeSparseValues,
  type Joined,
  PROTOCOL_VERSION,
  payloadBytes,
  type Refused,
} from "@fedlodrop/protocol";
import { createRandom, keptValueCount, type Random } from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { WebSocket } from "ws"; // the one below Socket.IO
import {
  DEVICE,
  EVENTS,
  hostileArguments,
  hostileCommand,
  hostileFrame,
  hostileRequest,
} from "./hostile-messages.ts";
import { pick } from "./odd-values.ts";
import { HOST_KEY, NO_LIMITS, openQuarry, type Quarry, SMALL_SHAPE } from "./quarry.ts";

export interface AttackOptions {
  readonly seed: string;
  /** Messages of all kinds together. */
  readonly count: number;
  readonly say?: (line: string) => void;
}

export interface AttackReport {
  /** Sent, by kind. */
  readonly sent: Readonly<Record<Kind, number>>;
  /** Replies, by what they said: reasons of refusals, kinds of answers, HTTP status codes. */
  readonly replies: Readonly<Record<string, number>>;
  readonly heapBeforeMegabytes: number;
  readonly heapAfterMegabytes: number;
  readonly seconds: number;
}

const KINDS = { message: 0.6, frame: 0.2, command: 0.1, request: 0.1 } as const;
type Kind = keyof typeof KINDS;
/** Sent between two waits for the coordinator to have kept up. */
const LARGEST_BURST = 250;
/** What stays after any number of messages: buffers, compiled code, counts by address. */
const ROOM_MEGABYTES = 48;

/** @throws an Error that says which promise was broken */
export async function attack({ seed, count, say = () => {} }: AttackOptions): Promise<AttackReport> {
  const startedMs = performance.now();
  const random = createRandom(seed);
  const quarry = await openQuarry({
    shape: SMALL_SHAPE,
    config: { minParticipants: 4, maxParticipants: 10_000 },
    limits: NO_LIMITS,
  });
  const replies: Record<string, number> = {};
  const note = (reply: unknown): void => {
    const { kind, reason } = (reply ?? {}) as { kind?: string; reason?: string };
    const word = reason ?? kind ?? "nothing";
    replies[word] = (replies[word] ?? 0) + 1;
  };
  const sent: Record<Kind, number> = { message: 0, frame: 0, command: 0, request: 0 };
  const honest = [await joinScripted(quarry.url, "ada"), await joinScripted(quarry.url, "ben")];
  const ports: Record<Kind, Port> = {
    message: messagePort(quarry, random, note),
    frame: framePort(quarry, random),
    command: commandPort(quarry, random, note),
    request: requestPort(quarry, random, note),
  };
  try {
    for (const participant of honest) await participant.ready();
    await ports.message.burst(0); // its two are in the cohort
    await quarry.coordinator.command({ kind: "start" });
    const start = await honest[0]!.nextRound(10);
    await honest[1]!.nextRound(10);
    const before = fingerprint(quarry);
    const heapBefore = heapMegabytes();
    let told = 0;
    // Also a short attack has all kinds.
    const burst = Math.min(LARGEST_BURST, Math.ceil(count / 100));
    for (let done = 0; done < count; ) {
      const kind = drawKind(random);
      const size = Math.min(burst, count - done);
      await ports[kind].burst(size);
      sent[kind] += size;
      done += size;
      expectUntouched(before, quarry);
      if (done - told >= 50_000) {
        told = done;
        say(`${done} of ${count} sent, heap ${heapMegabytes().toFixed(0)} MB`);
      }
    }
    for (const port of Object.values(ports)) port.close();
    await finish(honest, quarry, start.dropoutRate);
    const heapAfter = heapMegabytes();
    if (heapAfter > heapBefore + ROOM_MEGABYTES)
      throw new Error(
        `memory: expected at most ${ROOM_MEGABYTES} MB more, got ${heapBefore} → ${heapAfter} MB`,
      );
    return {
      sent,
      replies,
      heapBeforeMegabytes: heapBefore,
      heapAfterMegabytes: heapAfter,
      seconds: (performance.now() - startedMs) / 1000,
    };
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const port of Object.values(ports)) port.close();
    for (const participant of honest) participant.close();
    await quarry.coordinator.close();
  }
}

function drawKind(random: Random): Kind {
  let left = random.uniform();
  for (const [kind, share] of Object.entries(KINDS)) {
    left -= share;
    if (left < 0) return kind as Kind;
  }
  return "message";
}

// ---- what must hold

/** Whatever honest participants rely on. The attacker's own member may come, go and fail. */
function fingerprint({ coordinator }: Quarry): string {
  const { state } = coordinator;
  const members = state.kind === "training" ? state.members : new Map();
  return JSON.stringify({
    kind: state.kind,
    round: state.kind === "training" && state.round,
    config: state.config,
    locked: state.locked,
    ada: members.get("p1"),
    ben: members.get("p2"),
    adapter: coordinator.report().adapterSha256,
  });
}

function expectUntouched(before: string, quarry: Quarry): void {
  const now = fingerprint(quarry);
  if (now !== before) throw new Error(`open round: changed\n  from ${before}\n  to   ${now}`);
  const polluted = [Object.prototype, Array.prototype, Function.prototype].flatMap((prototype) =>
    Object.keys(prototype),
  );
  if (polluted.length > 0 || "polluted" in {}) throw new Error(`prototype: polluted with ${polluted}`);
}

async function finish(
  honest: readonly ScriptedParticipant[],
  { coordinator, shape }: Quarry,
  dropoutRate: number,
): Promise<void> {
  const values = new Float32Array(keptValueCount(shape, dropoutRate)).fill(1e-4);
  for (const participant of honest) {
    const reply = await participant.upload(1, encodeSparseValues(values, 1, "f32"));
    if (reply.kind === "refused") throw new Error(`honest upload: ${reply.reason}: ${reply.message}`);
  }
  const stop = await coordinator.command({ kind: "stop" });
  if (stop.kind === "refused" && coordinator.state.kind !== "ended") throw new Error(`stop: ${stop.message}`);
  for (let tries = 0; coordinator.state.kind !== "ended"; tries++) {
    if (tries === 500) throw new Error(`run: expected its end, got ${coordinator.state.kind}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const outcomes = coordinator
    .report()
    .rounds[0]?.participants.slice(0, 2)
    .map(({ outcome }) => outcome);
  if (outcomes?.join() !== "aggregated,aggregated")
    throw new Error(`honest members: expected both aggregated, got ${outcomes}`);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapMegabytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

// ---- ways in; each waits after a burst until the coordinator has answered something sent last

interface Port {
  burst(size: number): Promise<void>;
  close(): void;
}

const settled = (socket: Socket): Promise<unknown> =>
  Promise.race([
    socket
      .timeout(10_000)
      .emitWithAck("ping")
      .catch(() => {}),
    new Promise((resolve) => socket.once("disconnect", resolve)),
  ]);

/** Some values break already the sender's own encoding: then nothing was sent. */
function emit(socket: Socket, event: string, args: readonly unknown[]): void {
  try {
    socket.emit(event, ...args);
  } catch {
    // nothing to be seen by the coordinator
  }
}

function connectTo(url: string, namespace: string, auth: object): Promise<Socket> {
  const socket: Socket = io(new URL(namespace, url).href, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    auth,
  });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", reject);
  });
}

/** Messages of a member of the cohort, which comes back to its round whenever it was thrown out; of one who joins and
 *  leaves; and of a stranger who never joins. */
function messagePort(quarry: Quarry, random: Random, note: (reply: unknown) => void): Port {
  const { valueType, dropoutRate } = quarry.coordinator.state.config;
  const bytes = payloadBytes(keptValueCount(quarry.shape, dropoutRate), valueType);
  const member = openIdentity(quarry, "eve");
  const guest = openIdentity(quarry, "mallory");
  let stranger: Socket | undefined;
  return {
    async burst(size) {
      if (!stranger?.connected) stranger = await connectTo(quarry.url, "/", {});
      const senders = [await member.socket(), await guest.socket(), stranger] as const;
      for (let k = 0; k < size; k++) {
        const which = pick(random, [0, 0, 0, 1, 1, 2] as const);
        const event = pick(random, EVENTS);
        if (event === "leave" && which === 0) continue; // its place in the round would be gone for good
        const answer = (reply: unknown): void => {
          note(reply);
          if (which === 1 && event === "leave") guest.forget();
        };
        const more = random.uniform() < 0.9 ? [answer] : [];
        emit(senders[which], event, [...hostileArguments(random, event, bytes), ...more]);
      }
      await Promise.all(senders.map(settled));
    },
    close() {
      member.close();
      guest.close();
      stranger?.disconnect();
    },
  };
}

/** Someone who joins anew, as the same, whenever the connection was lost. */
function openIdentity(quarry: Quarry, nickname: string) {
  let socket: Socket | undefined;
  let token: string | undefined;
  return {
    async socket(): Promise<Socket> {
      if (socket?.connected && token !== undefined) return socket;
      socket?.disconnect();
      socket = await connectTo(quarry.url, "/", {});
      const { state } = quarry.coordinator;
      const joined: Joined | Refused = await socket.emitWithAck("join", {
        protocolVersion: PROTOCOL_VERSION,
        nickname,
        ...(token !== undefined && { token }),
        ...(state.kind === "training" && { resumesRound: state.round }),
      });
      if (joined.kind === "refused") throw new Error(`${nickname} cannot join: ${joined.message}`);
      token = joined.token;
      await socket.emitWithAck("ready", { runId: joined.run.runId, ...DEVICE });
      return socket;
    },
    forget(): void {
      token = undefined;
    },
    close: () => void socket?.disconnect(),
  };
}

/** Frames below Socket.IO; most end their connection, so that a connection sends a few and is replaced. */
function framePort({ url }: Quarry, random: Random): Port {
  const address = `${url.replace("http", "ws")}socket.io/?EIO=4&transport=websocket`;
  return {
    async burst(size) {
      for (let k = 0; k < size; ) {
        const socket = new WebSocket(address);
        socket.on("error", () => {});
        const closed = once(socket, "close");
        await Promise.race([once(socket, "open"), closed]);
        if (socket.readyState === WebSocket.OPEN) socket.send("40");
        for (let frames = 0; frames < 10 && k < size; frames++, k++)
          if (socket.readyState === WebSocket.OPEN) socket.send(hostileFrame(random));
        socket.close();
        await closed;
      }
    },
    close() {},
  };
}

/** Commands of someone who has the key. */
function commandPort({ url }: Quarry, random: Random, note: (reply: unknown) => void): Port {
  let host: Socket | undefined;
  return {
    async burst(size) {
      if (!host?.connected) host = await connectTo(url, "/host", { key: HOST_KEY });
      const connected = host;
      for (let k = 0; k < size; k++) emit(connected, "command", [hostileCommand(random), note]);
      await Promise.race([
        connected
          .timeout(10_000)
          .emitWithAck("command", {})
          .catch(() => {}),
        new Promise((resolve) => connected.once("disconnect", resolve)),
      ]);
    },
    close: () => void host?.disconnect(),
  };
}

function requestPort({ url }: Quarry, random: Random, note: (reply: unknown) => void): Port {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  async function ask(): Promise<void> {
    const { method, path, headers, body } = hostileRequest(random);
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, method, path, headers, agent });
    // A GET's body has no length: the coordinator reads it as another request and says so after its answer.
    sent.on("error", () => {});
    sent.end(body);
    try {
      const [response] = await once(sent, "response");
      note({ kind: `HTTP ${response.statusCode}` });
      if (response.statusCode >= 500) throw new Error(`${method} ${path}: HTTP ${response.statusCode}`);
      response.resume();
      await once(response, "close");
    } catch (error) {
      // A refused connection is an answer; an error of the coordinator is not.
      if (/HTTP 5/.test((error as Error).message)) throw error;
      note({ kind: "HTTP closed" });
    }
  }
  return {
    async burst(size) {
      for (let k = 0; k < size; k += 8) await Promise.all(Array.from({ length: Math.min(8, size - k) }, ask));
    },
    close: () => agent.destroy(),
  };
}
