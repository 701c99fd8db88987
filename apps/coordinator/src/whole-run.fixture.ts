/**
 * A coordinator and its devices over real connections, as a model test plays them: every step is one that life takes.
 * What was acknowledged is noted apart from the coordinator, so that it can be held to it.
 */
import { encodeSparseValues, PROTOCOL_VERSION, type RoundStart } from "@fedlodrop/protocol";
import {
  adapterSize,
  drawDropoutMask,
  initialAdapter,
  keptIndices,
  keptValueCount,
  type RunReport,
} from "@fedlodrop/run";
import { connect, device, participateAs, shape, start } from "./app.fixture.ts";
import { createMemoryDisk, type MemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const SEED = "whole run";
const lock = async () => ({ release: async () => {} });
type Connection = Awaited<ReturnType<typeof connect>>;

export interface Device {
  readonly nickname: string;
  readonly sampleCount: number;
  token: string | null;
  participantId: string | null;
  /** Null while it has none. */
  connection: (Connection & ReturnType<typeof participateAs>) | null;
}

export interface WholeRun {
  readonly devices: readonly Device[];
  /** Rounds and participants whose update was acknowledged as accepted, `round/id`, with how often. */
  readonly accepted: ReadonlyMap<string, number>;
  readonly report: () => RunReport;
  readonly adapter: () => Float32Array;
  readonly phase: () => string;
  join(device: Device): Promise<void>;
  lose(device: Device): Promise<void>;
  leave(device: Device): Promise<void>;
  /** Does the newest round it was asked for, from the download on. */
  work(device: Device): Promise<void>;
  /** Begins to upload, and loses its connection. */
  breakOff(device: Device): Promise<void>;
  /** Ends what it has not begun, sends chunks that are not next. */
  muddle(device: Device): Promise<void>;
  pass(seconds: number): Promise<void>;
  /** The process dies and another one goes on from its folder. */
  kill(): Promise<void>;
  begin(): Promise<void>;
  stop(): Promise<void>;
}

/** What a device sends: a function of who it is and of the round, so that a model knows it too. */
const changesOf = (participantId: string, round: number, count: number): Float32Array =>
  Float32Array.from(
    { length: count },
    (_, i) => 0.1 * Math.sin(i + 7 * Number(participantId.slice(1)) + 31 * round),
  );

const newest = ({ inbox }: Connection): RoundStart | undefined => inbox["round-start"].at(-1);
/** Lets what is on its way arrive. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 3));

export async function openWholeRun(rounds: number): Promise<WholeRun> {
  let disk: MemoryDisk = createMemoryDisk();
  const settings = {
    rounds,
    seed: SEED,
    dropoutRate: 0.4,
    minParticipants: 1,
    quorum: 0.7,
    deadlineSeconds: 20,
  };
  let at = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
  const accepted = new Map<string, number>();
  const devices = Array.from(
    { length: 4 },
    (_, k): Device => ({
      nickname: `device ${k}`,
      sampleCount: 10 + 7 * k,
      token: null,
      participantId: null,
      connection: null,
    }),
  );

  async function join(one: Device): Promise<void> {
    if (one.connection !== null) return;
    const connection = await connect(at.url);
    const identity = await connection.socket.emitWithAck("join", {
      protocolVersion: PROTOCOL_VERSION,
      nickname: one.nickname,
      ...(one.token !== null && { token: one.token }),
    });
    if (identity.kind === "refused") throw new Error(`join: ${identity.message}`);
    Object.assign(one, { token: identity.token, participantId: identity.participantId });
    one.connection = { ...connection, ...participateAs(at.url, connection.socket, identity) };
    const facts = { ...device, sampleCount: one.sampleCount, runId: identity.run.runId };
    const ready = await connection.socket.emitWithAck("ready", facts);
    if (ready.kind === "refused") throw new Error(`ready: ${ready.message}`);
    await settle();
  }

  async function lose(one: Device): Promise<void> {
    one.connection?.socket.disconnect();
    one.connection = null;
    await settle();
  }

  const payloadOf = (one: Device, { round, dropoutRate }: RoundStart): Uint8Array =>
    encodeSparseValues(
      changesOf(one.participantId as string, round, keptValueCount(shape, dropoutRate)),
      round,
      "f32",
    );

  return {
    devices,
    accepted,
    report: () => at.coordinator.report(),
    adapter: () => at.coordinator.adapter,
    phase: () => at.coordinator.state.kind,
    join,
    lose,
    async leave(one) {
      await one.connection?.socket.emitWithAck("leave");
      await lose(one);
    },
    async work(one) {
      const { connection } = one;
      const asked = connection && newest(connection);
      if (!asked) return;
      await (await connection.download(asked.round)).arrayBuffer();
      const { kind } = await connection.upload(asked.round, payloadOf(one, asked), 60);
      const key = `${asked.round}/${one.participantId}`;
      if (kind === "accepted") accepted.set(key, (accepted.get(key) ?? 0) + 1);
      await settle();
    },
    async breakOff(one) {
      const { connection } = one;
      const asked = connection && newest(connection);
      if (asked) {
        const payload = payloadOf(one, asked);
        const { round } = asked;
        connection.socket.emit("upload-begin", { round, bytes: payload.byteLength, attempt: 77 }, () => {});
        connection.socket.emit("upload-chunk", { round, offset: 0 }, payload.slice(0, 40), () => {});
        await settle();
      }
      await lose(one);
    },
    async muddle(one) {
      const { connection } = one;
      const asked = connection && newest(connection);
      if (!asked) return;
      const { socket } = connection;
      const { round } = asked;
      const replies = await Promise.all([
        socket.emitWithAck("upload-chunk", { round, offset: 40 }, new Uint8Array(4)),
        socket.emitWithAck("upload-begin", { round: round + 1, bytes: 40, attempt: 1 }),
        socket.emitWithAck("upload-chunk", { round: round + 1, offset: 0 }, new Uint8Array(4)),
      ]);
      if (replies.some(({ kind }) => kind !== "refused"))
        throw new Error(`muddle: ${JSON.stringify(replies)}`);
    },
    async pass(seconds) {
      at.advance(seconds);
      await settle();
    },
    async kill() {
      disk = disk.after("kill");
      at.abandon();
      for (const one of devices) await lose(one);
      const store = createRunFolder("/run", { disk, lock });
      const stored = await store.load();
      at = await start({}, { store, stored, hostKey: stored.checkpoint.hostKey });
    },
    async begin() {
      await at.coordinator.command({ kind: "start" });
    },
    async stop() {
      await at.coordinator.command({ kind: "stop" });
    },
  };
}

/** The adapter that the rounds of the report make, in float64, from what the devices are known to have sent. */
export function expectedAdapter({ rounds }: RunReport): Float64Array {
  let full = Float64Array.from(initialAdapter(shape, SEED));
  for (const { round, participants } of rounds) {
    const [sums, weights] = [new Float64Array(adapterSize(shape)), new Float64Array(adapterSize(shape))];
    for (const { id, outcome, dropoutRate, sampleCount } of participants) {
      if (outcome !== "aggregated") continue;
      const key = { seed: SEED, round, participantId: id, dropoutRate };
      const indices = keptIndices(shape, drawDropoutMask(shape, key));
      const changes = changesOf(id, round, indices.length);
      for (const [i, index] of indices.entries()) {
        sums[index] = sums[index]! + sampleCount * changes[i]!;
        weights[index] = weights[index]! + sampleCount;
      }
    }
    full = full.map((value, i) => (weights[i]! > 0 ? Math.fround(value + sums[i]! / weights[i]!) : value));
  }
  return full;
}
