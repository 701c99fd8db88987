import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  applyChanges,
  type ClientToServerEvents,
  decodeSparseValues,
  encodeSparseValues,
  type HostToServerEvents,
  type Joined,
  PROTOCOL_VERSION,
  type Refused,
  type RoundClosed,
  type RoundStart,
  type SentRounds,
  type SentView,
  type ServerToClientEvents,
  type ServerToHostEvents,
  type UpdateStatistics,
} from "@fedlodrop/protocol";
import {
  adapterSize,
  DEFAULT_RUN_CONFIG,
  drawDropoutMask,
  keptIndices,
  type RunConfig,
  turnOf,
} from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { afterEach, expect } from "vitest";
import { description } from "../../../packages/protocol/src/run-description.fixture.ts";
import { device, statistics as told } from "../../../packages/protocol/src/told-by-device.fixture.ts";
import { buildCoordinator } from "./app.ts";
import type { Clock } from "./clock.ts";
import type { Coordinator, CoordinatorOptions } from "./coordinator.ts";
import type { Workload } from "./runs/workload.ts";

// ---- a coordinator whose "model" is a target vector: the loss is the squared distance to it

export const shape = {
  rank: 2,
  alpha: 4,
  modules: [
    { name: "m0", inFeatures: 12, outFeatures: 8 },
    { name: "m1", inFeatures: 6, outFeatures: 10 },
  ],
  dense: [],
};
export const size = adapterSize(shape);
export const target = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
export const distance = (adapter: Float32Array): number =>
  adapter.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / size;

export const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  rounds: 3,
  deadlineSeconds: 30,
  minParticipants: 1,
  // A fake participant goes halfway to the target at once, which no training would.
  aggregation: "mean",
  devices: 4,
};

export const workload = async (): Promise<Workload> => ({
  adapter: shape,
  task: { ...description.task, name: "target", title: "Find the target" },
  deviceCount: 4,
  deviceSplit: (index) => ({ device: `device ${index}`, samples: [{ text: `private text ${index}` }] }),
  largestSplit: 24,
  evaluate: async (adapter) => ({
    testLoss: distance(adapter),
    trainLoss: distance(adapter) / 2,
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
  }),
  modelDirectory: join(import.meta.dirname, "../../../models/base"),
  modelManifest: { version: "1234abcd", files: [] },
  startingAdapter: null,
  serializePeft: async () => new Uint8Array(4),
  serializeAdapter: async (adapter) => new Uint8Array(adapter.buffer.slice(0)),
  close: async () => {},
});

/** Time stands still but for `advance`. */
function manualClock() {
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  const clock: Clock = {
    nowMs: () => nowMs,
    after(ms, callBack) {
      const call = (): void => callBack();
      timers.set(call, nowMs + ms);
      return () => timers.delete(call);
    },
  };
  return {
    clock,
    advance(seconds: number) {
      nowMs += seconds * 1000;
      for (const [call, dueMs] of [...timers].sort((a, b) => a[1] - b[1]))
        if (dueMs <= nowMs && timers.delete(call)) call();
    },
  };
}

export const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
}, 60_000); // coordinators in the middle of a run end what they are at, up to eight seconds each

