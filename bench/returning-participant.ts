/**
 * A participant without a browser that comes back to its coordinator as pages do: by its token, with the round it still
 * works on. Its updates are functions of its id and the round, so that a run repeats whatever happens to the coordinator.
 */
import {
  type ClientToServerEvents,
  encodeSparseValues,
  type Joined,
  PROTOCOL_VERSION,
  type Refused,
  type RoundStart,
  type ServerToClientEvents,
} from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import { io, type Socket } from "socket.io-client";
import { device, statistics } from "../packages/protocol/src/told-by-device.fixture.ts";
import { until } from "./served.ts";

export interface ReturningParticipant {
  readonly participantId: string | null;
  /** Rounds whose update was acknowledged. */
  readonly acknowledged: ReadonlySet<number>;
  /** What must not happen: another identity, a round asked for again, an update refused for good. */
  readonly faults: string[];
  /** Of each round: seconds from being asked to being done, its work left out. */
  readonly secondsBeyondWork: number[];
  joined(): Promise<void>;
  /** What it is at, for whoever looks for what a run waits for. */
  readonly is: string;
  close(): void;
}

const AGAIN = new Set(["duplicate", "stale-round", "not-in-cohort", "not-running"]);

export interface Habits {
  /** Of each round. */
  readonly secondsOfWork?: number;
  /** Until a connection that says nothing is given up. */
  readonly answerSeconds?: number;
  /** What it has learned: so many numbers. */
  readonly learn?: (id: number, round: number, valueCount: number) => Float32Array;
}

/** A function of all three. */
const learnOwn: NonNullable<Habits["learn"]> = (id, round, valueCount) =>
  Float32Array.from({ length: valueCount }, (_, i) => 1e-3 * Math.sin(i * 0.37 + id * 1.3 + round * 0.7));

/** @param url of the coordinator, which may come and go */
export function takePart(
  url: string,
  nickname: string,
  { secondsOfWork = 0, answerSeconds = 20, learn = learnOwn }: Habits = {},
): ReturningParticipant {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelayMax: 500,
  });
  const patient = socket.timeout(1000 * answerSeconds);
  const acknowledged = new Set<number>();
  const faults: string[] = [];
  const secondsBeyondWork: number[] = [];
  let identity: Joined | null = null;
  let working: RoundStart | null = null;
  let attempt = 0;
  let deliveries = 0;
  let step = "";
  let told = (): void => {};
  const firstJoin = new Promise<void>((resolve) => {
    told = resolve;
  });

  /** As a network does: without a word, or it would count as having left. */
  const dropConnection = (): void => {
    socket.io.engine.close();
  };

  /** Null when it came too late, or was in already. */
  async function deliver(
    { round, dropoutRate }: RoundStart,
    { run, token }: Joined,
    isLatest: () => boolean,
  ): Promise<Refused | null> {
    step = "the download";
    const response = await fetch(new URL(`/api/sub-adapter?round=${round}`, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(1000 * answerSeconds),
    });
    if (!response.ok) {
      const body = (await response.json()) as Partial<Refused>;
      if (body.kind === "refused") return body as Refused;
      // A page tries that again, too.
      throw new Error(`expected a sub-adapter, got HTTP ${response.status}`);
    }
    await response.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, 1000 * secondsOfWork));
    if (!isLatest()) return null; // taken up anew over another connection meanwhile
    const id = Number(identity?.participantId.slice(1));
    const changes = learn(id, round, keptValueCount(run.adapter, dropoutRate));
    const payload = encodeSparseValues(changes, round, run.config.valueType);
    attempt += 1;
    step = "the upload";
    const begun = await patient.emitWithAck("upload-begin", { round, bytes: payload.byteLength, attempt });
    if (begun.kind === "refused") return begun;
    const taken = await patient.emitWithAck("upload-chunk", { round, offset: 0 }, payload);
    if (taken.kind === "refused") return taken;
    const ended = await patient.emitWithAck("upload-end", {
      round,
      statistics: { ...statistics, secondsCompute: Math.max(0.01, secondsOfWork) },
    });
    return ended.kind === "refused" ? ended : null;
  }

  async function work(start: RoundStart): Promise<void> {
    if (identity === null) return;
    if (acknowledged.has(start.round)) faults.push(`${nickname}: asked again for round ${start.round}`);
    working = start;
    deliveries += 1;
    const mine = deliveries;
    const isLatest = (): boolean => mine === deliveries;
    const since = performance.now();
    try {
      const refusal = await deliver(start, identity, isLatest);
      if (!isLatest()) return;
      // Said over a connection that is newer than the work, before its join was answered.
      if (refusal?.reason === "unknown-participant") throw new Error(refusal.message);
      // That an update is in may be all that was lost.
      if (refusal === null || refusal.reason === "duplicate") {
        acknowledged.add(start.round);
        secondsBeyondWork.push((performance.now() - since) / 1000 - secondsOfWork);
      } else if (!AGAIN.has(refusal.reason))
        faults.push(`${nickname}: round ${start.round}: ${refusal.reason}: ${refusal.message}`);
      if (working === start) working = null;
    } catch {
      if (!isLatest()) return;
      // No answer: what it was about is taken up with the next connection.
      dropConnection();
    }
  }

  async function join(): Promise<void> {
    const reply = await patient.emitWithAck("join", {
      protocolVersion: PROTOCOL_VERSION,
      nickname,
      ...(identity && { token: identity.token }),
      ...(working && { resumesRound: working.round }),
    });
    if (reply.kind === "refused") return void faults.push(`${nickname}: join: ${reply.message}`);
    if (identity !== null && identity.participantId !== reply.participantId)
      faults.push(`${nickname}: came back as ${reply.participantId}, was ${identity.participantId}`);
    identity = reply;
    told();
    await patient.emitWithAck("ready", { runId: reply.run.runId, ...device });
    if (working !== null) await work(working);
  }

  socket.on("connect", () => {
    join().catch(dropConnection);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 200);
  });
  socket.on("round-start", (start) => void work(start));

  return {
    get participantId() {
      return identity?.participantId ?? null;
    },
    acknowledged,
    faults,
    secondsBeyondWork,
    joined: () => firstJoin,
    get is() {
      const at = working === null ? "waiting" : `at ${step} of round ${working.round}`;
      return `${identity?.participantId ?? nickname} is ${socket.connected ? "connected" : "not connected"}, ${at}, ${acknowledged.size} done, the last ${Math.max(...acknowledged)}`;
    },
    close: () => {
      socket.close();
    },
  };
}

/** So many, one after another, so that the first is p1. */
export async function joinAll(
  url: string,
  count: number,
  secondsOfWork: number,
): Promise<readonly ReturningParticipant[]> {
  const all: ReturningParticipant[] = [];
  for (let k = 1; k <= count; k++) {
    const one = takePart(url, `device ${k}`, { secondsOfWork });
    all.push(one);
    await until(`device ${k} has joined`, () => one.participantId !== null);
  }
  return all;
}
