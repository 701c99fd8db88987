/** The device's side of the wire against a real Socket.IO server, which plays the coordinator line by line. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RoundOutcome, Trainer } from "@fedlodrop/lm";
import {
  type ClientToServerEvents,
  encodeSparseValues,
  type Join,
  type Joined,
  type RoundStart,
  type RunDescription,
  type ServerToClientEvents,
  type UploadBegin,
} from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, keptValueCount } from "@fedlodrop/run";
import { Server, type Socket } from "socket.io";
import { io } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { energyProfile } from "./device-profile.ts";
import { type Link, type LinkListener, openLink, RefusedError } from "./link.ts";
import type { FromWorker } from "./messages.ts";
import { playRound, type RoundContext } from "./round.ts";

type ServerSocket = Socket<ClientToServerEvents, ServerToClientEvents>;
const accepted = { kind: "accepted" } as const;
const run: RunDescription = {
  runId: "r1",
  config: DEFAULT_RUN_CONFIG,
  task: {
    name: "t",
    title: "T",
    story: "",
    textsFrom: "coordinator",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    prompts: [],
  },
  adapter: { rank: 2, alpha: 4, modules: [{ name: "m", inFeatures: 600, outFeatures: 400 }], dense: [] },
};
const joined: Joined = {
  kind: "joined",
  participantId: "p1",
  token: "secret",
  nickname: "n",
  deviceIndex: 0,
  run,
};
const never = new AbortController().signal;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server whose connections `serve` answers. */
async function listen(serve: (socket: ServerSocket) => void): Promise<string> {
  const http = createServer();
  const server = new Server<ClientToServerEvents, ServerToClientEvents>(http);
  server.on("connection", serve);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function connect(url: string, listener: Partial<LinkListener> = {}, token: string | null = null): Link {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
  const silent: LinkListener = { openRound: () => undefined, joined() {}, refused() {}, connection() {} };
  const link = openLink(socket, { nickname: "n", token, answerSeconds: 0.3 }, { ...silent, ...listener });
  closing.push(() => link.close());
  return link;
}

describe("link", () => {
  it("joins again by its token, and names the round it still works on", async () => {
    const joins: Join[] = [];
    const url = await listen((socket) => {
      socket.on("join", (message, reply) => {
        joins.push(message);
        reply(joined);
        if (joins.length === 1) setTimeout(() => socket.conn.close(), 10);
      });
    });
    await new Promise<void>((resolve) => {
      let times = 0;
      connect(url, {
        openRound: () => (times === 0 ? undefined : 7),
        joined: () => (++times === 2 ? resolve() : null),
      });
    });
    expect(joins.map(({ token, resumesRound }) => [token, resumesRound])).toEqual([
      [undefined, undefined],
      ["secret", 7],
    ]);
  });

  it("joins anew when told to, without the round it has given up", async () => {
    const joins: Join[] = [];
    const url = await listen((socket) => {
      socket.on("join", (message, reply) => {
        joins.push(message);
        reply(joined);
      });
    });
    let round: number | undefined = 4;
    const link = connect(url, { openRound: () => round });
    await expect.poll(() => joins.length).toBe(1);
    round = undefined;
    link.rejoin();
    await expect.poll(() => joins.length).toBe(2);
    expect(joins[1]).toEqual({ protocolVersion: expect.any(Number), nickname: "n", token: "secret" });
  });

  it("sends nothing before it has joined", async () => {
    const heard: string[] = [];
    const url = await listen((socket) => {
      socket.onAny((event: string) => heard.push(event));
      socket.on("join", (_message, reply) => setTimeout(() => reply(joined), 50));
      socket.on("ping", (reply) => reply());
    });
    await connect(url).persist(never, (socket) => socket.emitWithAck("ping"));
    expect(heard).toEqual(["join", "ping"]);
  });

  it("asks again on a new connection when one is lost, and when one is dead without knowing it", async () => {
    let connections = 0;
    const url = await listen((socket) => {
      const mine = ++connections;
      socket.on("join", (_message, reply) => reply(joined));
      socket.on("ping", (reply) => {
        if (mine === 1) socket.conn.close();
        if (mine === 3) reply(); // the second says nothing
      });
    });
    await connect(url).persist(never, (socket) => socket.emitWithAck("ping"));
    expect(connections).toBe(3);
  });

  it("takes a refusal for an answer", async () => {
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => reply(joined));
    });
    const refusal = new RefusedError({ kind: "refused", reason: "stale-round", message: "too old" });
    let attempts = 0;
    const asked = connect(url).persist(never, async () => {
      attempts++;
      throw refusal;
    });
    await expect(asked).rejects.toBe(refusal);
    expect(attempts).toBe(1);
  });

  it("passes on a refusal to join, and stays away", async () => {
    let joins = 0;
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => {
        joins++;
        reply({ kind: "refused", reason: "run-locked", message: "locked" });
      });
    });
    const refused = await new Promise((resolve) => connect(url, { refused: resolve }));
    expect(refused).toMatchObject({ reason: "run-locked" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(joins).toBe(1);
  });

  it("gives up when told to", async () => {
    const url = await listen(() => {});
    const abort = new AbortController();
    const waiting = connect(url).persist(abort.signal, async () => "never");
    abort.abort(new Error("the deadline passed"));
    await expect(waiting).rejects.toThrow("the deadline passed");
  });
});

