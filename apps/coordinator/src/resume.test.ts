import { type Joined, PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { connect, connectHost, device, participate, phase, play, start } from "./app.fixture.ts";
import {
  inOrder,
  lock,
  people,
  person,
  resume,
  settings,
  takePart,
  UNHURRIED,
  uninterrupted,
} from "./resume.fixture.ts";
import { createDyingDisk } from "./store/dying-disk.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

/** Every write with SLOW_TESTS=1, a few minutes; else every fifth. The store's own tests go through all of them. */
const IS_SLOW = process.env.SLOW_TESTS === "1";
const STRIDE = IS_SLOW ? 1 : 5;
const roomCode = async (url: string, key: string): Promise<string> => {
  const host = await connectHost(url, key);
  const seen = () => host.views.at(-1)?.access.roomCode;
  await expect.poll(seen, { interval: 2 }).toEqual(expect.any(String));
  host.socket.close();
  return seen() as string;
};
describe("a run that is killed", () => {
  it("goes on by itself, to the same adapter, with the same identities, from whatever it was writing", {
    timeout: 240_000,
  }, async () => {
    const whole = await uninterrupted();
    expect(whole.operations).toBeGreaterThan(60);
    const phases = new Set<string>();
    for (let last = 8; last < whole.operations; last += STRIDE) {
      const { disk, memory, dead } = createDyingDisk(last);
      const all = people();
      const starting = start(settings, { store: createRunFolder("/run", { disk, lock }) });
      const first = await Promise.race([starting, dead]);
      if (first === "dead") {
        // Nobody has heard of this run.
        void starting.then(({ abandon }) => abandon());
        continue;
      }
      const begun = (async () => {
        const parts = await inOrder(first.url, all);
        await expect.poll(() => first.coordinator.state.readyCount, { interval: 2, timeout: 3000 }).toBe(2);
        await first.coordinator.command({ kind: "start" });
        await Promise.all(parts);
      })();
      begun.catch(() => {}); // Who is dead does not start.
      const end = await Promise.race([dead, begun.then(() => "over")]);
      const wasStarted = first.coordinator.state.intent === "run";
      if (end === "dead") phases.add(first.coordinator.state.kind);
      first.abandon();

      const { coordinator, url } = await resume(memory.after("kill"));
      // Who has not heard who it is comes as somebody else, to another run.
      if (coordinator.state.kind === "ended" || all.some(({ identity }) => identity === null)) {
        await coordinator.close();
        continue;
      }
      const again = all.map((one) => takePart(url, one));
      if (coordinator.state.intent === "idle") {
        // The start was not kept, and so was not announced.
        expect(coordinator.state.records).toHaveLength(0);
        await expect.poll(() => coordinator.state.readyCount, { interval: 2 }).toBe(2);
        await coordinator.command({ kind: "start" });
      } else expect(wasStarted).toBe(true);
      await Promise.all(again);
      expect(
        all.flatMap(({ nickname, faults }) => faults.map((fault) => `${last}: ${nickname}: ${fault}`)),
      ).toEqual([]);
      expect([...coordinator.adapter], `killed at operation ${last}`).toEqual([...whole.adapter]);
      expect(coordinator.report().rounds.map(({ round }) => round)).toEqual([1, 2]);
      await coordinator.close();
    }
    expect([...phases]).toContain("training");
  });

  it("ends at the same adapter after many kills, under the same host key and room code", {
    timeout: 240_000,
  }, async () => {
    const long = { ...settings, rounds: IS_SLOW ? 14 : 5, minParticipants: 3 };
    const three = () => [...people(), person("cleo", 5, true)];
    const whole = await uninterrupted(long, three());
    const all = three();
    // Each life ends at another write; the last one is long enough.
    const random = createRandom("lives");
    let dying = createDyingDisk(60);
    const first = await start(long, {
      store: createRunFolder("/run", { disk: dying.disk, lock }),
      hostKey: "secret",
      limits: UNHURRIED,
    });
    await inOrder(first.url, all);
    await first.coordinator.command({ kind: "room-code", wanted: true });
    const code = await roomCode(first.url, "secret");
    await expect.poll(() => first.coordinator.state.readyCount, { interval: 2 }).toBe(3);
    await first.coordinator.command({ kind: "start" });
    let running: Pick<typeof first, "coordinator" | "abandon"> = first;
    let lives = 1;
    for (let isOver = false; !isOver; lives++) {
      const over = phase(running.coordinator, "ended", 60_000).then(() => "over");
      over.catch(() => {});
      isOver = (await Promise.race([dying.dead, over])) === "over";
      if (isOver) break;
      running.abandon();
      dying = createDyingDisk(15 + random.below(40), dying.memory.after("kill"));
      const resumed = await resume(dying.disk);
      expect(resumed.hostKey).toBe("secret");
      expect(await roomCode(resumed.url, "secret")).toBe(code);
      running = resumed;
      for (const one of all) takePart(resumed.url, one).catch(() => {});
    }
    expect(lives).toBeGreaterThan(long.rounds);
    expect(all.flatMap(({ faults }) => faults)).toEqual([]);
    const { rounds } = running.coordinator.report();
    expect(
      rounds.map(({ participants }) => participants.map(({ id, outcome }) => `${id} ${outcome}`)),
    ).toEqual(Array(long.rounds).fill(["p1 aggregated", "p2 aggregated", "p3 aggregated"]));
    expect([...running.coordinator.adapter]).toEqual([...whole.adapter]);
    running.abandon(); // Its disk may die when it closes.
  });

  it("lets in whom it is told to when it goes on, from then on, and else whom it did", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, {
      store: createRunFolder("/run", { disk, lock }),
      hostKey: "secret",
      access: { approval: true },
    });
    first.abandon();
    const left = disk.after("kill");
    const closed = await resume(left, { access: { roomCode: "PLUM42" } });
    expect(await roomCode(closed.url, "secret")).toBe("PLUM42");
    closed.abandon();
    const again = await resume(left.after("kill"));
    expect(await roomCode(again.url, "secret")).toBe("PLUM42");
    const join = { protocolVersion: PROTOCOL_VERSION, nickname: "ada" };
    const { socket } = await connect(again.url);
    expect(await socket.emitWithAck("join", join)).toMatchObject({ reason: "wrong-code" });
    const known = { ...join, code: "PLUM42" };
    expect(await socket.emitWithAck("join", known)).toMatchObject({ reason: "awaiting-approval" });
  });

  it("keeps the host key, the lock, a fresh kick and who is who, also in round 1", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, {
      store: createRunFolder("/run", { disk, lock }),
      hostKey: "secret",
    });
    const ada = await participate(first.url, "ada");
    const ben = await participate(first.url, "ben");
    const cleo = await participate(first.url, "cleo");
    await first.coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    await first.coordinator.command({ kind: "lock", locked: true });
    await first.coordinator.command({ kind: "kick", participantId: "p3" });
    const left = disk.after("power cut");
    first.abandon();

    const { coordinator, url } = await resume(left);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 1, locked: true });
    // In the other order.
    const again = await participate(url, "ben", { token: ben.identity.token, resumesRound: 1 });
    expect(again.identity.participantId).toBe("p2");
    const { identity } = await participate(url, "ada", { token: ada.identity.token });
    expect(identity.participantId).toBe("p1");
    await expect(participate(url, "cleo", { token: cleo.identity.token })).rejects.toThrow(/kicked/);
    await expect(participate(url, "dora")).rejects.toThrow(/run-locked/);
  });

  it("tells who comes back what it has given, before and after it goes on", async () => {
    const disk = createMemoryDisk();
    const first = await start({ ...settings, rounds: 3 }, { store: createRunFolder("/run", { disk, lock }) });
    const ada = await participate(first.url, "ada");
    const ben = await participate(first.url, "ben", { sampleCount: 15 });
    expect(ada.identity.given).toBeUndefined();
    await first.coordinator.command({ kind: "start" });
    for (const round of [1, 2]) await Promise.all([ada, ben].map((each) => play(each, round)));
    await ada.nextStart(3);
    const { participants } = first.coordinator.report().rounds[1]!;
    const own = participants.find(({ id }) => id === "p1")!;
    const given = {
      ...{ roundsUsed: 2, contribution: 0.8, together: 2, upToRound: 2, joules: 2, batteryJoules: 0 },
      bytes: 2 * (own.bytesDown + own.bytesUp),
      last: { round: 2, contribution: 0.4, aggregatedCount: 2 },
    };
    const token = ada.identity.token;
    expect((await participate(first.url, "ada", { token, resumesRound: 3 })).identity.given).toMatchObject(
      given,
    );
    const left = disk.after("power cut");
    first.abandon();

    const { coordinator, url } = await resume(left);
    const back = await participate(url, "ada", { token });
    expect(back.identity).toMatchObject({ given, evaluated: { round: 2, isOwn: true } });
    const benToo = await participate(url, "ben", { token: ben.identity.token });
    expect(benToo.identity.given).toMatchObject({ roundsUsed: 2, contribution: 1.2 });
    await Promise.all([back, benToo].map((each) => play(each, 3)));
    await phase(coordinator, "ended");
    // Of the next run it has given nothing.
    expect(await coordinator.command({ kind: "configure", config: { seed: "next" } })).toEqual({
      kind: "done",
    });
    expect((await participate(url, "ada", { token })).identity.given).toBeUndefined();
  });

  it("gives the ids of those who were forgotten to nobody else", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    await participate(first.url, "ada");
    const ben = await participate(first.url, "ben");
    await ben.socket.emitWithAck("leave");
    first.abandon();
    const { url } = await resume(disk.after("kill"));
    expect((await participate(url, "cleo")).identity.participantId).toBe("p3");
  });

  it("plans no round without one who has come back and lost its connection once more", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    const [ada, ben] = [await participate(first.url, "ada"), await participate(first.url, "ben")];
    await first.coordinator.command({ kind: "start" });
    await play(ada, 1);
    await ben.nextStart(1);
    first.abandon();
    const { coordinator, url } = await resume(disk.after("kill"));
    const comeBack = (who: typeof ada, name: string) => participate(url, name, { token: who.identity.token });
    (await comeBack(ada, "ada")).socket.disconnect();
    await play(await comeBack(ben, "ben"), 1);
    await phase(coordinator, "closing");
    await play(await comeBack(ada, "ada"), 2);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 2, outstandingCount: 1 });
  });

  it("asks everybody in the next round who was there, also who still loads when the open one could close", async () => {
    const disk = createMemoryDisk();
    const terms = { ...settings, minParticipants: 1 };
    const first = await start(terms, { store: createRunFolder("/run", { disk, lock }) });
    const [ada, ben] = [await participate(first.url, "ada"), await participate(first.url, "ben")];
    await first.coordinator.command({ kind: "start" });
    await play(ada, 1);
    await ben.nextStart(1);
    first.abandon();
    const { coordinator, url } = await resume(disk.after("kill"));
    const { socket, inbox } = await connect(url);
    const { token } = ada.identity;
    const join = { protocolVersion: PROTOCOL_VERSION, nickname: "ada", token };
    const { run } = (await socket.emitWithAck("join", join)) as Joined;
    await play(await participate(url, "ben", { token: ben.identity.token }), 1);
    await phase(coordinator, "closing");
    // Time in which the next round could be planned without her.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await socket.emitWithAck("ready", { ...device, runId: run.runId });
    await expect.poll(() => inbox["round-start"].map(({ round }) => round)).toEqual([2]);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 2, outstandingCount: 2 });
  });

  it("goes on without those who do not come back", async () => {
    const disk = createMemoryDisk();
    const first = await start({ ...settings, rounds: 1 }, { store: createRunFolder("/run", { disk, lock }) });
    const ada = await participate(first.url, "ada");
    await participate(first.url, "ben");
    await first.coordinator.command({ kind: "start" });
    await play(ada, 1);
    first.abandon();
    const { coordinator, advance } = await resume(disk.after("kill"));
    expect(coordinator.state.kind).toBe("training");
    advance(21);
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]?.participants.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["p1", "aggregated"],
      ["p2", "left"],
    ]);
  });

  it("does not count the time without a coordinator against the deadline", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    const [ada, ben] = [await participate(first.url, "ada"), await participate(first.url, "ben")];
    await first.coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    first.advance(19);
    await play(ben, 1);
    first.abandon();
    const second = await resume(disk.after("kill"));
    const back = await participate(second.url, "ada", { token: ada.identity.token });
    const { deadlineSeconds } = await back.nextStart(1);
    expect(deadlineSeconds).toBe(11);
    second.advance(12);
    await phase(second.coordinator, "closing");
    // Ben may still come back, and would be asked in the next round.
    second.advance(9);
    await expect.poll(() => second.coordinator.state.records.length, { interval: 2 }).toBe(1);
    expect(second.coordinator.report().rounds[0]?.participants.map(({ outcome }) => outcome)).toEqual([
      "missed-deadline",
      "aggregated",
    ]);
  });
});

it("keeps a way back that the host has taken", async () => {
  const disk = createMemoryDisk();
  const first = await start({ rounds: 9 }, { store: createRunFolder("/run", { disk, lock }) });
  const ada = await participate(first.url, "ada");
  await first.coordinator.command({ kind: "start" });
  await play(ada, 1);
  await expect.poll(() => first.coordinator.state.records.length, { interval: 2 }).toBe(1);
  const { adapter } = first.coordinator;
  await first.coordinator.command({ kind: "pause" });
  await play(ada, 2);
  await phase(first.coordinator, "paused");
  expect(await first.coordinator.command({ kind: "rollback", round: 2 })).toEqual({ kind: "done" });
  first.abandon();
  const { coordinator } = await resume(disk.after("power cut"));
  expect(coordinator.state).toMatchObject({ kind: "paused", basedOnRound: 1 });
  expect([...coordinator.adapter]).toEqual([...adapter]);
});
