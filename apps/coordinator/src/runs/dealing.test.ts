/** Which texts devices are served, train on and are measured on, as they come, go and come back. */
import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { expect, it } from "vitest";
import {
  connect,
  connectHost,
  device,
  type FakeParticipant,
  participate,
  play,
  start,
  workload,
} from "../app.fixture.ts";
import { lock, resume } from "../resume.fixture.ts";
import { createMemoryDisk } from "../store/memory-disk.fixture.ts";
import { createRunFolder } from "../store/run-folder.ts";
import type { EvaluatedParts, Workload } from "./workload.ts";

/** What it says when it has loaded what it was dealt last, or a part of its own choice, or own texts. */
const load = (
  { socket, identity, inbox }: FakeParticipant,
  part: number | null = inbox.dealt.at(-1)?.part ?? identity.part,
) => socket.emitWithAck("ready", { ...device, runId: identity.run.runId, part });

async function arrive(url: string, nickname: string): Promise<FakeParticipant> {
  const one = await participate(url, nickname);
  expect(await load(one)).toEqual({ kind: "accepted" });
  return one;
}

/** One after another, so that the first is p1. */
async function arriveAll<const N extends readonly string[]>(
  url: string,
  names: N,
): Promise<{ readonly [K in keyof N]: FakeParticipant }> {
  const all: FakeParticipant[] = [];
  for (const name of names) all.push(await arrive(url, name));
  return all as { readonly [K in keyof N]: FakeParticipant };
}

const textsOf = async (url: string, { identity }: FakeParticipant) => {
  const response = await fetch(`${url}/api/split`, {
    headers: { authorization: `Bearer ${identity.token}` },
  });
  return (await response.json()) as unknown;
};

function watched() {
  const asked: EvaluatedParts[] = [];
  const loadWorkload = async (): Promise<Workload> => {
    const plain = await workload();
    return {
      ...plain,
      evaluate(own, parts) {
        asked.push(parts);
        return plain.evaluate!(own, parts);
      },
    };
  };
  return { asked, loadWorkload };
}

it("deals a part that has become free to one of two who share another, and starts without it until it has loaded", async () => {
  const { asked, loadWorkload } = watched();
  const { coordinator, url } = await start({ rounds: 2 }, { loadWorkload });
  const [ada, ben, cleo, dan, eve] = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve"]);
  expect([ada, eve].map(({ identity }) => identity.part)).toEqual([0, 0]);
  await ben.socket.emitWithAck("leave");
  await expect.poll(() => eve.inbox.dealt).toEqual([{ part: 1 }]);
  expect(await textsOf(url, eve)).toMatchObject({ part: 1, device: "device 1" });
  expect(await load(eve, 0), "with the texts of before").toMatchObject({ reason: "wrong-state" });
  await coordinator.command({ kind: "start" });
  for (const one of [ada, cleo, dan]) await play(one, 1);
  await ada.closed(1);
  expect(eve.inbox["round-start"]).toEqual([]);
  expect(coordinator.state.kind).toBe("training");
  expect(await load(eve)).toEqual({ kind: "accepted" });
  await coordinator.command({ kind: "stop" });
  expect(coordinator.state.records[0]?.participants.map(({ id, part }) => [id, part])).toEqual([
    ["p1", 0],
    ["p3", 2],
    ["p4", 3],
  ]);
  await expect.poll(() => asked.at(-1)).toEqual({ trained: [0, 2, 3], measured: [0, 2, 3] });
});

it("does not let one that was dealt other texts load them for ever", async () => {
  const { url, advance } = await start({}, { limits: { secondsToLoad: 60 } });
  const [, ben, , , eve] = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve"]);
  await ben.socket.emitWithAck("leave");
  await expect.poll(() => eve.inbox.dealt).toEqual([{ part: 1 }]);
  advance(61);
  await arrive(url, "fay");
  await expect.poll(() => eve.inbox.dismissed).toMatchObject([{ reason: "run-full" }]);
});

it("keeps the place of who loads other texts, while the room is full", async () => {
  const { url, advance } = await start({ maxParticipants: 5 });
  const [, ben, , , eve] = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve"]);
  expect(await load(ben, null)).toEqual({ kind: "accepted" });
  await expect.poll(() => eve.inbox.dealt).toEqual([{ part: 1 }]);
  const { views } = await connectHost(url, "key");
  await expect.poll(() => views.at(-1)?.participants.at(-1)).toMatchObject({ id: "p5", state: "loading" });
  const { socket } = await connect(url);
  const join = { protocolVersion: PROTOCOL_VERSION, nickname: "fay" };
  expect(await socket.emitWithAck("join", join)).toMatchObject({ reason: "run-full" });
  expect(await load(eve)).toEqual({ kind: "accepted" });
  advance(1);
  await expect.poll(() => views.at(-1)?.participants.at(-1)?.state).toBe("ready");
});

