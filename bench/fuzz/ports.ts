/** Ways in for hostile messages; each waits after a burst until the coordinator has answered something sent last. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { type Joined, PROTOCOL_VERSION, payloadBytes, type Refused } from "@fedlodrop/protocol";
import { keptValueCount, type Random } from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { WebSocket } from "ws"; // the one below Socket.IO
import { device } from "../../packages/protocol/src/told-by-device.fixture.ts";
import {
  EVENTS,
  hostileArguments,
  hostileCommand,
  hostileFrame,
  hostileRequest,
} from "./hostile-messages.ts";
import { pick } from "./odd-values.ts";
import { HOST_KEY, type Quarry } from "./quarry.ts";

export interface Port {
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
export function messagePort(quarry: Quarry, random: Random, note: (reply: unknown) => void): Port {
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
      await socket.emitWithAck("ready", { runId: joined.run.runId, ...device });
      return socket;
    },
    forget(): void {
      token = undefined;
    },
    close: () => void socket?.disconnect(),
  };
}

/** Frames below Socket.IO; most end their connection, so that a connection sends a few and is replaced. */
export function framePort({ url }: Quarry, random: Random): Port {
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
export function commandPort({ url }: Quarry, random: Random, note: (reply: unknown) => void): Port {
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

export function requestPort({ url }: Quarry, random: Random, note: (reply: unknown) => void): Port {
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