export async function start(change: Partial<RunConfig> = {}, options: Partial<CoordinatorOptions> = {}) {
  const time = manualClock();
  const coordinator = await buildCoordinator({
    config: { ...config, ...change },
    loadWorkload: workload,
    hostKey: "key",
    joinUrl: () => "http://test/",
    clock: time.clock,
    ...options,
  });
  const close = () => coordinator.close();
  open.push(close);
  await coordinator.http.listen({ port: 0, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(coordinator.http.server.address() as AddressInfo).port}`;
  /** As when its process has been killed: nobody reaches it any more, and nothing is stored. */
  const abandon = (): void => {
    open.splice(open.indexOf(close), 1);
    coordinator.http.server.closeAllConnections();
    coordinator.http.server.close();
  };
  return { coordinator, url, abandon, ...time };
}

// ---- a participant that computes real updates

export { device };
export const statistics: UpdateStatistics = {
  ...told,
  trainLoss: 1,
  ...{ secondsDownload: 0.1, secondsCompute: 0.2, secondsUpload: 0.3, energyJoules: 1 },
};

export async function connect(url: string) {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  open.push(() => socket.disconnect());
  const inbox: { [K in keyof ServerToClientEvents]: Parameters<ServerToClientEvents[K]>[0][] } = {
    "round-start": [],
    "secure-step": [],
    "round-closed": [],
    "round-evaluated": [],
    dealt: [],
    sharing: [],
    "run-changed": [],
    "run-ended": [],
    "host-closed": [],
    chaos: [],
    lesson: [],
    dismissed: [],
    admitted: [],
  };
  for (const event of Object.keys(inbox) as (keyof typeof inbox)[])
    (socket as Socket).on(event, (message) => {
      (inbox[event] as unknown[]).push(message);
    });
  await new Promise<void>((resolve) => socket.on("connect", resolve));
  return { socket, inbox };
}

export async function participate(
  url: string,
  nickname: string,
  terms: Partial<{ token: string; resumesRound: number; sampleCount: number }> = {},
) {
  const { socket, inbox } = await connect(url);
  const { sampleCount = 10, ...join } = terms;
  const identity = (await socket.emitWithAck("join", {
    protocolVersion: PROTOCOL_VERSION,
    nickname,
    ...join,
  })) as Joined;
  expect(identity, JSON.stringify(identity)).toMatchObject({ kind: "joined" });
  expect(await socket.emitWithAck("ready", { ...device, sampleCount, runId: identity.run.runId })).toEqual({
    kind: "accepted",
  });

  return { ...participateAs(url, socket, identity), inbox, ...inboxReaders(inbox) };
}

/** What a participant does with a connection that has joined. */
export function participateAs(
  url: string,
  socket: Socket<ServerToClientEvents, ClientToServerEvents>,
  identity: Joined,
) {
  let attempt = 0;
  const download = (round: number, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/api/sub-adapter?round=${round}`, {
      headers: { authorization: `Bearer ${identity.token}`, ...headers },
    });
  const update = async (start: RoundStart): Promise<Uint8Array> => {
    const { round, dropoutRate } = start;
    const reply = await download(round);
    if (!reply.ok) throw new Error(((await reply.json()) as Refused).message);
    const { config } = identity.run;
    const key = { seed: config.seed, round: turnOf(start), participantId: identity.participantId };
    const indices = keptIndices(shape, drawDropoutMask(shape, { ...key, dropoutRate }));
    const decoded = decodeSparseValues(new Uint8Array(await reply.arrayBuffer()), {
      round,
      valueCount: indices.length,
      valueType: identity.run.config.valueType,
    });
    if (decoded.kind === "refused") throw new Error(decoded.message);
    const changes = decoded.values.map((value, i) => 0.5 * (target[indices[i]!]! - value));
    return encodeSparseValues(changes, round, identity.run.config.valueType);
  };
  const upload = async (
    round: number,
    bytes: Uint8Array,
    chunkBytes = 100,
  ): Promise<{ kind: string; reason?: string }> => {
    attempt += 1;
    const begun = await socket.emitWithAck("upload-begin", { round, bytes: bytes.byteLength, attempt });
    if (begun.kind === "refused") return begun;
    for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
      const taken = await socket.emitWithAck(
        "upload-chunk",
        { round, offset },
        bytes.slice(offset, offset + chunkBytes),
      );
      if (taken.kind === "refused") return taken;
    }
    return socket.emitWithAck("upload-end", { round, statistics });
  };
  return { socket, identity, download, update, upload };
}

function inboxReaders(inbox: Awaited<ReturnType<typeof connect>>["inbox"]) {
  return {
    nextStart: (round: number): Promise<RoundStart> =>
      expect
        .poll(() => inbox["round-start"].find((message) => message.round === round), { interval: 2 })
        .toBeTruthy()
        .then(() => inbox["round-start"].find((message) => message.round === round)!),
    closed: (round: number): Promise<RoundClosed> =>
      expect
        .poll(() => inbox["round-closed"].find((message) => message.round === round), { interval: 2 })
        .toBeTruthy()
        .then(() => inbox["round-closed"].find((message) => message.round === round)!),
  };
}
export type FakeParticipant = Awaited<ReturnType<typeof participate>>;

export async function play(participant: FakeParticipant, round: number): Promise<void> {
  const message = await participant.nextStart(round);
  expect(await participant.upload(round, await participant.update(message))).toEqual({ kind: "accepted" });
}
export const phase = (coordinator: Coordinator, kind: string, timeout = 1000) =>
  expect.poll(() => coordinator.state.kind, { interval: 2, timeout }).toBe(kind);

export async function connectHost(url: string, key: string) {
  const socket: Socket<ServerToHostEvents, HostToServerEvents> = io(`${url}/host`, {
    auth: { key },
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  open.push(() => socket.disconnect());
  const views: SentView[] = [];
  const rounds: SentRounds[] = [];
  socket.on("view", (view) => views.push(view));
  socket.on("changes", (changes) => views.push(applyChanges(views.at(-1)!, changes)));
  socket.on("rounds", (sent) => rounds.push(sent));
  await new Promise<void>((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  return { socket, views, rounds };
}