it("measures and trains on other parts than those of who has left", async () => {
  const { asked, loadWorkload } = watched();
  const { coordinator, url } = await start({ rounds: 1 }, { loadWorkload });
  const [ada, ben] = await arriveAll(url, ["ada", "ben"]);
  await ada.socket.emitWithAck("leave");
  const cleo = await arrive(url, "cleo");
  const own = await participate(url, "dan");
  expect(await load(own, null)).toEqual({ kind: "accepted" });
  await coordinator.command({ kind: "start" });
  for (const one of [ben, cleo, own]) await play(one, 1);
  await expect.poll(() => asked.at(-1)).toEqual({ trained: [0, 1], measured: [0, 1] });
  expect(coordinator.state.records[0]?.participants.map(({ part }) => part)).toEqual([1, 0, null]);
  const { views } = await connectHost(url, "key");
  await expect
    .poll(() => views.at(-1)?.participants.map(({ deviceName }) => deviceName))
    .toEqual(["device 1", "device 0", null]);
});

it("tells devices that they share a part", async () => {
  const { coordinator, url, advance } = await start();
  const all = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve"]);
  advance(1);
  const told = () => all.map(({ inbox }) => inbox.sharing.map(({ sharedWith }) => sharedWith));
  await expect.poll(told).toEqual([[1], [0], [0], [0], [1]]);
  await coordinator.command({ kind: "start" });
  const starts = await Promise.all(all.map((one) => one.nextStart(1)));
  expect(starts.map(({ sharedWith }) => sharedWith)).toEqual([1, 0, 0, 0, 1]);
});

it("deals anew for a new run, and says so", async () => {
  const { coordinator, url } = await start();
  const [ada, ben] = await arriveAll(url, ["ada", "ben"]);
  await ada.socket.emitWithAck("leave");
  await coordinator.command({ kind: "configure", config: { seed: "2" } });
  await expect.poll(() => ben.inbox.dealt).toEqual([{ part: 0 }]);
  expect(await textsOf(url, ben)).toMatchObject({ part: 0 });
});

it("has nobody load again who comes back after a crash, in whatever order", async () => {
  const disk = createMemoryDisk();
  const { url, abandon } = await start({}, { store: createRunFolder("/run", { disk, lock }) });
  const all = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve", "fay"]);
  abandon();
  const again = await resume(disk.after("kill"));
  for (const k of [4, 0, 5, 1, 2, 3]) {
    const back = await participate(again.url, "back", { token: all[k]!.identity.token });
    expect(back.identity.part).toBe(k % 4);
    expect(await load(back)).toEqual({ kind: "accepted" });
    expect(back.inbox.dealt).toEqual([]);
  }
  expect(again.coordinator.state).toMatchObject({ readyCount: 6, holders: { placed: [2, 2, 1, 1] } });
});

it("goes on by numbers in a run of a program that did not deal", async () => {
  const disk = createMemoryDisk();
  const first = createRunFolder("/run", { disk, lock });
  const { coordinator, url, abandon } = await start({ rounds: 1 }, { store: first });
  const [ada, ben, cleo] = [
    await participate(url, "ada"),
    await participate(url, "ben"),
    await participate(url, "cleo"),
  ];
  await ben.socket.emitWithAck("leave");
  await coordinator.command({ kind: "start" });
  await play(ada, 1);
  abandon();
  const store = createRunFolder("/run", { disk: disk.after("kill"), lock });
  const { checkpoint, ...rest } = await store.load();
  const snapshot = { ...checkpoint.snapshot, dealsByNumber: true };
  const stored = { ...rest, checkpoint: { ...checkpoint, snapshot } };
  const { asked, loadWorkload } = watched();
  const again = await start({}, { store, stored, hostKey: "key", loadWorkload });
  const back = async ({ identity: { token } }: FakeParticipant) => participate(again.url, "back", { token });
  await back(ada);
  const cleoAgain = await back(cleo);
  const dan = await participate(again.url, "dan");
  for (const [one, part] of [
    [cleoAgain, 2],
    [dan, 3],
  ] as const)
    expect(await textsOf(again.url, one)).toMatchObject({ part });
  await play(cleoAgain, 1);
  await expect.poll(() => asked.at(-1)).toEqual({ trained: [0, 2], measured: [0, 2] });
  expect(again.coordinator.state.records[0]?.participants.map(({ part }) => part)).toEqual([0, 2]);
});

it("keeps the deal over a crash, whether or not it was told", async () => {
  const disk = createMemoryDisk();
  const { coordinator, url, abandon } = await start({}, { store: createRunFolder("/run", { disk, lock }) });
  const [ada, ben, , , eve] = await arriveAll(url, ["ada", "ben", "cleo", "dan", "eve"]);
  await ben.socket.emitWithAck("leave");
  await expect.poll(() => eve.inbox.dealt).toEqual([{ part: 1 }]);
  const parts = [...coordinator.state.participants.values()].map(({ id, part }) => [id, part]);
  abandon();
  const again = await resume(disk.after("kill"));
  expect([...again.coordinator.state.participants.values()].map(({ id, part }) => [id, part]).sort()).toEqual(
    parts,
  );
  for (const one of [ada, eve]) {
    const back = await participate(again.url, "back", { token: one.identity.token });
    expect(await textsOf(again.url, back)).toMatchObject({ part: one === eve ? 1 : 0 });
  }
});