describe("a round on the device", () => {
  const dropoutRate = 0.5;
  const keptValues = keptValueCount(run.adapter, dropoutRate); // 2 · (300 + 200)
  const start: RoundStart = {
    round: 3,
    dropoutRate,
    deadlineSeconds: 10,
    training: DEFAULT_RUN_CONFIG.training,
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
    uploadWatts: null,
    rateSource: "measured",
    cohortSize: 1,
  };
  const step = { step: 1, loss: 2, gradientNorm: 0.5, seconds: 0.1, tokens: 100 };

  /** Learns that every value should be one larger. */
  const trainRound: Trainer["trainRound"] = async ({ values }, _dataset, onStep): Promise<RoundOutcome> => {
    onStep?.(step);
    return { delta: values.map(() => 1), steps: [step, { ...step, step: 2, loss: 4 }] };
  };

  interface Received {
    begun: UploadBegin | null;
    chunks: { readonly offset: number; readonly bytes: number }[];
    bytes: number[];
    secondsUpload: number | null;
    energyJoules: number | null;
  }

  async function coordinator(): Promise<{ url: string; received: Received; timed: Promise<void> }> {
    const received: Received = {
      begun: null,
      chunks: [],
      bytes: [],
      secondsUpload: null,
      energyJoules: null,
    };
    let told = () => {};
    const timed = new Promise<void>((resolve) => {
      told = resolve;
    });
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => reply(joined));
      socket.on("ping", (reply) => reply());
      socket.on("download", ({ round }, reply) =>
        reply({
          kind: "sub-adapter",
          round,
          payload: encodeSparseValues(new Float32Array(keptValues), round, "f32"),
        }),
      );
      socket.on("upload-begin", (message, reply) => {
        received.begun = message;
        reply(accepted);
      });
      socket.on("upload-chunk", ({ offset }, bytes, reply) => {
        received.chunks.push({ offset, bytes: bytes.byteLength });
        received.bytes.push(...bytes);
        reply(accepted);
      });
      socket.on("upload-end", (_message, reply) => reply(accepted));
      socket.on("upload-timed", ({ secondsUpload, energyJoules }) => {
        received.secondsUpload = secondsUpload;
        received.energyJoules = energyJoules;
        told();
      });
    });
    return { url, received, timed };
  }

  function context(link: Link, post: (message: FromWorker) => void, train = trainRound): RoundContext {
    const trainer = { trainRound: train } as Trainer;
    const energy = () => ({ profile: energyProfile("phone", {}), batteryWatts: null });
    const dataset = { kind: "language-model", windows: [] } as const;
    return { link, trainer, dataset, sampleCount: 9, run, participantId: "p1", energy, post };
  }

  it("uploads the change of the kept values in order, with its statistics", async () => {
    const { url, received, timed } = await coordinator();
    const said: string[] = [];
    await playRound(
      context(connect(url), ({ kind }) => said.push(kind)),
      start,
      never,
    );
    await timed;
    const expected = encodeSparseValues(new Float32Array(keptValues).fill(1), 3, "f32");
    expect(received.bytes).toEqual([...expected]);
    expect(received.begun).toMatchObject({
      round: 3,
      bytes: expected.byteLength,
      statistics: {
        sampleCount: 9,
        trainLoss: 3,
        steps: 2,
        tokens: 200,
        gradientNorm95: 0.5,
        energySource: "modelled",
      },
    });
    expect(said).toEqual(["round-started", "downloaded", "step", "trained", "uploading", "uploaded"]);
  });

  it("keeps to the rates it is given, both ways", async () => {
    const { url, received, timed } = await coordinator();
    const seconds = new Map<string, number>();
    const post = (message: FromWorker): void => {
      if (message.kind === "downloaded" || message.kind === "uploaded")
        seconds.set(message.kind, message.seconds);
    };
    const paced = { ...start, downloadBytesPerSecond: 20_000, uploadBytesPerSecond: 10_000 };
    await playRound(context(connect(url), post), paced, never);
    await timed;
    const bytes = 16 + 4 * keptValues;
    expect(seconds.get("downloaded")).toBeGreaterThanOrEqual(bytes / 20_000 - 0.002); // timers may fire a hair early
    expect(seconds.get("uploaded")).toBeGreaterThanOrEqual(bytes / 10_000 - 0.002);
    expect(received.chunks.map(({ offset }) => offset)).toEqual([0, 1024, 2048, 3072]);
    expect(received.secondsUpload).toBe(seconds.get("uploaded"));
  });

  it("counts the radio's joules without the pauses of pacing, but all of an emulated upload", async () => {
    const spend = async (change: Partial<RoundStart>): Promise<{ joules: number; atMost: number }> => {
      const { url, received, timed } = await coordinator();
      const began = performance.now();
      await playRound(
        context(connect(url), () => {}),
        { ...start, uploadBytesPerSecond: 10_000, ...change },
        never,
      );
      await timed;
      // A phone computes at 4 W and sends at 1.5 W.
      const atMost = 4 * ((performance.now() - began) / 1000 - received.secondsUpload!);
      return { joules: received.energyJoules!, atMost };
    };
    const seconds = (16 + 4 * keptValues) / 10_000;
    const measured = await spend({});
    expect(measured.joules).toBeLessThan(measured.atMost + 0.5 * 1.5 * seconds);
    const emulated = await spend({ rateSource: "emulated", uploadWatts: 100 });
    expect(emulated.joules).toBeGreaterThanOrEqual(100 * (seconds - 0.002)); // timers may fire a hair early
  });

  it("stops at the deadline and uploads nothing", async () => {
    const { url, received } = await coordinator();
    const abort = new AbortController();
    const slow: Trainer["trainRound"] = (_request, _dataset, _onStep, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        abort.abort(new Error("the deadline passed"));
      });
    const round = playRound(
      context(connect(url), () => {}, slow),
      start,
      abort.signal,
    );
    await expect(round).rejects.toThrow("the deadline passed");
    expect(received.begun).toBeNull();
  });
});
