/** A run that is killed and started again, and people who take part in it and come back as browsers do. */
import type { Joined, RoundStart } from "@fedlodrop/protocol";
import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import type { RunConfig } from "@fedlodrop/run";
import { expect } from "vitest";
import { connect, device, participateAs, start } from "./app.fixture.ts";
import type { CoordinatorOptions } from "./coordinator.ts";
import type { Disk } from "./store/disk.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

export const lock = async () => ({ release: async () => {} });
export const settings = { rounds: 2, dropoutRate: 0.4, minParticipants: 2 } as const;
/** The clock of these tests stands still, so that whatever is sent is sent at once. */
export const UNHURRIED = { eventBurst: 1e6, packetBurst: 1e6 } as const;

/** A coordinator that goes on with what is on the disk. */
export const resume = async (disk: Disk, options: Partial<CoordinatorOptions> = {}) => {
  const store = createRunFolder("/run", { disk, lock });
  const stored = await store.load();
  const { hostKey } = stored.checkpoint;
  return { ...(await start({}, { store, stored, hostKey, limits: UNHURRIED, ...options })), hostKey };
};

export interface Person {
  readonly nickname: string;
  readonly sampleCount: number;
  /** Comes back with its work, as after a lost connection; or without, as after a reload. */
  readonly keepsWork: boolean;
  identity: Joined | null;
  /** Rounds whose update was acknowledged. */
  readonly acknowledged: Set<number>;
  working: RoundStart | null;
  /** What must never happen. */
  readonly faults: string[];
  endsSeen: number;
  /** Has been asked for an update and sends none. */
  stalls?: boolean;
  /** Sends no update before. */
  until?: Promise<void>;
}

export const person = (nickname: string, sampleCount: number, keepsWork: boolean): Person => ({
  nickname,
  sampleCount,
  keepsWork,
  identity: null,
  acknowledged: new Set(),
  working: null,
  faults: [],
  endsSeen: 0,
});

/** Takes part until the run has ended; never resolves when the coordinator is dead. */
export async function takePart(url: string, me: Person): Promise<void> {
  const { socket } = await connect(url);
  const ended = new Promise<void>((resolve) => socket.on("run-ended", () => resolve()));
  const starts: RoundStart[] = [];
  socket.on("round-start", (start) => starts.push(start));
  if (!me.keepsWork) me.working = null;
  const reply = await socket.emitWithAck("join", {
    protocolVersion: PROTOCOL_VERSION,
    nickname: me.nickname,
    ...(me.identity && { token: me.identity.token }),
    ...(me.working && { resumesRound: me.working.round }),
  });
  if (reply.kind === "refused") {
    me.faults.push(`join: ${reply.message}`);
    return;
  }
  if (me.identity !== null && me.identity.participantId !== reply.participantId)
    me.faults.push(`came back as ${reply.participantId}, was ${me.identity.participantId}`);
  me.identity = reply;
  const { update, upload } = participateAs(url, socket, reply);
  const work = async (start: RoundStart): Promise<void> => {
    me.working = start;
    if (me.acknowledged.has(start.round)) me.faults.push(`asked again for round ${start.round}`);
    const bytes = await update(start).catch((error: Error) => {
      // The round is closed, or holds the update already: it was the word of that which was lost.
      if (/^round: |aggregated already$/.test(error.message)) return null;
      throw error; // the connection ended
    });
    await me.until;
    const answer = bytes && (await upload(start.round, bytes));
    // The word that it was accepted may have been lost: then the round is closed, or it is a duplicate.
    if (answer === null || answer.kind === "accepted" || answer.reason === "duplicate")
      me.acknowledged.add(start.round);
    else me.faults.push(`round ${start.round}: ${answer.reason}`);
    me.working = null;
  };
  await socket.emitWithAck("ready", { ...device, sampleCount: me.sampleCount, runId: reply.run.runId });
  if (me.working !== null) await work(me.working);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    const start = starts.shift();
    if (start && !me.stalls) await work(start);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  me.endsSeen += 1;
}

export const people = () => [person("ada", 10, true), person("ben", 17, false)];

/** One after another, so that the first is p1; resolves when all have joined. */
export async function inOrder(url: string, all: readonly Person[]): Promise<readonly Promise<void>[]> {
  const parts: Promise<void>[] = [];
  for (const one of all) {
    const part = takePart(url, one);
    part.catch(() => {}); // A connection that ends with its coordinator.
    parts.push(part);
    await expect.poll(() => one.identity, { interval: 1, timeout: 3000 }).not.toBeNull();
  }
  return parts;
}

/** How a run ends that nobody kills. */
export async function uninterrupted(
  config: Partial<RunConfig> = settings,
  all: readonly Person[] = people(),
): Promise<{ adapter: Float32Array; operations: number }> {
  const disk = createMemoryDisk();
  const { coordinator, url } = await start(config, {
    store: createRunFolder("/run", { disk, lock }),
    limits: UNHURRIED,
  });
  const parts = await inOrder(url, all);
  await expect.poll(() => coordinator.state.readyCount, { interval: 2 }).toBe(all.length);
  await coordinator.command({ kind: "start" });
  await Promise.all(parts);
  const { adapter } = coordinator;
  await coordinator.close();
  expect(all.flatMap(({ faults }) => faults)).toEqual([]);
  return { adapter, operations: disk.operations };
}
