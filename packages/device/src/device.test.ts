/** A whole device against a real Socket.IO server; only what it would load is made up. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  ClientToServerEvents,
  Join,
  Joined,
  Ready,
  RoundStart,
  RunDescription,
  ServerToClientEvents,
} from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { TextFaultError } from "@fedlodrop/tasks";
import { Server, type Socket } from "socket.io";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { description } from "../../protocol/src/run-description.fixture.ts";
import { createDevice } from "./device.ts";
import { energyProfile } from "./device-profile.ts";
import { type Loaded, type LoadRequest, load, loadKey, TextsWantedError } from "./load.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

vi.mock("./model/model-size.ts", () => ({
  sizeUpModel: async () => ({ totalBytes: 7, missingBytes: 3 }),
}));
vi.mock("./promises.ts", async () => {
  const { DEFAULT_RUN_CONFIG, promisesOf } = await import("@fedlodrop/run");
  return { askPromises: async () => promisesOf(DEFAULT_RUN_CONFIG) };
});
vi.mock("./load.ts", async (original) => ({
  ...(await original<typeof import("./load.ts")>()),
  load: vi.fn(),
}));

type ServerSocket = Socket<ClientToServerEvents, ServerToClientEvents>;
const run: RunDescription = {
  ...description,
  adapter: { rank: 2, alpha: 4, modules: [{ name: "m", inFeatures: 6, outFeatures: 4 }], dense: [] },
};
const roundStart: RoundStart = {
  round: 1,
  dropoutRate: 0.5,
  deadlineSeconds: 60,
  training: DEFAULT_RUN_CONFIG.training,
  uploadBytesPerSecond: null,
  uploadWatts: null,
  downloadBytesPerSecond: null,
  rateSource: "measured",
  cohortSize: 1,
  roundsLeft: 3,
};

/** A warmed-up device, ready in the run it was asked to load for. */
const loadFully = async ({ run, participantId, part }: LoadRequest): Promise<Loaded> => ({
  key: loadKey(run, participantId, null, part),
  runId: run.runId,
  trainer: { engine: { backend: "cpu", device: "test" }, dispose() {} } as unknown as Loaded["trainer"],
  tokenizer: {} as Loaded["tokenizer"],
  dataset: { kind: "language-model", windows: [] },
  kept: null,
  ownHeldOut: null,
  source: { kind: "assigned", device: "d" },
  part,
  sampleCount: 3,
  warmUp: { firstStepSeconds: 0.1, stepSeconds: 0.1 },
});

const closing: (() => unknown)[] = [];
beforeEach(() => {
  vi.mocked(load).mockClear().mockImplementation(loadFully);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.unstubAllGlobals();
});

/** A device that joins a coordinator; `admit` says into which run and as whom, `serve` what else it answers. */
async function join(
  admit: (joins: number) => Partial<Joined>,
  serve: (socket: ServerSocket) => void = () => {},
) {
  const joins: Join[] = [];
  const posted: FromWorker[] = [];
  const sockets: ServerSocket[] = [];
  const http = createServer();
  const server = new Server<ClientToServerEvents, ServerToClientEvents>(http);
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("join", (message, reply) => {
      joins.push(message);
      reply({
        kind: "joined",
        participantId: "p1",
        token: "secret",
        nickname: "n",
        part: 0,
        run,
        ...admit(joins.length),
      });
    });
    socket.on("ping", (reply) => reply({ kind: "accepted" }));
    serve(socket);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const send = createDevice((message) => posted.push(message));
  closing.push(() => send({ kind: "leave" }));
  const sent = (kind: FromWorker["kind"]) => posted.filter((message) => message.kind === kind);
  const profile = energyProfile("cpu", {});
  const enter = () => send({ kind: "join", nickname: "n", token: null, code: null, profile, ownTexts: null });
  const site = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  send({ kind: "check", backend: "cpu", site });
  await expect.poll(() => sent("checked")).toHaveLength(1);
  enter();
  return { joins, sockets, sent, send: send as (message: ToWorker) => void, enter };
}

it("joins anew when asked for a round that it has nothing loaded for", async () => {
  vi.mocked(load).mockRejectedValue(new TextsWantedError("bring some"));
  const { joins, sockets, sent } = await join(() => ({}));
  await expect.poll(() => sent("texts-wanted")).toHaveLength(1);
  sockets[0]?.emit("round-start", roundStart);
  await expect.poll(() => joins).toHaveLength(2);
  expect(joins[1]).not.toHaveProperty("resumesRound");
  expect(sent("round-abandoned")).toMatchObject([{ round: 1 }]);
});

