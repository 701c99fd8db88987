import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ClientToServerEvents,
  type DeviceFacts,
  decodeSparseValues,
  encodeSparseValues,
  type HostToServerEvents,
  type HostView,
  type Joined,
  PROTOCOL_VERSION,
  payloadBytes,
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
  initialAdapter,
  keptIndices,
  type RunConfig,
} from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { buildCoordinator, type Coordinator, type CoordinatorOptions } from "./app.ts";
import type { Clock } from "./clock.ts";
import { type Planner, planHere } from "./planner.ts";
import { createStore, readStoredRun } from "./store.ts";
import type { Workload } from "./workload.ts";

// ---- a coordinator whose "model" is a target vector: the loss is the squared distance to it

const shape = {
  rank: 2,
  alpha: 4,
  modules: [
    { name: "m0", inFeatures: 12, outFeatures: 8 },
    { name: "m1", inFeatures: 6, outFeatures: 10 },
  ],
  dense: [],
};
const size = adapterSize(shape);
const target = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
const distance = (adapter: Float32Array): number =>
  adapter.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / size;

const config: RunConfig = {
  ...DEFAULT_RUN_CONFIG,
  rounds: 3,
  deadlineSeconds: 30,
  minParticipants: 1,
  devices: 4,
};

const workload = async (): Promise<Workload> => ({
  adapter: shape,
  task: {
    name: "target",
    title: "Find the target",
    story: "",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    prompts: [],
  },
  deviceCount: 4,
  deviceSplit: (index) => ({ device: `device ${index}`, samples: [{ text: `private text ${index}` }] }),
  largestSplit: 24,
  evaluate: async (adapter) => ({
    testLoss: distance(adapter),
    trainLoss: distance(adapter) / 2,
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
    curvature: null,
  }),
  modelDirectory: join(import.meta.dirname, "../../../models/base"),
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

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function start(change: Partial<RunConfig> = {}, options: Partial<CoordinatorOptions> = {}) {
  const time = manualClock();
  const coordinator = await buildCoordinator({
    config: { ...config, ...change },
    loadWorkload: workload,
    hostKey: "key",
    joinUrl: () => "http://test/",
    clock: time.clock,
    ...options,
  });
  open.push(() => coordinator.close());
  await coordinator.http.listen({ port: 0, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${(coordinator.http.server.address() as AddressInfo).port}`;
  return { coordinator, url, ...time };
}

// ---- a participant that computes real updates

const device: DeviceFacts = {
  backend: "cpu",
  deviceDescription: "test",
  sampleCount: 10,
  firstStepSeconds: 0.1,
  stepSeconds: 0.1,
  roundTripSeconds: 0.01,
  energyProfile: { kind: "cpu", computeWatts: 15, radioWatts: 1, batteryWattHours: null, source: "modelled" },
};
const statistics: UpdateStatistics = {
  sampleCount: 10,
  trainLoss: 1,
  steps: 8,
  tokens: 100,
  secondsDownload: 0.1,
  secondsCompute: 0.2,
  roundTripSeconds: 0.01,
  energyJoules: 1,
  energySource: "modelled",
  gradientNorm95: 1,
  lossSpread: 1,
};

async function connect(url: string) {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  open.push(() => socket.disconnect());
  const inbox: { [K in keyof ServerToClientEvents]: Parameters<ServerToClientEvents[K]>[0][] } = {
    "round-start": [],
    "round-closed": [],
    "run-changed": [],
    "run-ended": [],
    dismissed: [],
  };
  for (const event of Object.keys(inbox) as (keyof typeof inbox)[])
    (socket as Socket).on(event, (message) => {
      (inbox[event] as unknown[]).push(message);
    });
  await new Promise<void>((resolve) => socket.on("connect", resolve));
  return { socket, inbox };
}

async function participate(
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
  expect(identity).toMatchObject({ kind: "joined" });
  expect(await socket.emitWithAck("ready", { ...device, sampleCount, runId: identity.run.runId })).toEqual({
    kind: "accepted",
  });

  const update = async ({ round, dropoutRate }: RoundStart): Promise<Uint8Array> => {
    const reply = await socket.emitWithAck("download", { round });
    if (reply.kind === "refused") throw new Error(reply.message);
    const { seed } = identity.run.config;
    const indices = keptIndices(
      shape,
      drawDropoutMask(shape, { seed, round, participantId: identity.participantId, dropoutRate }),
    );
    const decoded = decodeSparseValues(new Uint8Array(reply.payload), {
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
    const begun = await socket.emitWithAck("upload-begin", { round, bytes: bytes.byteLength, statistics });
    if (begun.kind === "refused") return begun;
    for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
      const taken = await socket.emitWithAck(
        "upload-chunk",
        { round, offset },
        bytes.slice(offset, offset + chunkBytes),
      );
      if (taken.kind === "refused") return taken;
    }
    return socket.emitWithAck("upload-end", { round });
  };
  return {
    socket,
    inbox,
    identity,
    update,
    upload,
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
type FakeParticipant = Awaited<ReturnType<typeof participate>>;

async function play(participant: FakeParticipant, round: number): Promise<void> {
  const message = await participant.nextStart(round);
  expect(await participant.upload(round, await participant.update(message))).toEqual({ kind: "accepted" });
}
const phase = (coordinator: Coordinator, kind: string) =>
  expect.poll(() => coordinator.state.kind, { interval: 2 }).toBe(kind);

describe("a run", () => {
  async function run(
    order: (participants: FakeParticipant[]) => FakeParticipant[],
    change: Partial<RunConfig> = {},
  ) {
    const { coordinator, url } = await start({ dropoutRate: 0.4, ...change });
    const participants: FakeParticipant[] = [];
    for (const [i, name] of ["ada", "ben", "cleo"].entries())
      participants.push(await participate(url, name, { sampleCount: 10 + 7 * i }));
    expect(await coordinator.command({ kind: "start" })).toEqual({ kind: "done" });
    for (let round = 1; round <= 3; round++) for (const each of order(participants)) await play(each, round);
    await phase(coordinator, "ended");
    await expect
      .poll(() => participants[0]!.inbox["run-ended"])
      .toEqual([{ reason: "finished", roundsDone: 3 }]);
    return { report: coordinator.report(), participants, adapter: coordinator.adapter };
  }

  it("aggregates what was kept, and the loss falls", async () => {
    const { report, participants, adapter } = await run((all) => all);
    expect(report.rounds.map(({ round }) => round)).toEqual([1, 2, 3]);
    const losses = [report.baseTestLoss!, ...report.rounds.map(({ testLoss }) => testLoss!)];
    expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1]! * 0.8)).toBe(true);
    expect(report.finalTestLoss).toBe(losses[3]);

    // An independent dense float64 reference of all three rounds.
    let full = Float64Array.from(initialAdapter(shape, config.seed));
    for (let round = 1; round <= 3; round++) {
      const sums = new Float64Array(size);
      const weights = new Float64Array(size);
      participants.forEach(({ identity }, k) => {
        const key = { seed: config.seed, round, participantId: identity.participantId, dropoutRate: 0.4 };
        for (const index of keptIndices(shape, drawDropoutMask(shape, key))) {
          sums[index]! += (10 + 7 * k) * 0.5 * (target[index]! - full[index]!);
          weights[index]! += 10 + 7 * k;
        }
      });
      full = full.map((value, i) => (weights[i]! > 0 ? value + sums[i]! / weights[i]! : value));
    }
    // Values and changes are rounded to f32 three times.
    expect(Math.max(...adapter.map((value, i) => Math.abs(value - full[i]!)))).toBeLessThan(1e-6);

    const { keptValues, bytesDown, bytesUp } = report.rounds[0]!.participants[0]!;
    expect(keptValues).toBe(2 * (8 + 5 + 4 + 6)); // ⌈0.6·n⌉ of 12, 8, 6 and 10
    expect([bytesDown, bytesUp]).toEqual([payloadBytes(keptValues, "f32"), payloadBytes(keptValues, "f32")]);
    const closed = await participants[2]!.closed(1);
    expect(closed).toMatchObject({
      outcome: "aggregated",
      contribution: 24 / 51,
      aggregatedCount: 3,
      cohortSize: 3,
    });
  });

  it("takes half the bytes per value in f16, to nearly the same end", async () => {
    const half = await run((all) => all, { valueType: "f16" });
    const full = await run((all) => all);
    const { keptValues, bytesUp } = half.report.rounds[0]!.participants[0]!;
    expect(bytesUp).toBe(16 + 2 * keptValues);
    // Values and changes up to 1.2 keep 11 bits.
    const difference = half.adapter.map((value, i) => Math.abs(value - full.adapter[i]!));
    expect(Math.max(...difference)).toBeLessThan(2e-3);
  });

  it("evaluates training texts only of those whose updates are in the adapter", async () => {
    const asked: (readonly number[])[] = [];
    const watched = async (): Promise<Workload> => {
      const plain = await workload();
      return {
        ...plain,
        evaluate(adapter, parts) {
          asked.push(parts);
          return plain.evaluate!(adapter, parts);
        },
      };
    };
    const { coordinator, url, advance } = await start({ rounds: 2 }, { loadWorkload: watched });
    const [ada, ben, cleo] = [
      await participate(url, "ada"),
      await participate(url, "ben"),
      await participate(url, "cleo"),
    ];
    await coordinator.command({ kind: "start" });
    await play(cleo, 1);
    await play(ada, 1);
    advance(31); // Ben misses the deadline.
    await play(ada, 2);
    await play(ben, 2);
    advance(31);
    await phase(coordinator, "ended");
    expect(asked).toEqual([[], [0, 2], [0, 1, 2]]);
  });

  it("goes on without an evaluation that hangs", async () => {
    const lines: string[] = [];
    const hanging = async (): Promise<Workload> => ({
      ...(await workload()),
      evaluate: () => new Promise(() => {}),
    });
    const { coordinator, url, advance } = await start(
      { rounds: 2 },
      { loadWorkload: hanging, log: (line) => lines.push(line) },
    );
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    await phase(coordinator, "evaluating");
    advance(59);
    expect(coordinator.state.kind).toBe("evaluating");
    advance(1);
    expect(await ada.closed(1)).toMatchObject({ outcome: "aggregated", testLoss: null });
    expect(lines).toEqual(["round 1 cannot be evaluated: it has taken longer than 60 s"]);
    await play(ada, 2);
    await phase(coordinator, "evaluating");
    await coordinator.command({ kind: "stop" });
    await coordinator.command({ kind: "stop" });
    expect(coordinator.state.kind).toBe("ended");
    expect(coordinator.report().rounds).toHaveLength(2);
  });

  it("gives the same adapter whatever the order of arrival", async () => {
    const first = await run((all) => all);
    const second = await run((all) => [...all].reverse());
    expect(second.report.adapterSha256).toBe(first.report.adapterSha256);
  });
});

describe("refusals", () => {
  it("say why, and change nothing", async () => {
    const { coordinator, url, advance } = await start();
    const stranger = await connect(url);
    const hello = { protocolVersion: PROTOCOL_VERSION, nickname: "eve" };
    const reason = async (reply: Promise<unknown>) => ((await reply) as Refused).reason;
    const emit = (who: { socket: Socket }, event: string, ...args: unknown[]) =>
      reason(who.socket.emitWithAck(event, ...args));

    expect(await emit(stranger, "ready", device)).toBe("unknown-participant");
    expect(await emit(stranger, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(4))).toBe(
      "unknown-participant",
    );
    expect(await emit(stranger, "join", { ...hello, protocolVersion: 999 })).toBe("protocol-version");
    expect(await emit(stranger, "join", { protocolVersion: 0 })).toBe("protocol-version");
    for (const nonsense of [
      null,
      7,
      "x",
      [],
      {},
      { ...hello, nickname: "" },
      { ...hello, nickname: "n".repeat(41) },
    ])
      expect(await emit(stranger, "join", nonsense)).toBe("bad-message");
    // No acknowledgement asked for, no arguments at all: nothing to answer and nothing to break.
    (stranger.socket as Socket).emit("ready");
    (stranger.socket as Socket).emit("upload-chunk");

    const ada = await participate(url, "ada");
    const ben = await participate(url, "ben");
    const { runId } = ada.identity.run;
    expect(await emit(ada, "join", { ...hello })).toBe("duplicate");
    expect(await emit(ada, "ready", { ...device, runId, sampleCount: -1 })).toBe("bad-message");
    expect(await emit(ada, "ready", { ...device, runId: "another" })).toBe("wrong-state");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: 16, statistics })).toBe("not-running");
    expect(await emit(ada, "download", { round: 1 })).toBe("not-running");

    await coordinator.command({ kind: "start" });
    const message = await ada.nextStart(1);
    const cleo = await participate(url, "cleo");
    const before = [...coordinator.adapter];
    const good = await ada.update(message);
    const bytes = good.byteLength;
    const altered = (change: (view: DataView) => void): Uint8Array => {
      const copy = good.slice();
      change(new DataView(copy.buffer));
      return copy;
    };
    const upload = (payload: Uint8Array, round = 1) => reason(ada.upload(round, payload));

    expect(await emit(cleo, "download", { round: 1 })).toBe("not-in-cohort");
    expect(await emit(cleo, "upload-begin", { round: 1, bytes, statistics })).toBe("not-in-cohort");
    expect(await emit(ada, "upload-begin", { round: 2, bytes, statistics })).toBe("stale-round");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: 1e9, statistics })).toBe("too-large");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: bytes - 4, statistics })).toBe("wrong-length");
    expect(
      await emit(ada, "upload-begin", {
        round: 1,
        bytes,
        statistics: { ...statistics, trainLoss: Number.NaN },
      }),
    ).toBe("bad-message");
    expect(await emit(ada, "upload-end", { round: 1 })).toBe("wrong-order");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, good)).toBe("wrong-order");
    await ada.socket.emitWithAck("upload-begin", { round: 1, bytes, statistics });
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 4 }, good)).toBe("wrong-order");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(bytes + 1))).toBe(
      "too-large",
    );
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, "text")).toBe("bad-message");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(0))).toBe("bad-message");
    expect(await emit(ada, "upload-end", { round: 1 })).toBe("wrong-length");
    expect(await upload(altered((view) => view.setUint8(0, 0)))).toBe("wrong-header");
    expect(await upload(altered((view) => view.setUint32(8, 9, true)))).toBe("stale-round");
    expect(await upload(altered((view) => view.setFloat32(20, Number.NaN, true)))).toBe("non-finite");
    expect(await upload(altered((view) => view.setFloat32(20, Number.POSITIVE_INFINITY, true)))).toBe(
      "non-finite",
    );
    expect(await upload(altered((view) => view.setFloat32(20, 1e6, true)))).toBe("out-of-range");

    expect([...coordinator.adapter]).toEqual(before);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 1, records: [] });
    // After all that a good update still counts, once.
    expect(await ada.upload(1, good)).toEqual({ kind: "accepted" });
    expect(await upload(good)).toBe("duplicate");
    expect(await emit(ada, "download", { round: 1 })).toBe("duplicate");
    await play(ben, 1);
    await ada.nextStart(2);
    expect(await upload(good)).toBe("stale-round");
    expect(coordinator.state.records[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "aggregated",
      "aggregated",
    ]);

    await coordinator.command({ kind: "lock", locked: true });
    expect(await emit(await connect(url), "join", hello)).toBe("run-locked");
    await coordinator.command({ kind: "kick", participantId: "p3" });
    await expect.poll(() => cleo.inbox.dismissed).toMatchObject([{ reason: "kicked" }]);
    expect(await emit(await connect(url), "join", { ...hello, token: cleo.identity.token })).toBe("kicked");

    const replies = await Promise.all(
      Array.from({ length: 400 }, () => reason(ben.socket.emitWithAck("ready", { ...device, runId }))),
    );
    expect(replies.at(-1)).toBe("rate-limited");
    advance(5);
    expect(await ben.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
  });

  it("count as an answer, so that a hostile device cannot stall a round", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const [ada, eve] = [await participate(url, "ada"), await participate(url, "eve")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    const poison = (await eve.update(await eve.nextStart(1))).fill(255, 16);
    expect(await eve.upload(1, poison)).toMatchObject({ reason: "non-finite" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "aggregated",
      "refused",
    ]);
  });

  it("let no more in than the run has room for", async () => {
    const { url } = await start({ maxParticipants: 1 });
    await participate(url, "ada");
    const { socket } = await connect(url);
    expect(
      await socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "ben" }),
    ).toMatchObject({ reason: "run-full" });
  });

  it("drop a connection that sends more than a message may be", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada");
    ada.socket.emit("upload-chunk", { round: 1, offset: 0 }, new Uint8Array(5 * 2 ** 20), () => {});
    await expect.poll(() => ada.socket.connected).toBe(false);
    await participate(url, "ben");
  });
});

describe("participants come and go", () => {
  it("keeps the identity over a reload, and the reloaded tab waits for the next round", async () => {
    const { coordinator, url } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    ada.socket.disconnect();
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(again.identity).toMatchObject({ participantId: "p1", token: ada.identity.token, deviceIndex: 0 });
    await play(ben, 1);
    await again.nextStart(2);
    expect(coordinator.state.records[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "left",
      "aggregated",
    ]);
  });

  it("lets a lost connection go on with its round", async () => {
    const { coordinator, url, advance } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    const bytes = await ada.update(await ada.nextStart(1));
    ada.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p1")?.presence).toBe("away");
    advance(9);
    const again = await participate(url, "ada", { token: ada.identity.token, resumesRound: 1 });
    advance(9);
    expect(await again.upload(1, bytes)).toEqual({ kind: "accepted" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants[0]!.outcome).toBe("aggregated");
  });

  it("forgets newcomers who are gone before any round, and gives no id twice", async () => {
    const { coordinator, url, advance } = await start();
    const ids = () => [...coordinator.state.participants.keys()];
    const ada = await participate(url, "ada");
    const ben = await participate(url, "ben");
    ada.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p1")?.presence).toBe("away");
    advance(9);
    expect(ids()).toEqual(["p1", "p2"]);
    advance(1);
    expect(ids()).toEqual(["p2"]);
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(again.identity).toMatchObject({ participantId: "p3", deviceIndex: 2 });
    await again.socket.emitWithAck("leave");
    expect(ids()).toEqual(["p2"]);
    // Who was in a cohort stays, with what it did and the way back.
    await coordinator.command({ kind: "start" });
    await play(ben, 1);
    await ben.closed(1);
    await ben.socket.emitWithAck("leave");
    await phase(coordinator, "lobby");
    expect(ids()).toEqual(["p2"]);
  });

  it("hands a participant over to the newer of two tabs", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada");
    const second = await participate(url, "ada", { token: ada.identity.token });
    expect(second.identity.participantId).toBe("p1");
    await expect.poll(() => ada.inbox.dismissed).toMatchObject([{ reason: "taken-over" }]);
    await expect.poll(() => ada.socket.connected).toBe(false);
    const { runId } = second.identity.run;
    expect(await second.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
  });

  it("gives an unknown token a new identity", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada", { token: "made-up" });
    expect(ada.identity).toMatchObject({ participantId: "p1" });
    expect(ada.identity.token).not.toBe("made-up");
  });

  it("closes a round at its deadline without the silent one", async () => {
    const { coordinator, url, advance } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    await ben.nextStart(1);
    advance(29);
    expect(coordinator.state.kind).toBe("training");
    advance(1);
    expect(await ben.closed(1)).toMatchObject({ outcome: "missed-deadline", contribution: 0 });
    expect(coordinator.state.records[0]).toMatchObject({ seconds: 30 });
    await ben.nextStart(2);
  });

  it("closes a round without a tab that vanished, after its grace", async () => {
    const { coordinator, url, advance } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    ben.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p2")?.presence).toBe("away");
    advance(10);
    expect(await ada.closed(1)).toMatchObject({ aggregatedCount: 1, cohortSize: 2 });
  });

  it("counts the time of grace from the last of several losses", async () => {
    const { coordinator, url, advance } = await start();
    const ada = await participate(url, "ada");
    await participate(url, "ben");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    const presence = () => coordinator.state.participants.get("p1")?.presence;
    const status = () => {
      const { state } = coordinator;
      return state.kind === "training" && state.members.get("p1")?.status.kind;
    };
    ada.socket.disconnect();
    await expect.poll(presence, { interval: 2 }).toBe("away");
    advance(8);
    const again = await participate(url, "ada", { token: ada.identity.token, resumesRound: 1 });
    again.socket.disconnect();
    await expect.poll(presence, { interval: 2 }).toBe("away");
    advance(8);
    expect(status()).toBe("working");
    advance(3);
    expect(status()).toBe("left");
  });

  it("takes a late joiner in at the next round", async () => {
    const { coordinator, url } = await start();
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    const ben = await participate(url, "ben");
    await play(ada, 1);
    await ben.nextStart(2);
    expect(ben.inbox["round-start"].map(({ round }) => round)).toEqual([2]);
  });

  it("keeps the model while everyone is away, and goes on when they return", async () => {
    const { coordinator, url } = await start({ rounds: 2, minParticipants: 2 });
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await Promise.all([play(ada, 1), play(ben, 1)]);
    await ben.nextStart(2);
    const learned = coordinator.report().adapterSha256;
    await ada.socket.emitWithAck("leave");
    await ben.socket.emitWithAck("leave");
    await phase(coordinator, "lobby");
    expect(coordinator.report().adapterSha256).toBe(learned);
    const again = [
      await participate(url, "ada", { token: ada.identity.token }),
      await participate(url, "ben", { token: ben.identity.token }),
    ];
    // Round 2 closed with nobody left in it and does not count.
    await Promise.all(again.map((participant) => play(participant, 3)));
    await phase(coordinator, "ended");
    expect(coordinator.report().adapterSha256).not.toBe(learned);
  });
});

describe("the host", () => {
  async function connectHost(url: string, key: string) {
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
    socket.on("rounds", (sent) => rounds.push(sent));
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    });
    return { socket, views, rounds };
  }

  it("needs the key", async () => {
    const { url } = await start();
    await expect(connectHost(url, "guess")).rejects.toThrow("wrong host key");
  });

  it("sees lanes and steers the run", async () => {
    const { url, advance } = await start({ rounds: 1 });
    const { socket, views, rounds } = await connectHost(url, "key");
    await expect.poll(() => views).toMatchObject([{ phase: "lobby", participants: [] }]);
    const ada = await participate(url, "ada");
    expect(await socket.emitWithAck("command", { kind: "pause" })).toMatchObject({ reason: "wrong-state" });
    expect(await socket.emitWithAck("command", { kind: "change", change: { quorum: 7 } })).toMatchObject({
      reason: "bad-message",
    });
    expect(await socket.emitWithAck("command", { kind: "start" })).toEqual({ kind: "done" });
    const message = await ada.nextStart(1);
    const lane = async (expected: Partial<HostView["participants"][0]>) => {
      await expect
        .poll(() => {
          advance(0.5);
          return views.at(-1)?.participants[0];
        })
        .toMatchObject(expected);
    };
    await lane({ id: "p1", nickname: "ada", state: "downloading", deviceName: "device 0", backend: "cpu" });
    const bytes = await ada.update(message);
    ada.socket.emit("progress", { round: 1, step: 3, loss: 2.5, tokensPerSecond: 640 });
    await lane({ state: "training", step: 3, loss: 2.5, tokensPerSecond: 640, bytesDown: bytes.byteLength });
    await ada.socket.emitWithAck("upload-begin", { round: 1, bytes: bytes.byteLength, statistics });
    await lane({ state: "uploading" });
    await ada.upload(1, bytes);
    await lane({ state: "ready", bytesUp: bytes.byteLength });
    expect(views.at(-1)).toMatchObject({ phase: "ended", round: 1 });
    expect(rounds.at(-1)?.records).toMatchObject([{ round: 1 }]);
  });

  it("is sent each round once, all of them when it connects, and none of an earlier run", async () => {
    const { coordinator, url, advance } = await start({ rounds: 2 });
    const early = await connectHost(url, "key");
    const { runId } = coordinator.report();
    const sent = ({ rounds }: typeof early) => rounds.map(({ from, records }) => [from, records.length]);
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    for (const round of [1, 2]) {
      await play(ada, round);
      await ada.closed(round);
      advance(1);
    }
    await expect.poll(() => early.views.at(-1)).toMatchObject({ phase: "ended", round: 2 });
    expect(sent(early).slice(-2)).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(early.views.at(-1)).not.toHaveProperty("rounds");
    const late = await connectHost(url, "key");
    await expect.poll(() => sent(late)).toEqual([[0, 2]]);
    await coordinator.command({ kind: "configure", config: {} });
    advance(1);
    await expect.poll(() => late.rounds.at(-1)?.runId).not.toBe(runId);
    expect(late.rounds.at(-1)).toMatchObject({ from: 0, records: [] });
  });

  it("says why a run that was started does not go on", async () => {
    let fails = true;
    const plan: Planner = async (request) => {
      if (fails) throw new Error("the solver is gone");
      return planHere(request);
    };
    const { coordinator, url, advance } = await start({}, { plan });
    const { socket, views } = await connectHost(url, "key");
    const shows = async (expected: Partial<SentView>) => {
      await expect
        .poll(() => {
          advance(0.5);
          return views.at(-1);
        })
        .toMatchObject(expected);
    };
    await shows({ phase: "lobby", notice: null });
    await socket.emitWithAck("command", { kind: "start" });
    await shows({ phase: "lobby", notice: "the run waits for devices: 0 of at least 1 are ready" });
    const ada = await participate(url, "ada");
    await phase(coordinator, "paused");
    await shows({ phase: "paused", notice: "round 1 cannot be planned: the solver is gone" });
    fails = false;
    await socket.emitWithAck("command", { kind: "resume" });
    await ada.nextStart(1);
    await shows({ phase: "training", notice: null });
  });

  it("configures a fresh run for those who are there", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    expect(await coordinator.command({ kind: "configure", config: { seed: "new", rounds: 2 } })).toEqual({
      kind: "done",
    });
    await expect.poll(() => ada.inbox["run-changed"]).toMatchObject([{ config: { seed: "new", rounds: 2 } }]);
    expect(coordinator.state.participants.get("p1")?.presence).toBe("loading");
    expect([...coordinator.adapter]).toEqual([...initialAdapter(shape, "new")]);
    await coordinator.command({ kind: "start" });
    // A tab that has not heard of the new run yet is not ready for it.
    const { runId } = ada.identity.run;
    expect(await ada.socket.emitWithAck("ready", { ...device, runId })).toMatchObject({
      reason: "wrong-state",
    });
    await ada.socket.emitWithAck("ready", { ...device, runId: coordinator.report().runId });
    await ada.nextStart(1);
    expect(await coordinator.command({ kind: "configure", config: {} })).toMatchObject({
      reason: "wrong-state",
    });
  });

  it("loses nobody who joins while a fresh run is set up, and starts nothing meanwhile", async () => {
    const gates: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => gates.push(resolve));
    let runs = 0;
    const { coordinator, url } = await start(
      {},
      {
        async loadWorkload() {
          runs += 1;
          if (runs === 2) await gate();
          return { ...(await workload()), close: runs === 1 ? gate : async () => {} };
        },
      },
    );
    const reply = coordinator.command({ kind: "configure", config: { seed: "2" } });
    const joined = await participate(url, "during the load");
    expect(await coordinator.command({ kind: "start" })).toMatchObject({ reason: "wrong-state" });
    await expect.poll(() => gates.length, { interval: 2 }).toBe(1);
    gates[0]!();
    await expect.poll(() => gates.length, { interval: 2 }).toBe(2);
    const last = await participate(url, "while the old run closes");
    expect(last.identity.run.config.seed).toBe("2");
    gates[1]!();
    expect(await reply).toEqual({ kind: "done" });
    const { runId } = last.identity.run;
    expect(await joined.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
    expect([...coordinator.state.participants.keys()]).toEqual(["p1", "p2"]);
  });
});

describe("over HTTP", () => {
  it("describes the run and its health", async () => {
    const { coordinator } = await start();
    const get = async (url: string) => coordinator.http.inject({ url });
    expect((await get("/healthz")).json()).toMatchObject({ status: "ok", phase: "lobby", round: 0 });
    expect((await get("/api/run")).json()).toMatchObject({
      config,
      task: { name: "target" },
      adapter: shape,
    });
    expect((await get("/api/report")).json()).toMatchObject({ seed: "0", rounds: [] });
    const adapter = await get("/api/adapter");
    expect(adapter.headers["x-fedlodrop-round"]).toBe("0");
    expect(new Float32Array(Uint8Array.from(adapter.rawPayload).buffer)).toEqual(coordinator.adapter);
    expect((await get("/nowhere")).statusCode).toBe(404);
  });

  it("gives a device its own texts and no others", async () => {
    const { coordinator, url } = await start();
    const split = (authorization?: string) =>
      coordinator.http.inject({
        url: "/api/split",
        headers: authorization === undefined ? {} : { authorization },
      });
    await participate(url, "ada");
    const { identity } = await participate(url, "ben");
    expect((await split(`Bearer ${identity.token}`)).json()).toEqual({
      device: "device 1",
      samples: [{ text: "private text 1" }],
    });
    for (const wrong of [undefined, "Bearer", "Bearer x", identity.token])
      expect((await split(wrong)).statusCode).toBe(401);
  });

  it("serves the model's files, with their ETag, and no other file", async () => {
    const { coordinator } = await start();
    const first = await coordinator.http.inject({ url: "/models/base/config.json" });
    expect(first.json()).toHaveProperty("model_type", "gpt2");
    expect(first.headers["cache-control"]).toBe("no-cache");
    const again = await coordinator.http.inject({
      url: "/models/base/config.json",
      headers: { "if-none-match": first.headers.etag as string },
    });
    expect(again.statusCode).toBe(304);
    for (const url of [
      "/models/base/NOTICE",
      "/models/../package.json",
      "/models/%2e%2e/%2e%2e/package.json",
      "/models/",
    ])
      expect((await coordinator.http.inject({ url })).statusCode, url).toBe(404);
  });

  it("serves the pages, hashed assets for ever", async () => {
    const pages = await mkdtemp(join(tmpdir(), "fedlodrop-pages-"));
    open.push(() => rm(pages, { recursive: true }));
    await mkdir(join(pages, "assets"));
    await writeFile(join(pages, "index.html"), "participant");
    await writeFile(join(pages, "host.html"), "host");
    await writeFile(join(pages, "assets/main-Ab12Cd34.js"), "1");
    const { coordinator } = await start({}, { pagesDirectory: pages });
    const get = async (url: string) => coordinator.http.inject({ url });
    expect((await get("/")).body).toBe("participant");
    expect((await get("/host")).body).toBe("host");
    expect((await get("/")).headers["cache-control"]).toBe("no-cache");
    expect((await get("/assets/main-Ab12Cd34.js")).headers["cache-control"]).toMatch("immutable");
  });
});

it("goes on after a restart: same model, same identities, next round", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  const first = await start({}, { store: createStore(directory) });
  const ada = await participate(first.url, "ada");
  await first.coordinator.command({ kind: "start" });
  await play(ada, 1);
  await ada.closed(1);
  await ada.nextStart(2);
  const { adapterSha256, runId } = first.coordinator.report();
  await first.coordinator.close();
  // As after a crash between a round's line and its checkpoint.
  await appendFile(join(directory, "metrics.jsonl"), '{"round":2}\n{"rou');

  const second = await start({}, { store: createStore(directory), stored: await readStoredRun(directory) });
  expect(second.coordinator.report()).toMatchObject({ adapterSha256, runId, rounds: [{ round: 1 }] });
  const again = await participate(second.url, "ada", { token: ada.identity.token });
  expect(again.identity.participantId).toBe("p1");
  await second.coordinator.command({ kind: "start" });
  for (const round of [2, 3]) await play(again, round);
  await phase(second.coordinator, "ended");
  await second.coordinator.close();
  const lines = (await readFile(join(directory, "metrics.jsonl"), "utf8")).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).round)).toEqual([1, 2, 3]);
  expect((await readdir(directory)).sort()).toEqual([
    "adapter-3.f32",
    "adapter.safetensors",
    "checkpoint.json",
    "config.json",
    "metrics.jsonl",
    "report.json",
  ]);
  const report = JSON.parse(await readFile(join(directory, "report.json"), "utf8"));
  expect(report).toMatchObject({ runId, rounds: [{}, {}, {}], finalTestLoss: expect.any(Number) });
});

it("keeps an earlier run beside the one that replaces it", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  const { coordinator, url } = await start({ rounds: 1 }, { store: createStore(directory) });
  const ada = await participate(url, "ada");
  await coordinator.command({ kind: "start" });
  await play(ada, 1);
  await phase(coordinator, "ended");
  const { runId } = coordinator.report();
  await coordinator.command({ kind: "configure", config: { seed: "2" } });
  await coordinator.close();
  const report = async (...path: string[]) =>
    JSON.parse(await readFile(join(directory, ...path, "report.json"), "utf8"));
  expect(await report(runId)).toMatchObject({ runId, seed: "0", rounds: [{ round: 1 }] });
  expect(await report()).toMatchObject({ seed: "2", rounds: [] });
});

it("keeps what is left of an earlier run whose checkpoint cannot be read", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "checkpoint.json"), '{"runId": "x", "rou');
  await writeFile(join(directory, "report.json"), "earlier");
  await utimes(join(directory, "checkpoint.json"), 86_400, 86_400);
  const lines: string[] = [];
  const { coordinator } = await start({}, { store: createStore(directory), log: (line) => lines.push(line) });
  await coordinator.close();
  expect(lines).toEqual([]);
  expect(await readFile(join(directory, "1970-01-02T00-00-00.000Z", "report.json"), "utf8")).toBe("earlier");
  await readStoredRun(directory);
});

it("says what is wrong with a folder that holds no run", async () => {
  await expect(readStoredRun("/nonexistent")).rejects.toThrow(
    /run folder \/nonexistent: cannot be continued/,
  );
});