it("says what is wrong with the texts that were brought", async () => {
  const cause = new TextFaultError({ kind: "too-short", least: 2000, got: 5 }, "a.txt: too short");
  vi.mocked(load).mockRejectedValue(new TextsWantedError("a.txt: too short", { cause }));
  const { sent } = await join(() => ({}));
  await expect.poll(() => sent("texts-wanted")).toMatchObject([{ fault: cause.fault }]);
});

it("gives its round up when the coordinator has another run for it", async () => {
  const other = { ...run, runId: "r2" };
  const { joins, sockets, sent } = await join(
    (count) => ({ run: count === 1 ? run : other }),
    (socket) => socket.on("ready", (_, reply) => reply({ kind: "accepted" })),
  );
  await expect.poll(() => sent("ready")).toHaveLength(1);
  sockets[0]?.emit("round-start", roundStart);
  await expect.poll(() => sent("round-started")).toHaveLength(1);
  sockets[0]?.conn.close();
  await expect.poll(() => joins.length, { timeout: 5000 }).toBe(2);
  expect(joins[1]).toMatchObject({ resumesRound: 1 });
  await expect.poll(() => sent("round-abandoned")).toMatchObject([{ round: 1 }]);
});

it("loads again as somebody else, whose texts are others", async () => {
  const { sockets, sent } = await join(
    (count) => ({ participantId: `p${count}` }),
    (socket) => socket.on("ready", (_, reply) => reply({ kind: "accepted" })),
  );
  await expect.poll(() => sent("ready")).toHaveLength(1);
  sockets[0]?.conn.close();
  await expect.poll(() => sent("ready"), { timeout: 5000 }).toHaveLength(2);
  expect(load).toHaveBeenCalledTimes(2);
});

it("loads other texts when it is dealt them, and says which it has", async () => {
  const readies: Partial<Ready>[] = [];
  const { sockets, sent } = await join(
    () => ({}),
    (socket) =>
      socket.on("ready", (ready, reply) => {
        readies.push(ready);
        // The word that it is to load others is on its way.
        if (readies.length === 1)
          reply({ kind: "refused", reason: "wrong-state", message: "expected part 4" });
        else reply({ kind: "accepted" });
        if (readies.length === 1) socket.emit("dealt", { part: 4 });
      }),
  );
  await expect.poll(() => sent("ready")).toHaveLength(1);
  expect(readies.map(({ part }) => part)).toEqual([0, 4]);
  expect(sent("refused")).toEqual([]);
  sockets[0]?.emit("sharing", { sharedWith: 2 });
  await expect.poll(() => sent("sharing")).toEqual([{ kind: "sharing", sharedWith: 2 }]);
  // What it has loaded already it does not load again.
  sockets[0]?.emit("dealt", { part: 4 });
  await expect.poll(() => readies).toHaveLength(3);
  expect(load).toHaveBeenCalledTimes(2);
});

it("learns on its return that it was dealt other texts", async () => {
  const { sockets, sent } = await join(
    (count) => ({ part: count === 1 ? 0 : 4 }),
    (socket) => socket.on("ready", (_, reply) => reply({ kind: "accepted" })),
  );
  await expect.poll(() => sent("ready")).toHaveLength(1);
  sockets[0]?.conn.close();
  await expect.poll(() => sent("ready"), { timeout: 5000 }).toHaveLength(2);
  expect(load).toHaveBeenCalledTimes(2);
});

it("leaves for good, with an answer outstanding, and can join again", async () => {
  let readies = 0;
  let left = 0;
  const { sockets, sent, send, enter } = await join(
    () => ({}),
    (socket) => {
      socket.on("ready", (_, reply) => {
        readies += 1;
        if (readies > 1) reply({ kind: "accepted" });
      });
      socket.on("leave", (reply) => {
        left += 1;
        reply();
      });
    },
  );
  await expect.poll(() => readies).toBe(1);
  send({ kind: "leave" });
  await expect.poll(() => left).toBe(1);
  expect(sent("left")).toHaveLength(1);
  await expect.poll(() => sockets[0]?.connected).toBe(false);
  enter();
  await expect.poll(() => sent("ready")).toHaveLength(1);
  expect([sockets.length, sent("failed")]).toEqual([2, []]);
});
